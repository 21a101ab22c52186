//! `GetUserAttributeVerificationCode`: a user asks for a code that verifies a contact.

use poolhouse_domain::{
    attempts::{self, Attempted},
    codes::{self, CodePurpose},
    messages::MessageKind,
    ports::Ports,
    shapes::{GetUserAttributeVerificationCodeRequest, GetUserAttributeVerificationCodeResponse},
    triggers::{Metadata, call},
};
use poolhouse_wire::operations::GetUserAttributeVerificationCode as Op;

use super::contact;
use crate::{
    delivery,
    failure::{Answer, Failure, invalid_parameter, limit_exceeded},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetUserAttributeVerificationCodeRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let ports = &ports.clone().carrying(Metadata::of_client(input.client_metadata));
        let contact = contact::<Op>(&input.attribute_name)?;
        let (pool, now) = (&caller.pool, ports.clock.now());
        let mut tx = ports.store.write().await?;
        let user = tx.user_by_sub(pool.id(), &caller.user.sub).await?;
        let user = user.ok_or_else(Failure::<Op>::user_gone)?;
        let what = Attempted::SendAttributeCode;
        let counted = attempts::count(&mut *tx, pool.id(), &user.sub, what, now).await?;
        counted.map_err(limit_exceeded::<Op>)?;
        let (keyring, entropy) = (&ports.keyring, &*ports.entropy);
        let purpose = CodePurpose::verifies(contact);
        let sent = codes::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?;
        tx.commit().await?;
        // Belief: the service's text for this is not on record.
        let sent = sent.ok_or_else(|| {
            invalid_parameter::<Op>(format!("User has no attribute {}.", contact.attribute()))
        })?;
        let kind = MessageKind::VerifyAttribute;
        let client = call::Client::Id(caller.client.id());
        let details = delivery::code::<Op>(ports, pool, &user, client, kind, &sent).await?;
        Ok(GetUserAttributeVerificationCodeResponse { code_delivery_details: Some(details) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error, invalid};

    #[tokio::test]
    async fn five_codes_an_hour_are_sent() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &[("email", "al@ex.org")]).await;
        let token = stack.access_token(&client, "jo").await;
        let input = json!({ "AccessToken": token, "AttributeName": "email" });
        let operation = "GetUserAttributeVerificationCode";
        for _ in 0..5 {
            let answer = stack.ok(operation, input.clone()).await;
            assert_eq!(
                answer["CodeDeliveryDetails"],
                json!({
                    "Destination": "a***@e***", "DeliveryMedium": "EMAIL",
                    "AttributeName": "email",
                })
            );
        }
        let text = "Attempt limit exceeded, please try after some time.";
        assert_eq!(stack.refusal(operation, input).await, error("LimitExceededException", text));
        assert_eq!(stack.messenger().messages().len(), 5);
    }

    #[tokio::test]
    async fn only_contacts_that_are_there_get_codes() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &[("email", "al@ex.org")]).await;
        let token = stack.access_token(&client, "jo").await;
        for (name, text) in [
            ("name", "Only email and phone_number can be verified."),
            ("phone_number", "User has no attribute phone_number."),
        ] {
            let input = json!({ "AccessToken": token, "AttributeName": name });
            let refused = stack.refusal("GetUserAttributeVerificationCode", input).await;
            assert_eq!(refused, invalid(text));
            let input = json!({ "AccessToken": token, "AttributeName": name, "Code": "123456" });
            let refused = stack.refusal("VerifyUserAttribute", input).await;
            let expired = "Invalid code provided, please request a code again.";
            if name == "name" {
                assert_eq!(refused, invalid(text));
            } else {
                assert_eq!(refused, error("ExpiredCodeException", expired));
            }
        }
        assert!(stack.messenger().messages().is_empty());
    }

    #[tokio::test]
    async fn a_new_code_replaces_the_one_before_and_both_are_of_no_use_after_a_day() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let day = json!({ "AccessTokenValidity": 24 });
        let client = stack.client(&pool, day).await;
        stack.user(&pool, "jo", &[("email", "al@ex.org")]).await;
        let token = stack.access_token(&client, "jo").await;
        let ask = json!({ "AccessToken": token, "AttributeName": "email" });
        let verify = |token: &str, code: &str| json!({ "AccessToken": token, "AttributeName": "email", "Code": code });
        stack.ok("GetUserAttributeVerificationCode", ask.clone()).await;
        let old = stack.last_code_for("al@ex.org");
        stack.ok("GetUserAttributeVerificationCode", ask).await;
        let new = stack.last_code_for("al@ex.org");
        assert_ne!(old, new);
        let text = "Invalid verification code provided, please try again.";
        assert_eq!(
            stack.refusal("VerifyUserAttribute", verify(&token, &old)).await,
            error("CodeMismatchException", text)
        );
        stack.advance(24 * 3_600);
        let token = stack.access_token(&client, "jo").await;
        let text = "Invalid code provided, please request a code again.";
        assert_eq!(
            stack.refusal("VerifyUserAttribute", verify(&token, &new)).await,
            error("ExpiredCodeException", text)
        );
        let user = stack.ok("GetUser", json!({ "AccessToken": token })).await;
        let verified = json!({ "Name": "email_verified", "Value": "true" });
        assert!(!user["UserAttributes"].as_array().unwrap().contains(&verified));
    }

    #[tokio::test]
    async fn a_failed_delivery_is_told() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &[("email", "al@ex.org")]).await;
        let token = stack.access_token(&client, "jo").await;
        stack.messenger().fail(true);
        let input = json!({ "AccessToken": token, "AttributeName": "email" });
        assert_eq!(
            stack.refusal("GetUserAttributeVerificationCode", input).await,
            error("CodeDeliveryFailureException", "Message could not be delivered.")
        );
    }
}
