//! `ResendConfirmationCode`: sends the code of a sign-up again.

use poolhouse_domain::{
    Fault,
    app_clients::AppClient,
    attempts::{self, Attempted},
    attributes::Contact,
    codes::{self, CodePurpose, SentCode},
    messages::{Delivery, MessageKind},
    ports::Ports,
    shapes::{ResendConfirmationCodeRequest, ResendConfirmationCodeResponse, UserStatusType},
    sign_up,
    user_pools::UserPool,
    users::{self, User},
};
use poolhouse_wire::operations::ResendConfirmationCode as Op;

use super::{counted_subject, no_such_user};
use crate::{
    delivery,
    failure::{Answer, Failure, invalid_parameter, limit_exceeded, not_authorized},
    lookup, secret_hash,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ResendConfirmationCodeRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let name = &input.username;
        secret_hash::verify::<Op>(&client, name, input.secret_hash.as_ref())?;
        let usual = sign_up::usual_contact(&pool).ok_or_else(not_turned_on)?;
        let outcome = renew(ports, &client, &pool, name).await?;
        let details = match outcome? {
            Some((user, sent)) if client.hides_user_existence() => {
                delivery::code_in_background(ports, &pool, &user, MessageKind::ResendCode, &sent)
            }
            Some((user, sent)) => {
                delivery::code::<Op>(ports, &pool, &user, MessageKind::ResendCode, &sent).await?
            }
            None => delivery::details(Delivery::simulated(&ports.keyring, &pool, name, usual)),
        };
        Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(details) })
    }
}

/// Makes a new code; none where its absence must not show.
async fn renew(
    ports: &Ports,
    client: &AppClient,
    pool: &UserPool,
    name: &str,
) -> Result<Result<Option<(User, SentCode)>, Failure<Op>>, Fault> {
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    let user = users::find(&mut *tx, pool, name).await?;
    let subject = counted_subject(ports, pool, user.as_ref(), name);
    let what = Attempted::ResendCode;
    if let Err(limit) = attempts::count(&mut *tx, pool.id(), &subject, what, now).await? {
        return Ok(Err(limit_exceeded(limit)));
    }
    let outcome = match addressee(client, pool, user) {
        Ok(Some((user, contact))) => {
            let (keyring, entropy) = (&ports.keyring, &*ports.entropy);
            let purpose = CodePurpose::SignUp;
            let sent =
                codes::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?;
            Ok(sent.map(|sent| (user, sent)))
        }
        Ok(None) => Ok(None),
        Err(failure) => Err(failure),
    };
    tx.commit().await?; // on refusal too: the attempt must outlive the error answer
    Ok(outcome)
}

/// Who gets a code, and where; nobody where that must not show. That goes for every refusal, of which
/// each tells that the user exists; the service is on record for disabled users only, so that hiding
/// confirmed ones as well is our choice.
fn addressee(
    client: &AppClient,
    pool: &UserPool,
    user: Option<User>,
) -> Result<Option<(User, Contact)>, Failure<Op>> {
    let unless_hidden = |failure: Failure<Op>| {
        if client.hides_user_existence() { Ok(None) } else { Err(failure) }
    };
    let Some(user) = user else {
        return unless_hidden(no_such_user());
    };
    if !user.enabled {
        return unless_hidden(not_authorized("User is disabled."));
    }
    if user.status != UserStatusType::Unconfirmed {
        return unless_hidden(invalid_parameter("User is already confirmed."));
    }
    match sign_up::contact(pool, &user) {
        Some(contact) => Ok(Some((user, contact))),
        None => unless_hidden(not_turned_on()),
    }
}

/// What is said when there is nothing that a code could verify.
fn not_turned_on() -> Failure<Op> {
    invalid_parameter("Cannot resend codes. Auto verification not turned on.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        delivery::testing::{Stuck, arrived},
        testing::{PASSWORD, Stack, error, invalid},
    };

    async fn signed_up(stack: &Stack, pool: &str, client: &str, name: &str, mail: &str) -> String {
        let input = json!({
            "ClientId": client, "Username": name, "Password": PASSWORD,
            "UserAttributes": [{ "Name": "email", "Value": mail }],
        });
        stack.ok("SignUp", input).await;
        let user = json!({ "UserPoolId": pool, "Username": name });
        assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], "UNCONFIRMED");
        stack.last_code_for(mail)
    }

    #[tokio::test]
    async fn a_new_code_replaces_the_old_one() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        let old = signed_up(&stack, &pool, &client, "jo", "jo@gm.com").await;
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
        signed_up(&stack, &pool, &client, "jo", "jo@gm.com").await;
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
        arrived(&stack, 6).await;
    }

    #[tokio::test]
    async fn where_existence_is_hidden_the_answer_does_not_wait_for_the_message() {
        let mut stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, hides).await;
        signed_up(&stack, &pool, &client, "jo", "jo@gm.com").await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let operation = "ResendConfirmationCode";
        let sent = stack.ok(operation, input.clone()).await;
        assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "j***@g***");
        arrived(&stack, 2).await;
        stack.messenger().fail(true);
        assert_eq!(stack.ok(operation, input.clone()).await, sent);
        stack.ports.messenger = std::sync::Arc::new(Stuck);
        assert_eq!(stack.ok(operation, input).await, sent);
    }

    #[tokio::test]
    async fn users_who_get_no_code_are_told_or_hidden() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let open = stack.client(&pool, json!({})).await;
        let hiding = stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
        signed_up(&stack, &pool, &open, "jo", "jo@gm.com").await;
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
        arrived(&stack, 0).await;
    }
}
