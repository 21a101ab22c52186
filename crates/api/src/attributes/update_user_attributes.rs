//! `UpdateUserAttributes`: a user changes attributes that the client may write.

use poolhouse_domain::{
    attributes::Writer,
    messages::MessageKind,
    ports::Ports,
    shapes::{UpdateUserAttributesRequest, UpdateUserAttributesResponse},
    triggers::{Metadata, call},
};
use poolhouse_wire::operations::UpdateUserAttributes as Op;

use super::{ChangeRefused, alias_taken, change, pairs, refusal, too_many_codes};
use crate::{
    delivery,
    failure::{Answer, Failure},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateUserAttributesRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let (pool, writer) = (&caller.pool, Writer::Client(&caller.client));
        let ports = &ports.clone().carrying(Metadata::of_client(input.client_metadata));
        let changes = pairs(Some(input.user_attributes));
        let changed = change(ports, pool, &caller.user.sub, &changes, writer).await?;
        let (user, sent) = changed.map_err(refused)?;
        let mut deliveries = Vec::new();
        for code in &sent {
            let kind = MessageKind::UpdateAttribute;
            let client = call::Client::Id(caller.client.id());
            deliveries.push(delivery::code::<Op>(ports, pool, &user, client, kind, code).await?);
        }
        Ok(UpdateUserAttributesResponse { code_delivery_details_list: Some(deliveries) })
    }
}

