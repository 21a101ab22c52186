//! `SetUserMFAPreference`: switches second factors of a user on and off.

use poolhouse_domain::{
    mfa_preference,
    ports::Ports,
    shapes::{SetUserMFAPreferenceRequest, SetUserMFAPreferenceResponse},
};
use poolhouse_wire::operations::SetUserMFAPreference as Op;

use super::{refusal, wishes};
use crate::{
    failure::{Answer, Failure},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SetUserMFAPreferenceRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let mut tx = ports.store.write().await?;
        let user = tx.user_by_sub(caller.pool.id(), &caller.user.sub).await?;
        let mut user = user.ok_or_else(Failure::user_gone)?;
        let wishes = wishes(
            input.sms_mfa_settings,
            input.software_token_mfa_settings,
            input.email_mfa_settings,
        );
        mfa_preference::apply(&mut user, &wishes).map_err(refusal)?;
        if let Some(by_passkey) = input.web_authn_mfa_settings.map(|s| s.enabled == Some(true)) {
            mfa_preference::set_by_passkey(&caller.pool, &mut user, by_passkey).map_err(refusal)?;
        }
        tx.update_user(&mut user).await?;
        tx.commit().await?;
        Ok(SetUserMFAPreferenceResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        testing::{Stack, invalid},
        totp::testing::{enrol, start, totp_pool},
    };

    async fn prefer(stack: &Stack, token: &str, settings: Value) -> Value {
        let input = crate::testing::merged(json!({ "AccessToken": token }), settings);
        let answer = stack.call("SetUserMFAPreference", input).await;
        answer.body
    }

    #[tokio::test]
    async fn refuses_factors_that_the_user_has_not_set_up() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let on = json!({ "Enabled": true, "PreferredMfa": true });
        for (member, name) in [
            ("SoftwareTokenMfaSettings", "SOFTWARE_TOKEN_MFA"),
            ("SMSMfaSettings", "SMS_MFA"),
            ("EmailMfaSettings", "EMAIL_OTP"),
        ] {
            let input = json!({ "AccessToken": token, member: on });
            let refused = stack.refusal("SetUserMFAPreference", input).await;
            let message = format!("User does not have delivery config set to turn on {name}");
            assert_eq!(refused, invalid(&message));
        }
    }

    #[tokio::test]
    async fn enabled_but_not_preferred_takes_the_preference_away_and_absent_members_change_nothing()
    {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let token = stack.access_token(&client, "ada").await;
        enrol(&stack, &client, "ada").await;
        let get = || stack.ok("GetUser", json!({ "AccessToken": token }));
        let user = get().await;
        assert_eq!(user["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]));
        assert_eq!(user["PreferredMfaSetting"], "SOFTWARE_TOKEN_MFA");

        let sms = json!({ "SMSMfaSettings": { "Enabled": true } });
        assert_eq!(prefer(&stack, &token, sms).await, json!({}));
        let user = get().await;
        assert_eq!(user["UserMFASettingList"], json!(["SMS_MFA", "SOFTWARE_TOKEN_MFA"]));
        assert_eq!(user["PreferredMfaSetting"], "SOFTWARE_TOKEN_MFA");

        let totp =
            json!({ "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": false } });
        assert_eq!(prefer(&stack, &token, totp).await, json!({}));
        let user = get().await;
        assert_eq!(user["UserMFASettingList"], json!(["SMS_MFA", "SOFTWARE_TOKEN_MFA"]));
        assert!(user.get("PreferredMfaSetting").is_none());
    }

    #[tokio::test]
    async fn everything_can_be_switched_off_and_sign_in_asks_for_nothing_then() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        enrol(&stack, &client, "ada").await;
        let off = json!({
            "SoftwareTokenMfaSettings": { "Enabled": false }, "SMSMfaSettings": { "Enabled": false },
        });
        assert_eq!(prefer(&stack, &token, off).await, json!({}));
        assert!(start(&stack, &client, "ada").await["AuthenticationResult"].is_object());
    }

    #[tokio::test]
    async fn refuses_two_preferred_factors_and_changes_nothing() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let token = stack.access_token(&client, "ada").await;
        enrol(&stack, &client, "ada").await;
        let on = json!({ "Enabled": true, "PreferredMfa": true });
        let both = json!({
            "AccessToken": token, "SoftwareTokenMfaSettings": on, "SMSMfaSettings": on,
        });
        let refused = stack.refusal("SetUserMFAPreference", both).await;
        assert_eq!(refused, invalid("Only one MFA option can be preferred."));
        let off = json!({
            "AccessToken": token,
            "SoftwareTokenMfaSettings": { "Enabled": false, "PreferredMfa": true },
        });
        let refused = stack.refusal("SetUserMFAPreference", off).await;
        assert_eq!(refused, invalid("A disabled MFA option can't be preferred."));
        let user = stack.ok("GetUser", json!({ "AccessToken": token })).await;
        assert_eq!(user["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]));
    }
}
