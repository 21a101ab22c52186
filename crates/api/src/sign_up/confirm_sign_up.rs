//! `ConfirmSignUp`: a user confirms the own account with the code that was sent.

use poolhouse_domain::{
    app_clients::AppClient,
    attempts::{self, Attempted},
    auth::{Place, first_sign_in},
    codes::CodeRefused,
    ports::Ports,
    shapes::{ConfirmSignUpRequest, ConfirmSignUpResponse},
    sign_up::{self, ConfirmRefused},
    triggers::{
        Metadata, call,
        post_confirmation::{self, Confirmed},
    },
    users::{self, aliases::OnConflict},
};
use poolhouse_wire::operations::ConfirmSignUp as Op;

use super::{no_such_user, not_unconfirmed};
use crate::{
    attributes::{alias_taken, code_refused},
    failure::{Answer, Failure, limit_exceeded, trigger_failed},
    lookup, secret_hash,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ConfirmSignUpRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let ports = &ports.clone().carrying(Metadata::of_client(input.client_metadata));
        secret_hash::verify::<Op>(&client, &input.username, input.secret_hash.as_ref())?;
        let is_forced = input.force_alias_creation == Some(true);
        let on_conflict = if is_forced { OnConflict::Take } else { OnConflict::Refuse };
        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let user = users::find(&mut *tx, &pool, &input.username).await?;
        let subject = attempts::subject(&ports.keyring, &pool, user.as_ref(), &input.username);
        let what = Attempted::ConfirmSignUp;
        let counted = attempts::count(&mut *tx, pool.id(), &subject, what, now).await?;
        counted.map_err(limit_exceeded::<Op>)?;
        let outcome = match user {
            None => Err(unknown_user(&client)),
            Some(user) => {
                let (keyring, code) = (&ports.keyring, &input.confirmation_code);
                sign_up::confirm(&mut *tx, keyring, &pool, user, code, on_conflict, now)
                    .await?
                    .map_err(refused)
            }
        };
        let session = match &outcome {
            Ok(user) => {
                let place = Place::new(ports, &pool, &client);
                let given = input.session.as_deref().map(String::as_str);
                first_sign_in::after_confirmation(place, &mut *tx, &user.sub, given).await?
            }
            Err(_) => None,
        };
        tx.commit().await?; // on refusal too: the attempt must outlive the error answer
        let user = outcome?;
        let (confirmed, caller) = (Confirmed::SignUp, call::Client::Id(client.id()));
        let told = post_confirmation::tell(ports, &pool, &user, confirmed, caller).await?;
        told.map_err(trigger_failed)?;
        Ok(ConfirmSignUpResponse { session: session.map(Into::into) })
    }
}

/// What is said of a name that nobody has. Where that is hidden, it is as if no code had been sent.
fn unknown_user(client: &AppClient) -> Failure<Op> {
    if client.hides_user_existence() { code_refused(CodeRefused::Expired) } else { no_such_user() }
}

