//! `AdminDeleteSoftwareToken`: removes a user's TOTP software token.

use poolhouse_domain::{
    mfa_preference,
    ports::Ports,
    shapes::{AdminDeleteSoftwareTokenRequest, AdminDeleteSoftwareTokenResponse},
    totp::SoftwareToken,
    users::MfaFactor,
};
use poolhouse_wire::operations::AdminDeleteSoftwareToken as Op;

use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminDeleteSoftwareTokenRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        user.software_token = SoftwareToken::default();
        mfa_preference::drop_factor(&mut user, MfaFactor::SoftwareToken);
        tx.update_user(&mut user).await?;
        tx.commit().await?;
        Ok(AdminDeleteSoftwareTokenResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        testing::{Stack, error},
        totp::testing::{enrol, start, totp_pool},
    };

    #[tokio::test]
    async fn the_next_sign_in_asks_for_no_code_where_mfa_is_optional() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        enrol(&stack, &client, "ada").await;
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        assert_eq!(stack.ok("AdminDeleteSoftwareToken", input.clone()).await, json!({}));
        let user = stack.ok("AdminGetUser", input).await;
        assert!(
            user.get("UserMFASettingList").is_none() && user.get("PreferredMfaSetting").is_none()
        );
        assert!(start(&stack, &client, "ada").await["AuthenticationResult"].is_object());
    }

    #[tokio::test]
    async fn the_next_sign_in_sets_up_a_new_token_where_mfa_is_required() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        enrol(&stack, &client, "ada").await;
        crate::totp::testing::offer_totp(&stack, &pool, "ON").await;
        assert_eq!(start(&stack, &client, "ada").await["ChallengeName"], "SOFTWARE_TOKEN_MFA");
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        stack.ok("AdminDeleteSoftwareToken", input).await;
        assert_eq!(start(&stack, &client, "ada").await["ChallengeName"], "MFA_SETUP");
    }

    #[tokio::test]
    async fn refuses_unknown_users_and_pools() {
        let stack = Stack::new().await;
        let (pool, _) = totp_pool(&stack, "OPTIONAL").await;
        let input = json!({ "UserPoolId": pool, "Username": "nobody" });
        let refused = stack.refusal("AdminDeleteSoftwareToken", input).await;
        assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
        let input = json!({ "UserPoolId": "us-east-1_nothere00", "Username": "ada" });
        let refused = stack.refusal("AdminDeleteSoftwareToken", input).await;
        let message = "User pool us-east-1_nothere00 does not exist.";
        assert_eq!(refused, error("ResourceNotFoundException", message));
    }
}
