//! `AdminSetUserSettings`: switches text messages as second factor of a user on and off, in the way
//! of old.

use poolhouse_domain::{
    mfa_preference,
    ports::Ports,
    shapes::{AdminSetUserSettingsRequest, AdminSetUserSettingsResponse},
};
use poolhouse_wire::operations::AdminSetUserSettings as Op;

use super::refusal;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminSetUserSettingsRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        mfa_preference::set_options(&mut user, &input.mfa_options).map_err(refusal)?;
        tx.update_user(&mut user).await?;
        tx.commit().await?;
        Ok(AdminSetUserSettingsResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        testing::{Stack, error, invalid, merged},
        totp::testing::{start, totp_pool},
    };

    #[tokio::test]
    async fn options_are_shown_wherever_the_user_is() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let names = json!({ "UserPoolId": pool, "Username": "ada" });
        let sms = json!([{ "DeliveryMedium": "SMS", "AttributeName": "phone_number" }]);
        let input = merged(names.clone(), json!({ "MFAOptions": sms }));
        assert_eq!(stack.ok("AdminSetUserSettings", input).await, json!({}));
        let user = stack.ok("AdminGetUser", names.clone()).await;
        assert_eq!(user["MFAOptions"], sms);
        assert!(user.get("UserMFASettingList").is_none());
        let listed = stack.ok("ListUsers", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["Users"][0]["MFAOptions"], sms);

        let input = merged(names.clone(), json!({ "MFAOptions": [] }));
        stack.ok("AdminSetUserSettings", input).await;
        assert!(stack.ok("AdminGetUser", names).await.get("MFAOptions").is_none());
        let listed = stack.ok("ListUsers", json!({ "UserPoolId": pool })).await;
        assert!(listed["Users"][0].get("MFAOptions").is_none());
    }

    #[tokio::test]
    async fn the_preference_of_today_switches_the_option_off_too() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let names = json!({ "UserPoolId": pool, "Username": "ada" });
        let sms = json!([{ "DeliveryMedium": "SMS", "AttributeName": "phone_number" }]);
        let input = merged(names.clone(), json!({ "MFAOptions": sms }));
        stack.ok("AdminSetUserSettings", input).await;
        let off = json!({ "SMSMfaSettings": { "Enabled": false } });
        stack.ok("AdminSetUserMFAPreference", merged(names.clone(), off)).await;
        assert!(stack.ok("AdminGetUser", names).await.get("MFAOptions").is_none());
        assert!(start(&stack, &client, "ada").await["AuthenticationResult"].is_object());
    }

    #[tokio::test]
    async fn only_text_messages_to_a_telephone_number_can_be_set() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "ada", &[("email", "ada@example.com")]).await;
        let sms = json!({ "DeliveryMedium": "SMS", "AttributeName": "phone_number" });
        let mail = json!({ "DeliveryMedium": "EMAIL", "AttributeName": "email" });
        let not_sms = invalid("MFAOptions can only set SMS as delivery medium of phone_number.");
        let no_phone = invalid("User does not have delivery config set to turn on SMS_MFA");
        let unknown = error("UserNotFoundException", "User does not exist.");
        for (name, options, expected) in [
            ("ada", json!([sms, mail]), &not_sms),
            ("ada", json!([{ "DeliveryMedium": "SMS", "AttributeName": "email" }]), &not_sms),
            ("ada", json!([sms]), &no_phone),
            ("nobody", json!([]), &unknown),
        ] {
            let input = json!({ "UserPoolId": pool, "Username": name, "MFAOptions": options });
            assert_eq!(stack.refusal("AdminSetUserSettings", input).await, *expected);
        }
    }
}
