//! `AdminUpdateUserAttributes`: an administrator changes attributes of a user.

use poolhouse_domain::{
    attributes::Writer,
    messages::MessageKind,
    ports::Ports,
    shapes::{AdminUpdateUserAttributesRequest, AdminUpdateUserAttributesResponse},
    triggers::Metadata,
};
use poolhouse_wire::operations::AdminUpdateUserAttributes as Op;

use super::{ChangeRefused, alias_taken, change, pairs, refusal, too_many_codes};
use crate::{
    delivery,
    failure::{Answer, Failure, user_not_found},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminUpdateUserAttributesRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        drop(read);
        let ports = &ports.clone().carrying(Metadata::of_client(input.client_metadata));
        let changes = pairs(Some(input.user_attributes));
        let changed = change(ports, &pool, &user.sub, &changes, Writer::Administrator).await?;
        let (user, sent) = changed.map_err(refused)?;
        for code in &sent {
            let kind = MessageKind::UpdateAttribute;
            delivery::code_quietly::<Op>(ports, &pool, &user, kind, code).await?;
        }
        Ok(AdminUpdateUserAttributesResponse {})
    }
}

fn refused(refused: ChangeRefused) -> Failure<Op> {
    match refused {
        ChangeRefused::Attributes(refused) => refusal(refused),
        ChangeRefused::Alias(taken) => alias_taken(&taken),
        ChangeRefused::UserGone => user_not_found(),
        ChangeRefused::TooManyCodes(limit) => too_many_codes(limit),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid};

    fn set(pool: &str, name: &str, attributes: &[(&str, &str)]) -> Value {
        let attributes = attributes.iter();
        let attributes = attributes.map(|(name, value)| json!({ "Name": name, "Value": value }));
        let attributes: Vec<Value> = attributes.collect();
        json!({ "UserPoolId": pool, "Username": name, "UserAttributes": attributes })
    }

    #[tokio::test]
    async fn a_declared_verification_sends_nothing_and_another_change_sends_a_code() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        stack.user(&pool, "jo", &[]).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "True")];
        let answer = stack.ok("AdminUpdateUserAttributes", set(&pool, "jo", &verified)).await;
        assert_eq!(answer, json!({}));
        assert!(stack.messenger().messages().is_empty());
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        let shown = stack.ok("AdminGetUser", user).await;
        let flag = json!({ "Name": "email_verified", "Value": "true" });
        assert!(shown["UserAttributes"].as_array().unwrap().contains(&flag));
        let changed = [("email", "jo@new.com")];
        stack.ok("AdminUpdateUserAttributes", set(&pool, "jo", &changed)).await;
        assert_eq!(stack.last_code_for("jo@new.com").len(), 6);
    }

    #[tokio::test]
    async fn aliases_follow_attributes() {
        let stack = Stack::new().await;
        let aliases = json!({ "AliasAttributes": ["email", "preferred_username"] });
        let pool = stack.pool(aliases).await;
        stack.user(&pool, "jo", &[("email", "jo@gm.com"), ("email_verified", "true")]).await;
        stack.user(&pool, "al", &[]).await;
        let get = |name: &str| json!({ "UserPoolId": pool, "Username": name });
        let operation = "AdminUpdateUserAttributes";

        let taken = [("email", "jo@gm.com"), ("email_verified", "true")];
        let text = "An account with the given email already exists.";
        assert_eq!(
            stack.refusal(operation, set(&pool, "al", &taken)).await,
            error("AliasExistsException", text)
        );
        let someones_name =
            stack.refusal(operation, set(&pool, "al", &[("preferred_username", "jo")]));
        let text = "An account with the given preferred_username already exists.";
        assert_eq!(someones_name.await, error("AliasExistsException", text));

        stack.ok(operation, set(&pool, "jo", &[("email_verified", "false")])).await;
        stack.refusal("AdminGetUser", get("jo@gm.com")).await;
        stack.ok(operation, set(&pool, "al", &taken)).await;
        assert_eq!(stack.ok("AdminGetUser", get("jo@gm.com")).await["Username"], "al");
        stack.ok(operation, set(&pool, "al", &[("preferred_username", "ally")])).await;
        assert_eq!(stack.ok("AdminGetUser", get("ally")).await["Username"], "al");
        let input = json!({ "UserPoolId": pool, "Username": "ally" });
        let refused = stack.refusal("AdminCreateUser", input).await;
        assert_eq!(refused.0, "UsernameExistsException");
    }

    #[tokio::test]
    async fn flags_without_contact_and_unknown_users_are_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let operation = "AdminUpdateUserAttributes";
        for (flag, text) in [
            ("email_verified", "Email is required to verify/un-verify an email"),
            (
                "phone_number_verified",
                "Phone Number is required to verify/un-verify a phone number",
            ),
        ] {
            let input = set(&pool, "jo", &[(flag, "true")]);
            assert_eq!(stack.refusal(operation, input).await, invalid(text));
        }
        let expected = error("UserNotFoundException", "User does not exist.");
        assert_eq!(stack.refusal(operation, set(&pool, "nobody", &[])).await, expected);
    }

    #[tokio::test]
    async fn addresses_that_are_kept_until_verified_are_kept_from_administrators_too() {
        let stack = Stack::new().await;
        let settings = json!({
            "AutoVerifiedAttributes": ["email"],
            "UserAttributeUpdateSettings": {
                "AttributesRequireVerificationBeforeUpdate": ["email"],
            },
        });
        let pool = stack.pool(settings).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &[("email", "old@gm.com"), ("email_verified", "true")]).await;
        let token = stack.access_token(&client, "jo").await;
        let shown = async || {
            let user = json!({ "UserPoolId": pool, "Username": "jo" });
            let user = stack.ok("AdminGetUser", user).await;
            let attributes = user["UserAttributes"].as_array().unwrap().clone();
            let value = |name: &str| {
                let found = attributes.iter().find(|attribute| attribute["Name"] == name);
                found.map(|attribute| attribute["Value"].clone())
            };
            [value("email"), value("email_verified")].map(Option::unwrap_or_default)
        };
        let operation = "AdminUpdateUserAttributes";
        stack.ok(operation, set(&pool, "jo", &[("email", "new@gm.com")])).await;
        assert_eq!(shown().await, ["old@gm.com", "true"]);
        let code = stack.last_code_for("new@gm.com");
        let verify = json!({ "AccessToken": token, "AttributeName": "email", "Code": code });
        stack.ok("VerifyUserAttribute", verify).await;
        assert_eq!(shown().await, ["new@gm.com", "true"]);
        let declared = [("email", "third@gm.com"), ("email_verified", "true")];
        stack.ok(operation, set(&pool, "jo", &declared)).await;
        assert_eq!(shown().await, ["third@gm.com", "true"]);
        assert_eq!(stack.messenger().messages().len(), 1);
    }

    #[tokio::test]
    async fn what_is_not_named_stays_an_empty_value_deletes_and_what_is_required_stays() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "nickname", "Required": true }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let given = [("nickname", "J"), ("name", "Jo"), ("website", "w")];
        let sub = stack.user(&pool, "jo", &given).await;
        let operation = "AdminUpdateUserAttributes";
        let refused =
            stack.refusal(operation, set(&pool, "jo", &[("name", "Al"), ("nickname", "")]));
        let text = "user.nickname: Required attribute cannot be deleted.\n";
        assert_eq!(refused.await, invalid(text));
        stack.ok(operation, set(&pool, "jo", &[("website", "")])).await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        let mut shown = stack.ok("AdminGetUser", user).await["UserAttributes"].take();
        shown.as_array_mut().unwrap().sort_by_key(ToString::to_string);
        let expected = json!([
            { "Name": "name", "Value": "Jo" }, { "Name": "nickname", "Value": "J" },
            { "Name": "sub", "Value": sub },
        ]);
        assert_eq!(shown, expected);
    }
}
