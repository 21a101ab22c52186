//! `SetUserSettings`: switches text messages as a user's second factor on and off, in the way of
//! old.

use poolhouse_domain::{
    mfa_preference,
    ports::Ports,
    shapes::{SetUserSettingsRequest, SetUserSettingsResponse},
};
use poolhouse_wire::operations::SetUserSettings as Op;

use super::refusal;
use crate::{
    failure::{Answer, Failure},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SetUserSettingsRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let mut tx = ports.store.write().await?;
        let user = tx.user_by_sub(caller.pool.id(), &caller.user.sub).await?;
        let mut user = user.ok_or_else(Failure::user_gone)?;
        mfa_preference::set_options(&mut user, &input.mfa_options).map_err(refusal)?;
        tx.update_user(&mut user).await?;
        tx.commit().await?;
        Ok(SetUserSettingsResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{PASSWORD, Stack, error, invalid};

    #[tokio::test]
    async fn sign_in_asks_for_a_code_by_text_message_then() {
        let stack = Stack::new().await;
        let pool = stack
            .pool(json!({
                "MfaConfiguration": "OPTIONAL",
                "SmsConfiguration": { "SnsCallerArn": "arn:aws:iam::123456789012:role/sms" },
            }))
            .await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let token = stack.access_token(&client, "ada").await;
        let sms = json!([{ "DeliveryMedium": "SMS", "AttributeName": "phone_number" }]);
        let input = json!({ "AccessToken": token, "MFAOptions": sms });
        assert_eq!(stack.ok("SetUserSettings", input).await, json!({}));
        let user = stack.ok("GetUser", json!({ "AccessToken": token })).await;
        assert_eq!(user["MFAOptions"], sms);
        assert!(user.get("UserMFASettingList").is_none());

        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PASSWORD": PASSWORD },
        });
        let answer = stack.ok("InitiateAuth", input).await;
        assert_eq!(answer["ChallengeName"], "SMS_MFA");

        let input = json!({ "AccessToken": token, "MFAOptions": [] });
        assert_eq!(stack.ok("SetUserSettings", input).await, json!({}));
        let user = stack.ok("GetUser", json!({ "AccessToken": token })).await;
        assert!(user.get("MFAOptions").is_none());
        stack.access_token(&client, "ada").await;
    }

    #[tokio::test]
    async fn a_token_and_a_telephone_number_are_needed() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let sms = json!([{ "DeliveryMedium": "SMS", "AttributeName": "phone_number" }]);
        let input = json!({ "AccessToken": token, "MFAOptions": sms });
        assert_eq!(
            stack.refusal("SetUserSettings", input).await,
            invalid("User does not have delivery config set to turn on SMS_MFA")
        );
        let input = json!({ "AccessToken": "x", "MFAOptions": [] });
        assert_eq!(
            stack.refusal("SetUserSettings", input).await,
            error("NotAuthorizedException", "Invalid Access Token")
        );
    }
}
