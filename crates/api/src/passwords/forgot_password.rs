//! `ForgotPassword`: sends a code with which a user can set a new password.

use poolhouse_domain::{
    Fault,
    app_clients::AppClient,
    attempts::{self, Attempted},
    attributes::Contact,
    codes::{self, CodePurpose, SentCode},
    messages::{Delivery, MessageKind},
    passwords::recovery::{self, RecoveryRefused},
    ports::Ports,
    shapes::{ForgotPasswordRequest, ForgotPasswordResponse},
    user_pools::UserPool,
    users::{self, User},
};
use poolhouse_wire::operations::ForgotPassword as Op;

use super::recovery_refused;
use crate::{
    delivery,
    failure::{Answer, Failure, limit_exceeded, not_authorized},
    lookup, secret_hash,
    serve::Handle,
    sign_up::{counted_subject, no_such_user},
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ForgotPasswordRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let name = &input.username;
        secret_hash::verify::<Op>(&client, name, input.secret_hash.as_ref())?;
        if recovery::is_for_administrators_only(&pool) {
            return Err(recovery_refused::<Op>(RecoveryRefused::AdministratorsOnly).into());
        }
        let details = if let Some((user, sent)) = issue(ports, &client, &pool, name).await?? {
            let kind = MessageKind::ForgotPassword;
            if client.hides_user_existence() {
                delivery::code_in_background(ports, &pool, &user, kind, &sent)
            } else {
                delivery::code::<Op>(ports, &pool, &user, kind, &sent).await?
            }
        } else {
            let usual = recovery::usual_contact(&pool);
            delivery::details(Delivery::simulated(&ports.keyring, &pool, name, usual))
        };
        Ok(ForgotPasswordResponse { code_delivery_details: Some(details) })
    }
}

