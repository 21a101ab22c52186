//! `SetUserPoolSessionConfiguration`: whether a user pool tracks sessions, and how many a user can
//! have.

use poolhouse_domain::{
    ports::Ports,
    sessions::tracking::{SessionSettings, configure_pool},
    shapes::{
        SetUserPoolSessionConfigurationRequest, SetUserPoolSessionConfigurationResponse,
        UserSessionTrackingType,
    },
};
use poolhouse_wire::operations::SetUserPoolSessionConfiguration as Op;

use super::{settings_refused, token_session, tracking};
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SetUserPoolSessionConfigurationRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let mut tx = ports.store.write().await?;
        let mut pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        let settings = SessionSettings {
            is_tracking: input.user_session_tracking == UserSessionTrackingType::Enabled,
            max_per_user: input.token_session.max_per_user,
        };
        configure_pool(&mut pool, settings).map_err(|refused| settings_refused(&refused))?;
        tx.update_user_pool(&mut pool).await?;
        tx.commit().await?;
        ports.directory.forget_user_pool(&id);
        Ok(SetUserPoolSessionConfigurationResponse {
            user_pool_id: Some(id),
            user_session_tracking: Some(tracking(pool.sessions)),
            token_session: Some(token_session(pool.sessions)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{sessions, track, tracking_pool};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn what_is_set_is_what_get_shows_and_an_update_of_the_pool_keeps_it() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let set = json!({
            "UserPoolId": pool, "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 3 },
        });
        assert_eq!(stack.ok("SetUserPoolSessionConfiguration", set.clone()).await, set);
        stack.ok("UpdateUserPool", json!({ "UserPoolId": pool })).await;
        let get = json!({ "UserPoolId": pool });
        assert_eq!(stack.ok("GetUserPoolSessionConfiguration", get).await, set);
    }

    #[tokio::test]
    async fn pools_of_the_lite_tier_can_t_track_and_pools_that_track_can_t_become_lite() {
        let stack = Stack::new().await;
        let lite = stack.pool(json!({ "UserPoolTier": "LITE" })).await;
        let input = json!({
            "UserPoolId": lite, "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 3 },
        });
        let message = "The following feature is not available for the LITE pricing tier \
                       configured: Session Tracking";
        let refused = stack.refusal("SetUserPoolSessionConfiguration", input).await;
        assert_eq!(refused, error("FeatureUnavailableInTierException", message));
        let (pool, _) = tracking_pool(&stack, 3).await;
        let input = json!({ "UserPoolId": pool, "UserPoolTier": "LITE" });
        let refused = stack.refusal("UpdateUserPool", input).await;
        assert_eq!(refused.0, "FeatureUnavailableInTierException");
    }

    #[tokio::test]
    async fn a_lower_maximum_evicts_nobody_until_the_next_sign_in() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 4).await;
        let mut tokens = stack.tokens(&client, "ada").await;
        for _ in 0..3 {
            stack.advance(1);
            tokens = stack.tokens(&client, "ada").await;
        }
        track(&stack, &pool, "ENABLED", 2).await;
        assert_eq!(sessions(&stack, &tokens).await.len(), 4);
        stack.advance(1);
        let tokens = stack.tokens(&client, "ada").await;
        assert_eq!(sessions(&stack, &tokens).await.len(), 2);
    }

    #[tokio::test]
    async fn unknown_pools_are_refused() {
        let stack = Stack::new().await;
        let input = json!({
            "UserPoolId": "us-east-1_nothing", "UserSessionTracking": "ENABLED",
            "TokenSession": { "MaxPerUser": 3 },
        });
        let message = "User pool us-east-1_nothing does not exist.";
        let refused = stack.refusal("SetUserPoolSessionConfiguration", input).await;
        assert_eq!(refused, error("ResourceNotFoundException", message));
    }
}
