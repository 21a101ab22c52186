//! `AdminRevokeUserSession`: an administrator ends a session of a user, with all its tokens.

use poolhouse_domain::{
    ports::Ports,
    sessions::tracking,
    shapes::{AdminRevokeUserSessionRequest, AdminRevokeUserSessionResponse},
};
use poolhouse_wire::operations::AdminRevokeUserSession as Op;

use super::{no_session, with_linked};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminRevokeUserSessionRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let linked = with_linked(input.revoke_associated_sessions);
        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        let id = &input.session_id;
        let revoked = tracking::revoke(&mut *tx, &pool, &user, id, linked, now).await?;
        revoked.map_err(|_| no_session())?;
        tx.commit().await?;
        Ok(AdminRevokeUserSessionResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{are_alive, own, track, tracking_pool};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_session_ends_if_it_is_the_named_users() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 20).await;
        stack.user(&pool, "bob", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        let id = own(&stack, &tokens).await;
        let input = |user: &str| json!({ "UserPoolId": pool, "Username": user, "SessionId": id });
        let unknown = error("ResourceNotFoundException", "Session does not exist.");
        assert_eq!(stack.refusal("AdminRevokeUserSession", input("bob")).await, unknown);
        let refused = stack.refusal("AdminRevokeUserSession", input("nobody")).await;
        assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
        assert!(are_alive(&stack, &client, &tokens).await);
        assert_eq!(stack.ok("AdminRevokeUserSession", input("ada")).await, json!({}));
        assert!(!are_alive(&stack, &client, &tokens).await);
        assert_eq!(stack.refusal("AdminRevokeUserSession", input("ada")).await, unknown);
    }

    #[tokio::test]
    async fn a_pool_that_does_not_track_has_no_session_to_end() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 20).await;
        let tokens = stack.tokens(&client, "ada").await;
        let id = own(&stack, &tokens).await;
        track(&stack, &pool, "DISABLED", 20).await;
        let input = json!({ "UserPoolId": pool, "Username": "ada", "SessionId": id });
        let refused = stack.refusal("AdminRevokeUserSession", input).await;
        assert_eq!(refused, error("ResourceNotFoundException", "Session does not exist."));
        assert!(are_alive(&stack, &client, &tokens).await);
    }
}
