//! `ConfirmForgotPassword`: a user sets a new password with the code that was sent.

use poolhouse_domain::{
    Fault,
    app_clients::AppClient,
    attempts::{self, Attempted},
    codes::CodeRefused,
    passwords::{
        self,
        recovery::{self, CompletionRefused, NewPassword},
    },
    ports::Ports,
    shapes::{
        ConfirmForgotPasswordRequest, ConfirmForgotPasswordResponse, EventFilterType,
        EventResponseType, EventType,
    },
    threat_protection::{
        compromised,
        events::{self, Happening, Subject},
    },
    triggers::{
        Metadata, call,
        post_confirmation::{self, Confirmed},
    },
    users::{self, User},
};
use poolhouse_wire::operations::ConfirmForgotPassword as Op;

use super::{known_to_others, refusal, used_before};
use crate::{
    attributes::code_refused,
    failure::{Answer, Failure, limit_exceeded, not_authorized, trigger_failed},
    lookup, secret_hash,
    serve::Handle,
    sign_up::no_such_user,
    threat_protection::context,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ConfirmForgotPasswordRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let ports = context::of_user(ports, &pool, &client, input.user_context_data);
        let ports = &ports.carrying(Metadata::of_client(input.client_metadata));
        let name = &input.username;
        secret_hash::verify::<Op>(&client, name, input.secret_hash.as_ref())?;
        passwords::check(&pool, &input.password).map_err(refusal::<Op>)?;

        let mut read = ports.store.read().await?;
        let found = users::find(&mut *read, &pool, name).await?;
        drop(read);
        // Done for unknown names too, so that the time of the answer tells nothing.
        let username =
            found.as_ref().map_or_else(|| pool.name_key(name), |user| user.username.clone());
        let (user, password) = (found.as_ref(), &input.password);
        let (kind, client_id) = (EventFilterType::PasswordChange, client.id());
        let finding = compromised::look_up(ports, &pool, client_id, kind, password).await?;
        let is_used = passwords::history::is_used(ports, &pool, user, &username, password).await?;
        let stored = passwords::store_form_for(ports, pool.id(), &username, password).await?;
        let password = if is_used { NewPassword::Used } else { NewPassword::Fresh(stored) };

        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let user = users::find(&mut *tx, &pool, name).await?;
        if user.as_ref().is_some_and(|user| user.username != username) {
            // The name changed hands since the password was computed for its holder.
            return Err(Fault::Conflict("an alias moved".to_owned()).into());
        }
        let subject = attempts::subject(&ports.keyring, &pool, user.as_ref(), name);
        let what = Attempted::ForgotPassword;
        let counted = attempts::count(&mut *tx, pool.id(), &subject, what, now).await?;
        counted.map_err(limit_exceeded::<Op>)?;
        let known = user.clone();
        let outcome = match admitted(&client, user) {
            // Whoever it is, and whatever the code: it stays good, and nothing shows of the user.
            _ if finding.is_blocked => Err(known_to_others()),
            Err(failure) => Err(failure),
            Ok(mut user) => {
                let (keyring, code) = (&ports.keyring, &input.confirmation_code);
                recovery::complete(&mut *tx, keyring, &pool, &mut user, code, password, now)
                    .await?
                    .map_err(not_completed)
                    .map(|()| user)
            }
        };
        tx.commit().await?; // on refusal too: the attempt must outlive the error answer
        if let Some(user) = &known {
            let response =
                if outcome.is_ok() { EventResponseType::Pass } else { EventResponseType::Fail };
            let subject = Subject { ports, pool: &pool, client_id, user };
            let plain = Happening::plain(EventType::ForgotPassword, response);
            let happening = Happening { risk: finding.risk(), ..plain };
            events::record_unseen(subject, &client, happening).await?;
        }
        let user = outcome?;
        let (confirmed, caller) = (Confirmed::Password, call::Client::Id(client.id()));
        let told = post_confirmation::tell(ports, &pool, &user, confirmed, caller).await?;
        told.map_err(trigger_failed)?;
        Ok(ConfirmForgotPasswordResponse {})
    }
}

fn not_completed(refused: CompletionRefused) -> Failure<Op> {
    match refused {
        CompletionRefused::Code(refused) => code_refused(refused),
        CompletionRefused::Used => used_before(),
    }
}

