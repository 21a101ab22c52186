//! `ListUserPoolClientSecrets`: ids and dates of an app client's secrets, oldest first.

use poolhouse_domain::{
    ports::Ports,
    shapes::{ListUserPoolClientSecretsRequest, ListUserPoolClientSecretsResponse},
};
use poolhouse_wire::operations::ListUserPoolClientSecrets as Op;

use super::{find, secret_descriptor};
use crate::{
    failure::{Answer, invalid_parameter},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListUserPoolClientSecretsRequest) -> Answer<Op> {
        if input.next_token.is_some() {
            // There is only ever one page: no token can come from here. The text is a belief.
            return Err(invalid_parameter("Invalid pagination token given.").into());
        }
        let mut tx = ports.store.read().await?;
        let (client, _) = find::<Op>(&mut *tx, &input.user_pool_id, &input.client_id).await?;
        let secrets = client.secrets.iter().map(secret_descriptor).collect();
        Ok(ListUserPoolClientSecretsResponse { client_secrets: Some(secrets), next_token: None })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error, invalid, merged};

    #[tokio::test]
    async fn secrets_are_listed_without_their_values() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        let made = stack.ports.clock.now().seconds();
        let listed = stack.ok("ListUserPoolClientSecrets", input.clone()).await;
        let secret = json!({
            "ClientSecretId": format!("{client}--{made}"),
            "ClientSecretCreateDate": 1_767_225_600.123,
        });
        assert_eq!(listed, json!({ "ClientSecrets": [secret] }));
        let input = merged(input, json!({ "NextToken": "any" }));
        assert_eq!(
            stack.refusal("ListUserPoolClientSecrets", input).await,
            invalid("Invalid pagination token given.")
        );
    }

    #[tokio::test]
    async fn a_public_client_has_none_and_an_unknown_one_is_not_found() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        let listed = stack.ok("ListUserPoolClientSecrets", input).await;
        assert_eq!(listed, json!({ "ClientSecrets": [] }));
        let input = json!({ "UserPoolId": pool, "ClientId": "none" });
        assert_eq!(
            stack.refusal("ListUserPoolClientSecrets", input).await,
            error("ResourceNotFoundException", "User pool client none does not exist.")
        );
    }
}
