//! `DescribeUserPoolClient`: the settings of an app client, with its secret.

use poolhouse_domain::{
    ports::Ports,
    shapes::{ClientTypeType, DescribeUserPoolClientRequest, DescribeUserPoolClientResponse},
};
use poolhouse_wire::operations::DescribeUserPoolClient as Op;

use super::{described, find};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeUserPoolClientRequest) -> Answer<Op> {
        let mut tx = ports.store.read().await?;
        let (client, _) = find::<Op>(&mut *tx, &input.user_pool_id, &input.client_id).await?;
        let mut client = described(&client);
        client.client_type.get_or_insert(ClientTypeType::Regular);
        Ok(DescribeUserPoolClientResponse { user_pool_client: Some(client) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_secret_is_shown() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let secret = "my_own_secret_of_25_chars";
        let client = stack.client(&pool, json!({ "ClientSecret": secret })).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        let answer = stack.ok("DescribeUserPoolClient", input).await;
        assert_eq!(answer["UserPoolClient"]["ClientSecret"], secret);
        assert_eq!(answer["UserPoolClient"]["ClientType"], "REGULAR");
    }

    #[tokio::test]
    async fn a_client_of_another_pool_is_not_found() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&other, json!({})).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        let message = format!("User pool client {client} does not exist.");
        assert_eq!(
            stack.refusal("DescribeUserPoolClient", input).await,
            error("ResourceNotFoundException", &message)
        );
    }

    #[tokio::test]
    async fn the_pool_is_looked_for_first() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12", "ClientId": "none" });
        assert_eq!(
            stack.refusal("DescribeUserPoolClient", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