fn refused(refused: ChangeRefused) -> Failure<Op> {
    match refused {
        ChangeRefused::Attributes(refused) => refusal(refused),
        ChangeRefused::Alias(taken) => alias_taken(&taken),
        ChangeRefused::UserGone => Failure::user_gone(),
        ChangeRefused::TooManyCodes(limit) => too_many_codes(limit),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid};

    async fn signed_in(stack: &Stack, settings: Value) -> (String, String) {
        let pool = stack.pool(settings).await;
        let client = stack.client(&pool, json!({})).await;
        let verified = [("email", "old@gm.com"), ("email_verified", "true")];
        stack.user(&pool, "jo", &verified).await;
        (pool, stack.access_token(&client, "jo").await)
    }

    fn set(token: &str, name: &str, value: &str) -> Value {
        json!({ "AccessToken": token, "UserAttributes": [{ "Name": name, "Value": value }] })
    }

    async fn attribute(stack: &Stack, token: &str, name: &str) -> Value {
        let user = stack.ok("GetUser", json!({ "AccessToken": token })).await;
        let attributes = user["UserAttributes"].as_array().unwrap();
        let found = attributes.iter().find(|attribute| attribute["Name"] == name);
        found.map_or(Value::Null, |attribute| attribute["Value"].clone())
    }

    #[tokio::test]
    async fn a_new_address_is_unverified_until_its_code_comes_back() {
        let stack = Stack::new().await;
        let (_, token) = signed_in(&stack, json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let answer = stack.ok("UpdateUserAttributes", set(&token, "email", "new@gm.com")).await;
        assert_eq!(
            answer["CodeDeliveryDetailsList"],
            json!([{
                "Destination": "n***@g***", "DeliveryMedium": "EMAIL", "AttributeName": "email",
            }])
        );
        assert_eq!(attribute(&stack, &token, "email").await, "new@gm.com");
        assert_eq!(attribute(&stack, &token, "email_verified").await, "false");
        let code = stack.last_code_for("new@gm.com");
        let input = json!({ "AccessToken": token, "AttributeName": "email", "Code": code });
        stack.ok("VerifyUserAttribute", input).await;
        assert_eq!(attribute(&stack, &token, "email_verified").await, "true");
    }

    #[tokio::test]
    async fn an_address_that_is_kept_changes_with_the_code() {
        let stack = Stack::new().await;
        let settings = json!({
            "AutoVerifiedAttributes": ["email"],
            "UserAttributeUpdateSettings": {
                "AttributesRequireVerificationBeforeUpdate": ["email"],
            },
        });
        let (_, token) = signed_in(&stack, settings).await;
        stack.ok("UpdateUserAttributes", set(&token, "email", "new@gm.com")).await;
        assert_eq!(attribute(&stack, &token, "email").await, "old@gm.com");
        assert_eq!(attribute(&stack, &token, "email_verified").await, "true");
        let code = stack.last_code_for("new@gm.com");
        let input = json!({ "AccessToken": token, "AttributeName": "email", "Code": code });
        stack.ok("VerifyUserAttribute", input).await;
        assert_eq!(attribute(&stack, &token, "email").await, "new@gm.com");
        assert_eq!(attribute(&stack, &token, "email_verified").await, "true");
    }

    #[tokio::test]
    async fn a_first_address_is_not_kept_waiting() {
        let stack = Stack::new().await;
        let settings = json!({
            "AutoVerifiedAttributes": ["email"],
            "UserAttributeUpdateSettings": {
                "AttributesRequireVerificationBeforeUpdate": ["email"],
            },
        });
        let (_, token) = signed_in(&stack, settings).await;
        let input = json!({ "AccessToken": token, "UserAttributeNames": ["email"] });
        stack.ok("DeleteUserAttributes", input).await;
        stack.ok("UpdateUserAttributes", set(&token, "email", "new@gm.com")).await;
        assert_eq!(attribute(&stack, &token, "email").await, "new@gm.com");
        assert_eq!(attribute(&stack, &token, "email_verified").await, "false");
        let code = stack.last_code_for("new@gm.com");
        let input = json!({ "AccessToken": token, "AttributeName": "email", "Code": code });
        stack.ok("VerifyUserAttribute", input).await;
        assert_eq!(attribute(&stack, &token, "email_verified").await, "true");
    }

    #[tokio::test]
    async fn five_codes_an_hour_are_sent_and_the_next_change_is_refused() {
        let stack = Stack::new().await;
        let (pool, token) = signed_in(&stack, json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let address = |number: u32| format!("a{number}@ex.org");
        let input = json!({ "AccessToken": token, "AttributeName": "email" });
        stack.ok("GetUserAttributeVerificationCode", input.clone()).await;
        for number in 1..5 {
            stack.ok("UpdateUserAttributes", set(&token, "email", &address(number))).await;
        }
        let text = "Attempt limit exceeded, please try after some time.";
        let refused =
            stack.refusal("UpdateUserAttributes", set(&token, "email", &address(5))).await;
        assert_eq!(refused, error("TooManyRequestsException", text));
        assert_eq!(attribute(&stack, &token, "email").await, address(4));
        let refused = stack.refusal("GetUserAttributeVerificationCode", input).await;
        assert_eq!(refused, error("LimitExceededException", text));
        assert_eq!(stack.messenger().messages().len(), 5);
        // What sends nothing goes on, and administrators are not counted.
        stack.ok("UpdateUserAttributes", set(&token, "name", "Jo")).await;
        let attributes = json!([{ "Name": "email", "Value": address(6) }]);
        let input = json!({ "UserPoolId": pool, "Username": "jo", "UserAttributes": attributes });
        stack.ok("AdminUpdateUserAttributes", input).await;
        assert_eq!(stack.messenger().messages().len(), 6);
    }

    #[tokio::test]
    async fn an_address_that_no_index_takes_is_refused() {
        let stack = Stack::new().await;
        let (_, token) = signed_in(&stack, json!({})).await;
        let address = format!("{}@ex.org", "x".repeat(1_018));
        let text = "Attributes did not conform to the schema: email: String must be no longer \
                    than 1024 characters\n";
        let refused = stack.refusal("UpdateUserAttributes", set(&token, "email", &address)).await;
        assert_eq!(refused, invalid(text));
        assert_eq!(attribute(&stack, &token, "email").await, "old@gm.com");
    }

    #[tokio::test]
    async fn other_values_change_at_once_and_empty_ones_are_deleted() {
        let stack = Stack::new().await;
        let (_, token) = signed_in(&stack, json!({ "AutoVerifiedAttributes": ["email"] })).await;
        for (name, value, stored) in [
            ("name", "Jo", json!("Jo")),
            ("name", "", json!(null)),
            ("email", "old@gm.com", json!("old@gm.com")),
        ] {
            let answer = stack.ok("UpdateUserAttributes", set(&token, name, value)).await;
            assert_eq!(answer, json!({ "CodeDeliveryDetailsList": [] }));
            assert_eq!(attribute(&stack, &token, name).await, stored);
        }
        assert_eq!(attribute(&stack, &token, "email_verified").await, "true");
        assert!(stack.messenger().messages().is_empty());
    }

    #[tokio::test]
    async fn each_refusal_has_its_text_and_changes_nothing() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "nickname", "Mutable": false }]);
        let (_, token) = signed_in(&stack, json!({ "Schema": schema })).await;
        let unauthorized =
            error("NotAuthorizedException", "A client attempted to write unauthorized attribute");
        for (name, value, expected) in [
            ("email_verified", "true", unauthorized.clone()),
            ("sub", "x", unauthorized),
            ("nickname", "J", invalid("user.nickname: Attribute cannot be updated.\n")),
            ("email", "jo", invalid("Invalid email address format.")),
            (
                "custom:x",
                "1",
                invalid(
                    "Attributes did not conform to the schema: custom:x: Attribute does not \
                     exist in the schema.\n",
                ),
            ),
        ] {
            let refused = stack.refusal("UpdateUserAttributes", set(&token, name, value)).await;
            assert_eq!(refused, expected);
        }
        assert_eq!(attribute(&stack, &token, "email").await, "old@gm.com");
    }

    #[tokio::test]
    async fn names_that_others_sign_in_with_are_refused_and_nothing_changes() {
        let stack = Stack::new().await;
        for (settings, other, name, value) in [
            (
                json!({ "AliasAttributes": ["email", "preferred_username"] }),
                ("al", [("preferred_username", "ally")].as_slice()),
                "preferred_username",
                "ally",
            ),
            (json!({ "UsernameAttributes": ["email"] }), ("al@gm.com", &[]), "email", "al@gm.com"),
        ] {
            let pool = stack.pool(settings).await;
            let client = stack.client(&pool, json!({})).await;
            stack.user(&pool, other.0, other.1).await;
            let jo = if name == "email" { "jo@gm.com" } else { "jo" };
            stack.user(&pool, jo, &[]).await;
            let token = stack.access_token(&client, jo).await;
            let users = || stack.ok("ListUsers", json!({ "UserPoolId": pool }));
            let before = users().await;
            let text = format!("An account with the given {name} already exists.");
            assert_eq!(
                stack.refusal("UpdateUserAttributes", set(&token, name, value)).await,
                error("AliasExistsException", &text)
            );
            assert_eq!(users().await, before);
            assert!(stack.messenger().messages().is_empty());
        }
    }

    #[tokio::test]
    async fn a_new_address_that_the_pool_does_not_verify_is_unverified_and_gets_no_code() {
        let stack = Stack::new().await;
        let (pool, token) = signed_in(&stack, json!({ "AliasAttributes": ["email"] })).await;
        let answer = stack.ok("UpdateUserAttributes", set(&token, "email", "new@gm.com")).await;
        assert_eq!(answer, json!({ "CodeDeliveryDetailsList": [] }));
        assert_eq!(attribute(&stack, &token, "email").await, "new@gm.com");
        assert_eq!(attribute(&stack, &token, "email_verified").await, "false");
        assert!(stack.messenger().messages().is_empty());
        // Neither address is an alias then.
        let unknown = error("UserNotFoundException", "User does not exist.");
        for alias in ["old@gm.com", "new@gm.com"] {
            let input = json!({ "UserPoolId": pool, "Username": alias });
            assert_eq!(stack.refusal("AdminGetUser", input).await, unknown, "{alias}");
        }
    }

    #[tokio::test]
    async fn what_is_not_named_stays_as_it_was() {
        let stack = Stack::new().await;
        let (_, token) = signed_in(&stack, json!({})).await;
        stack.ok("UpdateUserAttributes", set(&token, "name", "Jo")).await;
        stack.ok("UpdateUserAttributes", set(&token, "website", "w")).await;
        for (name, value) in
            [("name", "Jo"), ("email", "old@gm.com"), ("email_verified", "true"), ("website", "w")]
        {
            assert_eq!(attribute(&stack, &token, name).await, value);
        }
    }

    #[tokio::test]
    async fn a_code_that_can_not_be_sent_is_told_and_the_address_is_new_and_unverified() {
        let stack = Stack::new().await;
        let (_, token) = signed_in(&stack, json!({ "AutoVerifiedAttributes": ["email"] })).await;
        stack.messenger().fail(true);
        assert_eq!(
            stack.refusal("UpdateUserAttributes", set(&token, "email", "new@gm.com")).await,
            error("CodeDeliveryFailureException", "Message could not be delivered.")
        );
        assert_eq!(attribute(&stack, &token, "email").await, "new@gm.com");
        assert_eq!(attribute(&stack, &token, "email_verified").await, "false");
    }
}
