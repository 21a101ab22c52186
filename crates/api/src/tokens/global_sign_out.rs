//! `GlobalSignOut`: signs a user out everywhere.

use poolhouse_domain::{
    ports::Ports,
    shapes::{GlobalSignOutRequest, GlobalSignOutResponse},
    tokens::revoke::sign_out_everywhere,
};
use poolhouse_wire::operations::GlobalSignOut as Op;

use crate::{
    failure::{Answer, Failure},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GlobalSignOutRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let mut tx = ports.store.write().await?;
        let user = tx.user_by_sub(caller.pool.id(), &caller.user.sub).await?;
        let mut user = user.ok_or_else(Failure::user_gone)?;
        sign_out_everywhere(&mut *tx, &mut user, ports.clock.now()).await?;
        tx.commit().await?;
        Ok(GlobalSignOutResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn every_token_up_to_now_is_dead_and_a_sign_in_a_microsecond_later_lives() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let (one, other) = (stack.tokens(&client, "ada").await, stack.tokens(&client, "ada").await);
        let input = json!({ "AccessToken": one["AccessToken"] });
        assert_eq!(stack.ok("GlobalSignOut", input).await, json!({}));
        for tokens in [&one, &other] {
            let input = json!({ "AccessToken": tokens["AccessToken"] });
            let refused = stack.refusal("GetUser", input).await;
            assert_eq!(refused, error("NotAuthorizedException", "Access Token has been revoked"));
            let input = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
            let refused = stack.refusal("GetTokensFromRefreshToken", input).await;
            assert_eq!(refused, error("NotAuthorizedException", "Refresh Token has been revoked"));
        }
        stack.advance(1);
        let fresh = stack.access_token(&client, "ada").await;
        stack.ok("GetUser", json!({ "AccessToken": fresh })).await;
    }

    #[tokio::test]
    async fn an_expired_or_foreign_token_signs_nobody_out() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        let input = json!({ "AccessToken": tokens["IdToken"] });
        let refused = stack.refusal("GlobalSignOut", input).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid Access Token"));
        stack.advance(3_600);
        let input = json!({ "AccessToken": tokens["AccessToken"] });
        let refused = stack.refusal("GlobalSignOut", input).await;
        assert_eq!(refused, error("NotAuthorizedException", "Access Token has expired"));
        let input = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
        stack.ok("GetTokensFromRefreshToken", input).await;
    }
}