/// The user, if there is one who may sign in. Where it must not show, it is as if the code were
/// wrong.
fn admitted(client: &AppClient, user: Option<User>) -> Result<User, Failure<Op>> {
    let hidden_as_wrong_code = |failure: Failure<Op>| {
        if client.hides_user_existence() { code_refused(CodeRefused::Mismatch) } else { failure }
    };
    match user {
        None => Err(hidden_as_wrong_code(no_such_user())),
        Some(user) if !user.enabled => {
            Err(hidden_as_wrong_code(not_authorized("User is disabled.")))
        }
        Some(user) => Ok(user),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{PASSWORD, Stack, error, invalid, merged};

    const NEW: &str = "Battery-Staple-8";

    fn mismatch() -> (String, String) {
        let text = "Invalid verification code provided, please try again.";
        error("CodeMismatchException", text)
    }

    fn expired() -> (String, String) {
        error("ExpiredCodeException", "Invalid code provided, please request a code again.")
    }

    fn another(code: &str) -> &'static str {
        if code == "000000" { "111111" } else { "000000" }
    }

    /// A pool, its client and the code that was sent to its user `jo`.
    async fn forgotten(stack: &Stack) -> (String, String, String) {
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        stack.user(&pool, "jo", &verified).await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        stack.ok("ForgotPassword", input).await;
        (pool, client, stack.last_code_for("jo@gm.com"))
    }

    fn input(client: &str, name: &str, code: &str, password: &str) -> serde_json::Value {
        json!({
            "ClientId": client, "Username": name, "ConfirmationCode": code, "Password": password,
        })
    }

    async fn sign_in(stack: &Stack, client: &str, password: &str) -> u16 {
        let parameters = json!({ "USERNAME": "jo", "PASSWORD": password });
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        stack.call("InitiateAuth", input).await.status
    }

    #[tokio::test]
    async fn a_new_password_ends_no_lock_and_a_sign_in_after_it_does() {
        let stack = Stack::new().await;
        let (pool, client, code) = forgotten(&stack).await;
        for _ in 0..5 {
            assert_eq!(sign_in(&stack, &client, "Wrong-Donkey-3").await, 400);
        }
        // Guesses are counted by user, not by password: neither its owner nor an administrator
        // makes them forgotten.
        stack.ok("ConfirmForgotPassword", input(&client, "jo", &code, NEW)).await;
        assert_eq!(sign_in(&stack, &client, NEW).await, 400, "locked for a second");
        stack.advance(1);
        assert_eq!(sign_in(&stack, &client, "Wrong-Donkey-3").await, 400);
        let set = json!({
            "UserPoolId": pool, "Username": "jo", "Password": PASSWORD, "Permanent": true,
        });
        stack.ok("AdminSetUserPassword", set).await;
        stack.advance(1);
        assert_eq!(sign_in(&stack, &client, PASSWORD).await, 400, "locked for two");
        stack.advance(1);
        assert_eq!(sign_in(&stack, &client, PASSWORD).await, 200);
        for _ in 0..4 {
            assert_eq!(sign_in(&stack, &client, "Wrong-Donkey-3").await, 400);
        }
        assert_eq!(sign_in(&stack, &client, PASSWORD).await, 200);
    }

    #[tokio::test]
    async fn the_code_replaces_the_password_once() {
        let stack = Stack::new().await;
        let (_, client, code) = forgotten(&stack).await;
        let operation = "ConfirmForgotPassword";
        let wrong = input(&client, "jo", another(&code), NEW);
        assert_eq!(stack.refusal(operation, wrong).await, mismatch());
        let weak = input(&client, "jo", &code, "weak");
        let text = "Password did not conform with policy: Password not long enough";
        assert_eq!(stack.refusal(operation, weak).await, error("InvalidPasswordException", text));
        assert_eq!(sign_in(&stack, &client, PASSWORD).await, 200);
        let right = input(&client, "jo", &code, NEW);
        assert_eq!(stack.ok(operation, right.clone()).await, json!({}));
        assert_eq!(sign_in(&stack, &client, PASSWORD).await, 400);
        assert_eq!(sign_in(&stack, &client, NEW).await, 200);
        assert_eq!(stack.refusal(operation, right).await, expired());
    }

    #[tokio::test]
    async fn a_remembered_password_is_told_to_the_code_only_and_the_code_stays_good() {
        let stack = Stack::new().await;
        let (pool, client, code) = forgotten(&stack).await;
        let policy = json!({ "PasswordPolicy": { "PasswordHistorySize": 3 } });
        let update = json!({ "UserPoolId": pool, "Policies": policy });
        stack.ok("UpdateUserPool", update).await;
        let operation = "ConfirmForgotPassword";
        let guess = input(&client, "jo", another(&code), PASSWORD);
        assert_eq!(stack.refusal(operation, guess).await, mismatch());
        let used =
            error("PasswordHistoryPolicyViolationException", "Password has previously been used");
        let old = input(&client, "jo", &code, PASSWORD);
        assert_eq!(stack.refusal(operation, old).await, used);
        stack.ok(operation, input(&client, "jo", &code, NEW)).await;
        assert_eq!(sign_in(&stack, &client, NEW).await, 200);
    }

    #[tokio::test]
    async fn a_code_is_good_for_an_hour() {
        let stack = Stack::new().await;
        let (_, client, code) = forgotten(&stack).await;
        stack.advance(3_600);
        let input = input(&client, "jo", &code, NEW);
        assert_eq!(stack.refusal("ConfirmForgotPassword", input).await, expired());
    }

    #[tokio::test]
    async fn guesses_come_to_an_end_and_the_right_code_is_refused_with_them() {
        let stack = Stack::new().await;
        let (_, client, code) = forgotten(&stack).await;
        let operation = "ConfirmForgotPassword";
        // One of the twenty attempts was the request for the code.
        for _ in 0..19 {
            let wrong = input(&client, "jo", another(&code), NEW);
            assert_eq!(stack.refusal(operation, wrong).await, mismatch());
        }
        let text = "Attempt limit exceeded, please try after some time.";
        assert_eq!(
            stack.refusal(operation, input(&client, "jo", &code, NEW)).await,
            error("LimitExceededException", text)
        );
        assert_eq!(sign_in(&stack, &client, PASSWORD).await, 200);
    }

    #[tokio::test]
    async fn unknown_and_disabled_users_are_told_or_look_like_wrong_codes() {
        let stack = Stack::new().await;
        let (pool, open, code) = forgotten(&stack).await;
        let hiding = stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        stack.ok("AdminDisableUser", user).await;
        let told = [
            ("nobody", error("UserNotFoundException", "Username/client id combination not found.")),
            ("jo", error("NotAuthorizedException", "User is disabled.")),
        ];
        let operation = "ConfirmForgotPassword";
        for (name, expected) in told {
            let shown = input(&open, name, &code, NEW);
            assert_eq!(stack.refusal(operation, shown).await, expected);
            let hidden = input(&hiding, name, &code, NEW);
            assert_eq!(stack.refusal(operation, hidden).await, mismatch());
        }
    }

    #[tokio::test]
    async fn a_code_that_nobody_asked_for_is_expired_in_both_modes() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        for mode in ["LEGACY", "ENABLED"] {
            let client = stack.client(&pool, json!({ "PreventUserExistenceErrors": mode })).await;
            let input = input(&client, "jo", "123456", NEW);
            assert_eq!(stack.refusal("ConfirmForgotPassword", input).await, expired());
        }
    }

    #[tokio::test]
    async fn a_new_code_replaces_the_one_before() {
        let stack = Stack::new().await;
        let (_, client, old) = forgotten(&stack).await;
        stack.ok("ForgotPassword", json!({ "ClientId": client, "Username": "jo" })).await;
        let new = stack.last_code_for("jo@gm.com");
        let operation = "ConfirmForgotPassword";
        assert_eq!(stack.refusal(operation, input(&client, "jo", &old, NEW)).await, mismatch());
        stack.ok(operation, input(&client, "jo", &new, NEW)).await;
    }

    #[tokio::test]
    async fn a_user_who_was_never_confirmed_is_so_by_a_code_to_a_verified_contact() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
        let forgot = json!({ "ClientId": client, "Username": "jo" });
        let text = "Cannot reset password for the user as there is no registered/verified email or \
                    phone_number";
        assert_eq!(stack.refusal("ForgotPassword", forgot.clone()).await, invalid(text));
        let verified = json!([{ "Name": "email_verified", "Value": "true" }]);
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        let update = merged(user.clone(), json!({ "UserAttributes": verified }));
        stack.ok("AdminUpdateUserAttributes", update).await;
        stack.ok("ForgotPassword", forgot).await;
        assert_eq!(stack.ok("AdminGetUser", user.clone()).await["UserStatus"], "UNCONFIRMED");
        let code = stack.last_code_for("jo@gm.com");
        stack.ok("ConfirmForgotPassword", input(&client, "jo", &code, NEW)).await;
        assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], "CONFIRMED");
        assert_eq!(sign_in(&stack, &client, NEW).await, 200);
    }
}
