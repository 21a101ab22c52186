//! `AdminDisableUser`: an administrator bars a user from signing in, and revokes the user's tokens.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminDisableUserRequest, AdminDisableUserResponse},
    tokens::revoke,
};
use poolhouse_wire::operations::AdminDisableUser as Op;

use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminDisableUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        revoke::disable(&mut *tx, &mut user, ports.clock.now()).await?;
        tx.commit().await?;
        Ok(AdminDisableUserResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_disabled_user_loses_the_tokens_and_keeps_the_status() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let token = stack.access_token(&client, "jo").await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        assert_eq!(stack.ok("AdminDisableUser", user.clone()).await, json!({}));
        let shown = stack.ok("AdminGetUser", user.clone()).await;
        assert_eq!((&shown["Enabled"], &shown["UserStatus"]), (&json!(false), &json!("CONFIRMED")));
        let refused = stack.refusal("GetUser", json!({ "AccessToken": token })).await;
        assert_eq!(refused.0, "NotAuthorizedException");
        stack.advance(1);
        stack.ok("AdminEnableUser", user).await;
        let revoked = error("NotAuthorizedException", "Access Token has been revoked");
        assert_eq!(stack.refusal("GetUser", json!({ "AccessToken": token })).await, revoked);
        stack.access_token(&client, "jo").await;
    }

    #[tokio::test]
    async fn an_unknown_user_is_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let user = json!({ "UserPoolId": pool, "Username": "nobody" });
        let expected = error("UserNotFoundException", "User does not exist.");
        assert_eq!(stack.refusal("AdminDisableUser", user.clone()).await, expected);
        assert_eq!(stack.refusal("AdminEnableUser", user).await, expected);
    }
}
