//! `AdminUserGlobalSignOut`: signs a user out everywhere, for an administrator.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminUserGlobalSignOutRequest, AdminUserGlobalSignOutResponse},
    tokens::revoke::sign_out_everywhere,
};
use poolhouse_wire::operations::AdminUserGlobalSignOut as Op;

use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminUserGlobalSignOutRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        sign_out_everywhere(&mut *tx, &mut user, ports.clock.now()).await?;
        tx.commit().await?;
        Ok(AdminUserGlobalSignOutResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_users_tokens_are_dead() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        assert_eq!(stack.ok("AdminUserGlobalSignOut", input).await, json!({}));
        let refused = stack.refusal("GetUser", json!({ "AccessToken": token })).await;
        assert_eq!(refused, error("NotAuthorizedException", "Access Token has been revoked"));
    }

    #[tokio::test]
    async fn refuses_unknown_users() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = json!({ "UserPoolId": pool, "Username": "nobody" });
        let refused = stack.refusal("AdminUserGlobalSignOut", input).await;
        assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
    }
}
