//! `ChangePassword`: a signed-in user replaces the own password.

use poolhouse_domain::{
    attempts::{self, Attempted},
    passwords,
    ports::{Ports, Transaction},
    shapes::{
        ChangePasswordRequest, ChangePasswordResponse, EventFilterType, EventResponseType,
        EventType, UserStatusType,
    },
    threat_protection::{
        compromised,
        events::{self, Happening, Subject},
    },
    time::Timestamp,
    users::User,
};
use poolhouse_wire::{codes, operations::ChangePassword as Op};

use super::{known_to_others, refusal, used_before};
use crate::{
    failure::{Answer, Failure, Unanswered, invalid_parameter, limit_exceeded, not_authorized},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ChangePasswordRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let (pool, mut user) = (caller.pool, caller.user);
        require_usable(&user)?;
        passwords::check(&pool, &input.proposed_password).map_err(refusal::<Op>)?;
        let is_right = match (&input.previous_password, &user.password) {
            (Some(previous), _) => passwords::matches(ports, &user, previous).await?,
            // Who never had a password sets the first one.
            (None, None) => true,
            (None, Some(_)) => return Err(no_previous_password().into()),
        };
        let (name, proposed) = (&user.username, &input.proposed_password);
        let is_used =
            passwords::history::is_used(ports, &pool, Some(&user), name, proposed).await?;
        let (kind, client_id) = (EventFilterType::PasswordChange, caller.client.id());
        let finding = compromised::look_up(ports, &pool, client_id, kind, proposed).await?;
        let stored = passwords::store_form(ports, &user, proposed).await?;

        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let what = Attempted::ChangePassword;
        let counted = attempts::count(&mut *tx, pool.id(), &user.sub, what, now).await?;
        counted.map_err(limit_exceeded::<Op>)?;
        let admitted = admit(&mut *tx, &user, is_right, now).await;
        let admitted = admitted.and_then(|()| match (finding.is_blocked, is_used) {
            (true, _) => Err(known_to_others().into()),
            (false, true) => Err(used_before().into()),
            (false, false) => Ok(()),
        });
        if admitted.is_ok() {
            passwords::history::replace(&mut *tx, &pool, &mut user, stored).await?;
            if user.status == UserStatusType::ResetRequired {
                user.status = UserStatusType::Confirmed;
            }
            user.modified_at = now;
            // The version that was read guards against a change since the previous password was
            // compared.
            tx.update_user(&mut user).await?;
        }
        tx.commit().await?; // on refusal too: the attempt must outlive the error answer
        let response =
            if admitted.is_ok() { EventResponseType::Pass } else { EventResponseType::Fail };
        let subject = Subject { ports, pool: &pool, client_id, user: &user };
        let plain = Happening::plain(EventType::PasswordChange, response);
        events::record(subject, Happening { risk: finding.risk(), ..plain }).await?;
        admitted?;
        Ok(ChangePasswordResponse {})
    }
}

/// Users must be past confirmation, and not owe a reset. Who was imported and signed in by a code has no
/// password to reset.
fn require_usable(user: &User) -> Result<(), Failure<Op>> {
    match user.status {
        UserStatusType::Unconfirmed => {
            Err(Failure::new(codes::UserNotConfirmedException, "User is not confirmed."))
        }
        UserStatusType::ResetRequired if user.password.is_some() => Err(Failure::new(
            codes::PasswordResetRequiredException,
            "Password reset required for the user",
        )),
        // Belief. Who signs in elsewhere has no password to change, and must not get one by a token.
        UserStatusType::ExternalProvider => {
            Err(not_authorized("User password cannot be reset in the current state."))
        }
        _ => Ok(()),
    }
}

/// Wrong previous passwords count as wrong passwords at sign-in do, and are locked out with them.
async fn admit(
    tx: &mut dyn Transaction,
    user: &User,
    is_right: bool,
    now: Timestamp,
) -> Result<(), Unanswered<Op>> {
    let (pool_id, what) = (&user.user_pool_id, Attempted::Password);
    let failures = tx.attempts(pool_id, &user.sub, what).await?;
    if failures.is_some_and(|failures| failures.locks_password(now)) {
        return Err(not_authorized("Password attempts exceeded").into());
    }
    if !is_right {
        attempts::count_wrong_password(tx, pool_id, &user.sub, now).await?;
        return Err(not_authorized("Incorrect username or password.").into());
    }
    Ok(())
}