fn refused(refused: ConfirmRefused) -> Failure<Op> {
    match refused {
        ConfirmRefused::Status(status) => not_unconfirmed(status),
        ConfirmRefused::Code(refused) => code_refused(refused),
        ConfirmRefused::Alias(taken) => alias_taken(&taken),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error, merged};

    fn another(code: &str) -> &'static str {
        if code == "000000" { "111111" } else { "000000" }
    }

    async fn verifying_pool(stack: &Stack) -> (String, String) {
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        (pool, client)
    }

    fn mismatch() -> (String, String) {
        let text = "Invalid verification code provided, please try again.";
        error("CodeMismatchException", text)
    }

    fn expired() -> (String, String) {
        error("ExpiredCodeException", "Invalid code provided, please request a code again.")
    }

    #[tokio::test]
    async fn the_code_confirms_the_user_and_the_address() {
        let stack = Stack::new().await;
        let (pool, client) = verifying_pool(&stack).await;
        let code = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        let confirm =
            |code: &str| json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": code });
        assert_eq!(stack.refusal("ConfirmSignUp", confirm(another(&code))).await, mismatch());
        assert_eq!(stack.ok("ConfirmSignUp", confirm(&code)).await, json!({}));
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        let user = stack.ok("AdminGetUser", user).await;
        assert_eq!(user["UserStatus"], "CONFIRMED");
        let verified = json!({ "Name": "email_verified", "Value": "true" });
        assert!(user["UserAttributes"].as_array().unwrap().contains(&verified));
        let text = "User cannot be confirmed. Current status is CONFIRMED";
        assert_eq!(
            stack.refusal("ConfirmSignUp", confirm(&code)).await,
            error("NotAuthorizedException", text)
        );
    }

    #[tokio::test]
    async fn a_code_is_good_for_a_day() {
        let stack = Stack::new().await;
        let (pool, client) = verifying_pool(&stack).await;
        let code = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        stack.advance(24 * 3_600);
        let input = json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": code });
        assert_eq!(stack.refusal("ConfirmSignUp", input).await, expired());
    }

    #[tokio::test]
    async fn a_code_proves_only_the_address_it_was_sent_to() {
        let stack = Stack::new().await;
        let (pool, client) = verifying_pool(&stack).await;
        let code = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        let input = json!({
            "UserPoolId": pool, "Username": "jo",
            "UserAttributes": [{ "Name": "email", "Value": "victim@gm.com" }],
        });
        stack.ok("AdminUpdateUserAttributes", input).await;
        let input = json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": code });
        assert_eq!(stack.refusal("ConfirmSignUp", input).await, mismatch());
    }

    #[tokio::test]
    async fn the_sixteenth_attempt_in_an_hour_is_refused_even_with_the_right_code() {
        let stack = Stack::new().await;
        let (pool, client) = verifying_pool(&stack).await;
        let code = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        let confirm =
            |code: &str| json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": code });
        for _ in 0..15 {
            assert_eq!(stack.refusal("ConfirmSignUp", confirm(another(&code))).await, mismatch());
        }
        let text = "Attempt limit exceeded, please try after some time.";
        let limit = error("LimitExceededException", text);
        assert_eq!(stack.refusal("ConfirmSignUp", confirm(&code)).await, limit);
        stack.advance(3_600);
        stack.ok("ConfirmSignUp", confirm(&code)).await;
    }

    #[tokio::test]
    async fn an_unknown_user_is_told_or_hidden() {
        let stack = Stack::new().await;
        let (pool, open) = verifying_pool(&stack).await;
        let hiding = stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
        let input = |client: &str| json!({ "ClientId": client, "Username": "nobody", "ConfirmationCode": "123456" });
        let told = error("UserNotFoundException", "Username/client id combination not found.");
        assert_eq!(stack.refusal("ConfirmSignUp", input(&open)).await, told);
        assert_eq!(stack.refusal("ConfirmSignUp", input(&hiding)).await, expired());
    }

    #[tokio::test]
    async fn an_alias_moves_only_by_force() {
        let stack = Stack::new().await;
        let settings = json!({ "AliasAttributes": ["email"], "AutoVerifiedAttributes": ["email"] });
        let pool = stack.pool(settings).await;
        let client = stack.client(&pool, json!({})).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        stack.user(&pool, "first", &verified).await;
        let code = stack.signed_up(&pool, &client, "second", "jo@gm.com").await;
        let input = json!({ "ClientId": client, "Username": "second", "ConfirmationCode": code });
        let text = "An account with the given email already exists.";
        assert_eq!(
            stack.refusal("ConfirmSignUp", input.clone()).await,
            error("AliasExistsException", text)
        );
        let forced = merged(input, json!({ "ForceAliasCreation": true }));
        stack.ok("ConfirmSignUp", forced).await;
        let named = |name: &str| json!({ "UserPoolId": pool, "Username": name });
        let holder = stack.ok("AdminGetUser", named("jo@gm.com")).await;
        assert_eq!(holder["Username"], "second");
        let first = stack.ok("AdminGetUser", named("first")).await;
        let unverified = json!({ "Name": "email_verified", "Value": "false" });
        assert!(first["UserAttributes"].as_array().unwrap().contains(&unverified));
    }
}
