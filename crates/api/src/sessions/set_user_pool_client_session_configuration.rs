//! `SetUserPoolClientSessionConfiguration`: for how long an app client takes a browser's earlier
//! sign-in for its own.

use poolhouse_domain::{
    ports::Ports,
    sessions::tracking::configure_client,
    shapes::{
        SetUserPoolClientSessionConfigurationRequest, SetUserPoolClientSessionConfigurationResponse,
    },
};
use poolhouse_wire::operations::SetUserPoolClientSessionConfiguration as Op;

use super::{settings_refused, sso_session};
use crate::{
    failure::Answer,
    lookup::{no_app_client, no_user_pool},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(
        ports: &Ports,
        input: SetUserPoolClientSessionConfigurationRequest,
    ) -> Answer<Op> {
        let (pool_id, client_id) = (input.user_pool_id, input.client_id);
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(&pool_id).await?.ok_or_else(|| no_user_pool(&pool_id))?;
        let client = tx.app_client(&client_id).await?;
        let client = client.filter(|client| client.user_pool_id() == pool_id);
        let mut client = client.ok_or_else(|| no_app_client(&client_id))?;
        let minutes = input.sso_session.max_validity_minutes;
        configure_client(&pool, &mut client, minutes)
            .map_err(|refused| settings_refused(&refused))?;
        tx.update_app_client(&mut client).await?;
        tx.commit().await?;
        ports.directory.forget_app_client(&client_id);
        Ok(SetUserPoolClientSessionConfigurationResponse {
            user_pool_id: Some(pool_id),
            client_id: Some(client_id),
            sso_session: Some(sso_session(&client)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{track, tracking_pool};
    use crate::testing::{Stack, error, invalid, merged};

    const OP: &str = "SetUserPoolClientSessionConfiguration";

    async fn shown(stack: &Stack, pool: &str, client: &str) -> Value {
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        stack.ok("GetUserPoolClientSessionConfiguration", input).await
    }

    #[tokio::test]
    async fn what_is_set_is_what_get_shows_through_updates_and_while_tracking_is_off() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 20).await;
        for minutes in [0, 129_600] {
            let set = json!({
                "UserPoolId": pool, "ClientId": client,
                "SSOSession": { "MaxValidityMinutes": minutes },
            });
            assert_eq!(stack.ok(OP, set.clone()).await, set);
            let update = json!({ "UserPoolId": pool, "ClientId": client });
            stack.ok("UpdateUserPoolClient", update).await;
            assert_eq!(shown(&stack, &pool, &client).await, set);
            track(&stack, &pool, "DISABLED", 20).await;
            assert_eq!(shown(&stack, &pool, &client).await, set);
            track(&stack, &pool, "ENABLED", 20).await;
        }
    }

    #[tokio::test]
    async fn the_pool_must_track_sessions_and_have_the_client() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({
            "UserPoolId": pool, "ClientId": client, "SSOSession": { "MaxValidityMinutes": 5 },
        });
        let message = format!("Session tracking is not enabled for user pool {pool}.");
        assert_eq!(stack.refusal(OP, input.clone()).await, invalid(&message));
        assert_eq!(
            shown(&stack, &pool, &client).await["SSOSession"],
            json!({ "MaxValidityMinutes": 60 })
        );
        let (other, _) = tracking_pool(&stack, 20).await;
        let foreign = merged(input.clone(), json!({ "UserPoolId": other }));
        let message = format!("User pool client {client} does not exist.");
        let expected = error("ResourceNotFoundException", &message);
        assert_eq!(stack.refusal(OP, foreign).await, expected);
        let lite = stack.pool(json!({ "UserPoolTier": "LITE" })).await;
        let client = stack.client(&lite, json!({})).await;
        let lite = merged(input, json!({ "UserPoolId": lite, "ClientId": client }));
        let message = "The following feature is not available for the LITE pricing tier \
                       configured: Session Tracking";
        let expected = error("FeatureUnavailableInTierException", message);
        assert_eq!(stack.refusal(OP, lite).await, expected);
    }
}
