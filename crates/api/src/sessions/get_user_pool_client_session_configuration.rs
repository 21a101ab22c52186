//! `GetUserPoolClientSessionConfiguration`: for how long an app client takes a browser's earlier
//! sign-in for its own.

use poolhouse_domain::{
    ports::Ports,
    shapes::{
        GetUserPoolClientSessionConfigurationRequest, GetUserPoolClientSessionConfigurationResponse,
    },
};
use poolhouse_wire::operations::GetUserPoolClientSessionConfiguration as Op;

use super::sso_session;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(
        ports: &Ports,
        input: GetUserPoolClientSessionConfigurationRequest,
    ) -> Answer<Op> {
        let (pool_id, client_id) = (input.user_pool_id, input.client_id);
        let (client, _) = lookup::app_client_of_pool::<Op>(ports, &pool_id, &client_id).await?;
        Ok(GetUserPoolClientSessionConfigurationResponse {
            user_pool_id: Some(pool_id),
            client_id: Some(client_id),
            sso_session: Some(sso_session(&client)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_client_that_was_never_told_has_an_hour() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let get = json!({ "UserPoolId": pool, "ClientId": client });
        let shown = stack.ok("GetUserPoolClientSessionConfiguration", get).await;
        let expected = json!({
            "UserPoolId": pool, "ClientId": client, "SSOSession": { "MaxValidityMinutes": 60 },
        });
        assert_eq!(shown, expected);
        let get = json!({ "UserPoolId": pool, "ClientId": "nosuchclient" });
        let message = "User pool client nosuchclient does not exist.";
        let refused = stack.refusal("GetUserPoolClientSessionConfiguration", get).await;
        assert_eq!(refused, error("ResourceNotFoundException", message));
    }
}
