//! `DeleteUserPoolClientSecret`: takes one of two secrets from an app client.

use poolhouse_domain::{
    app_clients::secrets,
    ports::Ports,
    shapes::{DeleteUserPoolClientSecretRequest, DeleteUserPoolClientSecretResponse},
};
use poolhouse_wire::operations::DeleteUserPoolClientSecret as Op;

use super::{find, secrets_refused};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserPoolClientSecretRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let (mut client, _) = find::<Op>(&mut *tx, &input.user_pool_id, &input.client_id).await?;
        secrets::delete(&mut client, &input.client_secret_id)
            .map_err(|refused| secrets_refused(&refused))?;
        tx.update_app_client(&mut client).await?;
        tx.commit().await?;
        ports.directory.forget_app_client(client.id());
        Ok(DeleteUserPoolClientSecretResponse {})
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::shapes::ClientTypeType;
    use serde_json::json;

    use crate::testing::{Stack, error, invalid, merged};

    #[tokio::test]
    async fn clients_that_registered_themselves_keep_their_secret() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let id = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        let mut tx = stack.ports.store.write().await.unwrap();
        let mut client = tx.app_client(&id).await.unwrap().unwrap();
        client.settings.client_type = Some(ClientTypeType::Dcr);
        tx.update_app_client(&mut client).await.unwrap();
        tx.commit().await.unwrap();
        let names = json!({ "UserPoolId": pool, "ClientId": id });
        let listed = stack.ok("ListUserPoolClientSecrets", names.clone()).await;
        let message =
            format!("Client secrets cannot be changed for dynamically registered client {id}.");
        let secret = json!({ "ClientSecretId": listed["ClientSecrets"][0]["ClientSecretId"] });
        for (operation, input) in [
            ("AddUserPoolClientSecret", names.clone()),
            ("DeleteUserPoolClientSecret", merged(names.clone(), secret)),
        ] {
            assert_eq!(stack.refusal(operation, input).await, invalid(&message), "{operation}");
        }
        assert_eq!(stack.ok("ListUserPoolClientSecrets", names.clone()).await, listed);
        let described = stack.ok("DescribeUserPoolClient", names).await;
        assert_eq!(described["UserPoolClient"]["ClientType"], "DCR");
    }

    #[tokio::test]
    async fn the_last_secret_stays_and_unknown_ones_are_not_found() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        let last = format!("{client}--{}", stack.ports.clock.now().seconds());
        let public = stack.client(&pool, json!({})).await;
        let message = format!("User pool client {public} is not configured for secret.");
        for (client, secret, expected) in [
            (
                &client,
                last.as_str(),
                invalid("The last client secret of a user pool client cannot be deleted."),
            ),
            (
                &client,
                "none",
                error("ResourceNotFoundException", "Client secret none does not exist."),
            ),
            (&public, "none", invalid(&message)),
            (
                &"none".to_owned(),
                "none",
                error("ResourceNotFoundException", "User pool client none does not exist."),
            ),
        ] {
            let input = json!({ "UserPoolId": pool, "ClientId": client, "ClientSecretId": secret });
            assert_eq!(stack.refusal("DeleteUserPoolClientSecret", input).await, expected);
        }
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        let listed = stack.ok("ListUserPoolClientSecrets", names).await;
        assert_eq!(listed["ClientSecrets"][0]["ClientSecretId"], json!(last), "it stays");
    }
}