/// Makes a code; none where its absence must not show.
async fn issue(
    ports: &Ports,
    client: &AppClient,
    pool: &UserPool,
    name: &str,
) -> Result<Result<Option<(User, SentCode)>, Failure<Op>>, Fault> {
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    let user = users::find(&mut *tx, pool, name).await?;
    let subject = counted_subject(ports, pool, user.as_ref(), name);
    let what = Attempted::ForgotPassword;
    if let Err(limit) = attempts::count(&mut *tx, pool.id(), &subject, what, now).await? {
        return Ok(Err(limit_exceeded(limit)));
    }
    let outcome = match addressee(client, pool, user) {
        Ok(Some((user, contact))) => {
            let (keyring, entropy) = (&ports.keyring, &*ports.entropy);
            let purpose = CodePurpose::ForgotPassword;
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
/// each tells that the user exists; the service is on record for disabled users and those without
/// verified contact only, so that hiding the state as well is our choice.
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
    match recovery::by_user(pool, &user) {
        Ok(contact) => Ok(Some((user, contact))),
        Err(refused) => unless_hidden(recovery_refused(refused)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        delivery::testing::{Stuck, arrived},
        testing::{Stack, error, invalid},
    };

    const VERIFIED: [(&str, &str); 2] = [("email", "jo@gm.com"), ("email_verified", "true")];

    fn no_contact() -> (String, String) {
        invalid(
            "Cannot reset password for the user as there is no registered/verified email or \
             phone_number",
        )
    }

    #[tokio::test]
    async fn the_code_goes_to_a_verified_contact() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &VERIFIED).await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let answer = stack.ok("ForgotPassword", input).await;
        assert_eq!(
            answer["CodeDeliveryDetails"],
            json!({
                "Destination": "j***@g***", "DeliveryMedium": "EMAIL", "AttributeName": "email",
            })
        );
        assert_eq!(stack.last_code_for("jo@gm.com").len(), 6);
    }

    #[tokio::test]
    async fn users_who_cannot_recover_are_told_so_unless_existence_is_hidden() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let open = stack.client(&pool, json!({})).await;
        let hiding = stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
        stack.user(&pool, "unverified", &[("email", "un@gm.com")]).await;
        stack.user(&pool, "disabled", &VERIFIED).await;
        let input = json!({ "UserPoolId": pool, "Username": "new", "MessageAction": "SUPPRESS" });
        stack.ok("AdminCreateUser", input).await;
        let text = "User password cannot be reset in the current state.";
        let wrong_state = error("NotAuthorizedException", text);
        let user = json!({ "UserPoolId": pool, "Username": "disabled" });
        stack.ok("AdminDisableUser", user).await;
        let input = |client: &str, name: &str| json!({ "ClientId": client, "Username": name });
        let told = [
            ("nobody", error("UserNotFoundException", "Username/client id combination not found.")),
            ("disabled", error("NotAuthorizedException", "User is disabled.")),
            ("unverified", no_contact()),
            ("new", wrong_state),
        ];
        for (name, expected) in told {
            assert_eq!(stack.refusal("ForgotPassword", input(&open, name)).await, expected);
            let first = stack.ok("ForgotPassword", input(&hiding, name)).await;
            assert_eq!(stack.ok("ForgotPassword", input(&hiding, name)).await, first);
        }
        let shown = stack.ok("ForgotPassword", input(&hiding, "no@im.com")).await;
        assert_eq!(shown["CodeDeliveryDetails"]["Destination"], "n***@i***");
        arrived(&stack, 0).await;
    }

    #[tokio::test]
    async fn where_existence_is_hidden_the_answer_does_not_wait_for_the_message() {
        let mut stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, hides).await;
        stack.user(&pool, "jo", &VERIFIED).await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let sent = stack.ok("ForgotPassword", input.clone()).await;
        assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "j***@g***");
        arrived(&stack, 1).await;
        stack.messenger().fail(true);
        assert_eq!(stack.ok("ForgotPassword", input.clone()).await, sent);
        stack.ports.messenger = std::sync::Arc::new(Stuck);
        assert_eq!(stack.ok("ForgotPassword", input).await, sent);
    }

    #[tokio::test]
    async fn a_failed_delivery_is_told_where_existence_is_not_hidden() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &VERIFIED).await;
        stack.messenger().fail(true);
        let input = json!({ "ClientId": client, "Username": "jo" });
        let refused = stack.refusal("ForgotPassword", input).await;
        assert_eq!(refused.0, "CodeDeliveryFailureException");
    }

    #[tokio::test]
    async fn the_pool_decides_on_the_channel() {
        let stack = Stack::new().await;
        let recovery = |names: &[&str]| {
            let mechanisms = names.iter().zip(1..);
            let mechanisms: Vec<_> =
                mechanisms.map(|(name, rank)| json!({ "Name": name, "Priority": rank })).collect();
            json!({ "AccountRecoverySetting": { "RecoveryMechanisms": mechanisms } })
        };
        let both = [
            ("email", "jo@gm.com"),
            ("email_verified", "true"),
            ("phone_number", "+14155550008"),
            ("phone_number_verified", "true"),
        ];
        for (settings, medium) in [
            (json!({}), "SMS"),
            (recovery(&["verified_email", "verified_phone_number"]), "EMAIL"),
            (recovery(&["verified_phone_number", "verified_email"]), "SMS"),
        ] {
            let pool = stack.pool(settings).await;
            let client = stack.client(&pool, json!({})).await;
            stack.user(&pool, "jo", &both).await;
            let input = json!({ "ClientId": client, "Username": "jo" });
            let answer = stack.ok("ForgotPassword", input).await;
            assert_eq!(answer["CodeDeliveryDetails"]["DeliveryMedium"], medium);
        }
        let pool = stack.pool(recovery(&["admin_only"])).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let text = "Contact administrator to reset password.";
        assert_eq!(
            stack.refusal("ForgotPassword", input).await,
            error("NotAuthorizedException", text)
        );
    }

    #[tokio::test]
    async fn the_limit_of_an_hour_holds_for_everybody_alike() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, hides).await;
        stack.user(&pool, "jo", &VERIFIED).await;
        for name in ["jo", "nobody"] {
            let input = json!({ "ClientId": client, "Username": name });
            for _ in 0..20 {
                stack.ok("ForgotPassword", input.clone()).await;
            }
            let text = "Attempt limit exceeded, please try after some time.";
            assert_eq!(
                stack.refusal("ForgotPassword", input).await,
                error("LimitExceededException", text)
            );
        }
    }
}
