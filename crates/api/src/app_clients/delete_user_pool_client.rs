//! `DeleteUserPoolClient`: removes an app client.

use poolhouse_domain::{ports::Ports, shapes::DeleteUserPoolClientRequest};
use poolhouse_wire::{NoOutput, operations::DeleteUserPoolClient as Op};

use super::find;
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserPoolClientRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let (client, _) = find::<Op>(&mut *tx, &input.user_pool_id, &input.client_id).await?;
        tx.delete_app_client(client.id()).await?;
        tx.delete_risk_configuration(&input.user_pool_id, client.id()).await?;
        tx.commit().await?;
        ports.directory.forget_app_client(client.id());
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_client_is_gone_at_once_and_the_answer_is_empty() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        assert!(stack.ports.directory.app_client(&client).await.unwrap().is_some());
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        let answer = stack.call("DeleteUserPoolClient", input.clone()).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null));
        assert!(stack.ports.directory.app_client(&client).await.unwrap().is_none());
        let message = format!("User pool client {client} does not exist.");
        assert_eq!(
            stack.refusal("DeleteUserPoolClient", input).await,
            error("ResourceNotFoundException", &message)
        );
    }

    #[tokio::test]
    async fn tokens_of_the_client_are_good_no_longer() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let (client, other) =
            (stack.client(&pool, json!({})).await, stack.client(&pool, json!({})).await);
        stack.user(&pool, "ada", &[]).await;
        let token =
            async |client: &str| json!({ "AccessToken": stack.access_token(client, "ada").await });
        let (gone, kept) = (token(&client).await, token(&other).await);
        stack.ok("GetUser", gone.clone()).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        stack.call("DeleteUserPoolClient", input).await;
        assert_eq!(
            stack.refusal("GetUser", gone).await,
            error("NotAuthorizedException", "Invalid Access Token")
        );
        stack.ok("GetUser", kept).await;
    }

    #[tokio::test]
    async fn a_client_of_another_pool_stays() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&other, json!({})).await;
        let message = format!("User pool client {client} does not exist.");
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        assert_eq!(
            stack.refusal("DeleteUserPoolClient", input).await,
            error("ResourceNotFoundException", &message)
        );
        let input = json!({ "UserPoolId": other, "ClientId": client });
        stack.ok("DescribeUserPoolClient", input).await;
    }
}