/// Belief: the service's text for this is not on record.
fn no_previous_password() -> Failure<Op> {
    invalid_parameter("Missing required parameter PreviousPassword")
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::{shapes::UserStatusType, users::User};
    use serde_json::json;

    use crate::testing::{PASSWORD, Stack, error, invalid};

    const NEW: &str = "Battery-Staple-8";

    async fn signed_in(stack: &Stack) -> (String, String, String) {
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let token = stack.access_token(&client, "jo").await;
        (pool, client, token)
    }

    fn input(token: &str, previous: &str, proposed: &str) -> serde_json::Value {
        json!({
            "AccessToken": token, "PreviousPassword": previous, "ProposedPassword": proposed,
        })
    }

    #[tokio::test]
    async fn the_new_password_replaces_the_old_one_and_tokens_live_on() {
        let stack = Stack::new().await;
        let (_, client, token) = signed_in(&stack).await;
        let answer = stack.ok("ChangePassword", input(&token, PASSWORD, NEW)).await;
        assert_eq!(answer, json!({}));
        stack.ok("GetUser", json!({ "AccessToken": token })).await;
        for (password, status) in [(PASSWORD, 400), (NEW, 200)] {
            let parameters = json!({ "USERNAME": "jo", "PASSWORD": password });
            let input = json!({
                "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
                "AuthParameters": parameters,
            });
            assert_eq!(stack.call("InitiateAuth", input).await.status, status);
        }
    }

    #[tokio::test]
    async fn each_refusal_has_its_text_and_keeps_the_password() {
        let stack = Stack::new().await;
        let (_, client, token) = signed_in(&stack).await;
        let operation = "ChangePassword";
        let wrong = error("NotAuthorizedException", "Incorrect username or password.");
        assert_eq!(stack.refusal(operation, input(&token, NEW, NEW)).await, wrong);
        let text = "Password did not conform with policy: Password must have symbol characters";
        assert_eq!(
            stack.refusal(operation, input(&token, PASSWORD, "CorrectHorse9")).await,
            error("InvalidPasswordException", text)
        );
        let no_previous = json!({ "AccessToken": token, "ProposedPassword": NEW });
        assert_eq!(
            stack.refusal(operation, no_previous).await,
            invalid("Missing required parameter PreviousPassword")
        );
        assert_eq!(
            stack.refusal(operation, input("x", PASSWORD, NEW)).await,
            error("NotAuthorizedException", "Invalid Access Token")
        );
        stack.access_token(&client, "jo").await;
    }

    #[tokio::test]
    async fn a_password_that_the_pool_remembers_is_told_to_who_knows_the_present_one_only() {
        let stack = Stack::new().await;
        let policy = json!({ "PasswordPolicy": { "PasswordHistorySize": 24 } });
        let pool = stack.pool(json!({ "Policies": policy })).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let token = stack.access_token(&client, "jo").await;
        stack.ok("ChangePassword", input(&token, PASSWORD, NEW)).await;
        let wrong = error("NotAuthorizedException", "Incorrect username or password.");
        let guess = input(&token, "Wrong-Donkey-3", PASSWORD);
        assert_eq!(stack.refusal("ChangePassword", guess).await, wrong);
        let used =
            error("PasswordHistoryPolicyViolationException", "Password has previously been used");
        let back = input(&token, NEW, PASSWORD);
        assert_eq!(stack.refusal("ChangePassword", back).await, used);
        let parameters = json!({ "USERNAME": "jo", "PASSWORD": NEW });
        let sign_in = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        stack.ok("InitiateAuth", sign_in).await;
    }

    #[tokio::test]
    async fn the_sixth_try_in_an_hour_is_refused() {
        let stack = Stack::new().await;
        let (_, _, token) = signed_in(&stack).await;
        for _ in 0..4 {
            stack.refusal("ChangePassword", input(&token, NEW, NEW)).await;
        }
        stack.ok("ChangePassword", input(&token, PASSWORD, NEW)).await;
        let text = "Attempt limit exceeded, please try after some time.";
        assert_eq!(
            stack.refusal("ChangePassword", input(&token, NEW, PASSWORD)).await,
            error("LimitExceededException", text)
        );
    }

    #[tokio::test]
    async fn wrong_previous_passwords_lock_the_sign_in() {
        let stack = Stack::new().await;
        let (_, client, token) = signed_in(&stack).await;
        for _ in 0..5 {
            stack.refusal("ChangePassword", input(&token, NEW, NEW)).await;
        }
        let parameters = json!({ "USERNAME": "jo", "PASSWORD": PASSWORD });
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        let locked = error("NotAuthorizedException", "Password attempts exceeded");
        assert_eq!(stack.refusal("InitiateAuth", input).await, locked);
    }

    /// Changes the stored user as no operation does for somebody with a good token.
    async fn alter(stack: &Stack, pool: &str, alter: impl FnOnce(&mut User)) {
        let mut tx = stack.ports.store.write().await.unwrap();
        let mut user = tx.user_by_username(pool, "jo").await.unwrap().unwrap();
        alter(&mut user);
        tx.update_user(&mut user).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn the_users_status_stands_in_the_way_and_the_password_stays() {
        let stack = Stack::new().await;
        let (pool, client, token) = signed_in(&stack).await;
        let reset = "Password reset required for the user";
        let state = "User password cannot be reset in the current state.";
        for (status, expected) in [
            (
                UserStatusType::Unconfirmed,
                error("UserNotConfirmedException", "User is not confirmed."),
            ),
            (UserStatusType::ResetRequired, error("PasswordResetRequiredException", reset)),
            (UserStatusType::ExternalProvider, error("NotAuthorizedException", state)),
        ] {
            alter(&stack, &pool, |user| user.status = status).await;
            let refused = stack.refusal("ChangePassword", input(&token, PASSWORD, NEW)).await;
            assert_eq!(refused, expected);
        }
        alter(&stack, &pool, |user| user.status = UserStatusType::Confirmed).await;
        stack.access_token(&client, "jo").await;
    }

    #[tokio::test]
    async fn who_never_had_a_password_sets_the_first_one_without_another() {
        let stack = Stack::new().await;
        let (pool, client, token) = signed_in(&stack).await;
        // As an import leaves users.
        let imported = |user: &mut User| {
            (user.password, user.status) = (None, UserStatusType::ResetRequired);
        };
        alter(&stack, &pool, imported).await;
        let wrong = error("NotAuthorizedException", "Incorrect username or password.");
        let guess = stack.refusal("ChangePassword", input(&token, PASSWORD, NEW)).await;
        assert_eq!(guess, wrong);
        let first = json!({ "AccessToken": token, "ProposedPassword": PASSWORD });
        assert_eq!(stack.ok("ChangePassword", first.clone()).await, json!({}));
        stack.access_token(&client, "jo").await;
        let text = "Missing required parameter PreviousPassword";
        assert_eq!(stack.refusal("ChangePassword", first).await, invalid(text));
    }
}
