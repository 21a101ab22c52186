//! `GetUserPoolSessionConfiguration`: whether a user pool tracks sessions, and how many a user can
//! have.

use poolhouse_domain::{
    ports::Ports,
    shapes::{GetUserPoolSessionConfigurationRequest, GetUserPoolSessionConfigurationResponse},
};
use poolhouse_wire::operations::GetUserPoolSessionConfiguration as Op;

use super::{token_session, tracking};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetUserPoolSessionConfigurationRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        Ok(GetUserPoolSessionConfigurationResponse {
            user_pool_id: Some(input.user_pool_id),
            user_session_tracking: Some(tracking(pool.sessions)),
            token_session: Some(token_session(pool.sessions)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_pool_that_was_never_told_does_not_track_and_would_allow_twenty() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let shown =
            stack.ok("GetUserPoolSessionConfiguration", json!({ "UserPoolId": pool })).await;
        let expected = json!({
            "UserPoolId": pool, "UserSessionTracking": "DISABLED",
            "TokenSession": { "MaxPerUser": 20 },
        });
        assert_eq!(shown, expected);
        let input = json!({ "UserPoolId": "us-east-1_nothing" });
        let message = "User pool us-east-1_nothing does not exist.";
        let refused = stack.refusal("GetUserPoolSessionConfiguration", input).await;
        assert_eq!(refused, error("ResourceNotFoundException", message));
    }
}
