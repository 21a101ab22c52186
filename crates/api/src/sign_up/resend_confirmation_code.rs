//! `ResendConfirmationCode`: sends the code of a sign-up again.

use poolhouse_domain::{
    attempts::Attempted,
    attributes::Contact,
    codes::CodePurpose,
    messages::MessageKind,
    ports::Ports,
    shapes::{ResendConfirmationCodeRequest, ResendConfirmationCodeResponse, UserStatusType},
    sign_up,
    triggers::Metadata,
    user_pools::UserPool,
    users::User,
};
use poolhouse_wire::operations::ResendConfirmationCode as Op;

use crate::{
    failure::{Answer, Failure, invalid_parameter},
    lookup,
    requested_code::{self, Request},
    secret_hash,
    serve::Handle,
    threat_protection::context,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ResendConfirmationCodeRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let ports = context::of_user(ports, &pool, &client, input.user_context_data);
        let ports = &ports.carrying(Metadata::of_client(input.client_metadata));
        let name = &input.username;
        secret_hash::verify::<Op>(&client, name, input.secret_hash.as_ref())?;
        let request = Request {
            ports,
            client: &client,
            pool: &pool,
            name,
            what: Attempted::ResendCode,
            purpose: CodePurpose::SignUp,
            kind: MessageKind::ResendCode,
            usual: sign_up::usual_contact(&pool).ok_or_else(not_turned_on)?,
        };
        let details = requested_code::answer(request, |user| addressee(&pool, user)).await?;
        Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(details) })
    }
}

/// Where the code of a sign-up goes.
fn addressee(pool: &UserPool, user: &User) -> Result<Contact, Failure<Op>> {
    if user.status != UserStatusType::Unconfirmed {
        return Err(invalid_parameter("User is already confirmed."));
    }
    sign_up::contact(pool, user).ok_or_else(not_turned_on)
}

/// What is said when there is nothing that a code could verify.
fn not_turned_on() -> Failure<Op> {
    invalid_parameter("Cannot resend codes. Auto verification not turned on.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error, invalid};

    #[tokio::test]
    async fn a_new_code_replaces_the_old_one() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        let old = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let answer = stack.ok("ResendConfirmationCode", input).await;
        assert_eq!(answer["CodeDeliveryDetails"]["Destination"], "j***@g***");
        let new = stack.last_code_for("jo@gm.com");
        assert_ne!(old, new);
        let confirm =
            |code: &str| json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": code });
        let refused = stack.refusal("ConfirmSignUp", confirm(&old)).await;
        assert_eq!(refused.0, "CodeMismatchException");
        stack.ok("ConfirmSignUp", confirm(&new)).await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let expected = invalid("User is already confirmed.");
        assert_eq!(stack.refusal("ResendConfirmationCode", input).await, expected);
    }

    #[tokio::test]
    async fn a_pool_that_verifies_nothing_sends_nothing() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let expected = invalid("Cannot resend codes. Auto verification not turned on.");
        assert_eq!(stack.refusal("ResendConfirmationCode", input).await, expected);
    }

    #[tokio::test]
    async fn the_sixth_message_in_an_hour_is_refused_for_everybody_alike() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, hides).await;
        stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        let text = "Attempt limit exceeded, please try after some time.";
        for name in ["jo", "nobody"] {
            let input = json!({ "ClientId": client, "Username": name });
            for _ in 0..5 {
                stack.ok("ResendConfirmationCode", input.clone()).await;
            }
            assert_eq!(
                stack.refusal("ResendConfirmationCode", input).await,
                error("LimitExceededException", text)
            );
        }
        assert_eq!(stack.messenger().messages().len(), 6);
    }

    #[tokio::test]
    async fn twenty_codes_an_hour_go_to_an_address_whoever_asks_for_them() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let open = stack.client(&pool, json!({})).await;
        let hiding = stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
        let operation = "ResendConfirmationCode";
        let input = |client: &str, name: &str| json!({ "ClientId": client, "Username": name });
        let names = ["jo", "al", "bo", "cy"];
        for name in names {
            stack.signed_up(&pool, &open, name, "victim@gm.com").await;
            for _ in 0..4 {
                stack.ok(operation, input(&open, name)).await;
            }
        }
        let text = "Attempt limit exceeded, please try after some time.";
        let limit = error("LimitExceededException", text);
        assert_eq!(stack.refusal(operation, input(&open, "jo")).await, limit);
        stack.ok(operation, input(&hiding, "al")).await;
        assert_eq!(stack.messenger().messages().len(), 20);
        assert_eq!(stack.messenger().pretended(), 1, "it takes less time than for others");
        stack.advance(3_600);
        stack.ok(operation, input(&open, "jo")).await;
        assert_eq!(stack.messenger().messages().len(), 21);
    }

    #[tokio::test]
    async fn where_existence_is_hidden_nobody_costs_a_message_like_anybody() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, hides).await;
        stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let operation = "ResendConfirmationCode";
        let sent = stack.ok(operation, input.clone()).await;
        assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "j***@g***");
        assert_eq!(stack.messenger().messages().len(), 2);
        stack.messenger().fail(true);
        assert_eq!(stack.ok(operation, input).await, sent);
        assert_eq!(stack.messenger().pretended(), 1, "a message that can't be sent shows");
        let nobody = json!({ "ClientId": client, "Username": "nobody" });
        stack.ok(operation, nobody).await;
        assert_eq!(stack.messenger().pretended(), 2);
    }

    #[tokio::test]
    async fn users_who_get_no_code_are_told_or_hidden() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let open = stack.client(&pool, json!({})).await;
        let hiding = stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
        stack.signed_up(&pool, &open, "jo", "jo@gm.com").await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        stack.ok("AdminDisableUser", user).await;
        stack.user(&pool, "confirmed", &[("email", "al@ex.org")]).await;
        stack.messenger().clear();
        let input = |client: &str, name: &str| json!({ "ClientId": client, "Username": name });
        let operation = "ResendConfirmationCode";
        let told = error("UserNotFoundException", "Username/client id combination not found.");
        assert_eq!(stack.refusal(operation, input(&open, "nobody")).await, told);
        let told = error("NotAuthorizedException", "User is disabled.");
        assert_eq!(stack.refusal(operation, input(&open, "jo")).await, told);
        let told = invalid("User is already confirmed.");
        assert_eq!(stack.refusal(operation, input(&open, "confirmed")).await, told);
        for name in ["nobody", "jo", "confirmed"] {
            let first = stack.ok(operation, input(&hiding, name)).await;
            assert_eq!(first["CodeDeliveryDetails"]["AttributeName"], "email");
            assert_eq!(stack.ok(operation, input(&hiding, name)).await, first);
        }
        assert_eq!(stack.messenger().messages().len(), 0);
    }

    #[tokio::test]
    async fn a_failed_delivery_is_told_where_existence_is_not_hidden() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        stack.messenger().fail(true);
        let input = json!({ "ClientId": client, "Username": "jo" });
        let text = "Message could not be delivered.";
        assert_eq!(
            stack.refusal("ResendConfirmationCode", input).await,
            error("CodeDeliveryFailureException", text)
        );
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], "UNCONFIRMED");
    }
}
