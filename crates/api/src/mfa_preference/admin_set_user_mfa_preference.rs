//! `AdminSetUserMFAPreference`: switches second factors of a user on and off.

use poolhouse_domain::{
    mfa_preference,
    ports::Ports,
    shapes::{AdminSetUserMFAPreferenceRequest, AdminSetUserMFAPreferenceResponse},
};
use poolhouse_wire::operations::AdminSetUserMFAPreference as Op;

use super::{refusal, wishes};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminSetUserMFAPreferenceRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        let wishes = wishes(
            input.sms_mfa_settings,
            input.software_token_mfa_settings,
            input.email_mfa_settings,
        );
        mfa_preference::apply(&mut user, &wishes).map_err(refusal)?;
        if let Some(by_passkey) = input.web_authn_mfa_settings.map(|s| s.enabled == Some(true)) {
            mfa_preference::set_by_passkey(&pool, &mut user, by_passkey).map_err(refusal)?;
        }
        tx.update_user(&mut user).await?;
        tx.commit().await?;
        Ok(AdminSetUserMFAPreferenceResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        testing::{Stack, error, invalid},
        totp::testing::totp_pool,
    };

    #[tokio::test]
    async fn switches_a_factor_on_for_a_user_found_by_sub() {
        let stack = Stack::new().await;
        let (pool, _) = totp_pool(&stack, "OPTIONAL").await;
        let sub = stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let input = json!({
            "UserPoolId": pool, "Username": sub,
            "SMSMfaSettings": { "Enabled": true, "PreferredMfa": true },
        });
        assert_eq!(stack.ok("AdminSetUserMFAPreference", input).await, json!({}));
        let user = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
        assert_eq!(user["UserMFASettingList"], json!(["SMS_MFA"]));
        assert_eq!(user["PreferredMfaSetting"], "SMS_MFA");
    }

    #[tokio::test]
    async fn refuses_what_the_users_own_operation_refuses() {
        let stack = Stack::new().await;
        let (pool, _) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let input = json!({
            "UserPoolId": pool, "Username": "ada", "SoftwareTokenMfaSettings": { "Enabled": true },
        });
        let refused = stack.refusal("AdminSetUserMFAPreference", input).await;
        let message = "User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA";
        assert_eq!(refused, invalid(message));
        let input = json!({ "UserPoolId": pool, "Username": "nobody" });
        let refused = stack.refusal("AdminSetUserMFAPreference", input).await;
        assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
    }
}
