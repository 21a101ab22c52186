//! `ForgotPassword`: sends a code with which a user can set a new password.

use poolhouse_domain::{
    attempts::{self, Attempted},
    attributes::Contact,
    auth::{
        Place,
        migration::{self, Brought, MigrationRefused},
    },
    codes::CodePurpose,
    messages::{Delivery, MessageKind},
    passwords::recovery::{self, RecoveryRefused},
    ports::Ports,
    shapes::{CodeDeliveryDetailsType, ForgotPasswordRequest, ForgotPasswordResponse},
    triggers::{Metadata, user_migration},
    users,
};
use poolhouse_wire::operations::ForgotPassword as Op;

use super::recovery_refused;
use crate::{
    auth::migration_failed,
    delivery,
    failure::{Answer, Unanswered, limit_exceeded, trigger_failed},
    lookup,
    requested_code::{self, Request},
    secret_hash,
    serve::Handle,
    sign_up::no_such_user,
    threat_protection::context,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ForgotPasswordRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let ports = context::of_user(ports, &pool, &client, input.user_context_data);
        let ports = &ports.carrying(Metadata::of_client(input.client_metadata));
        let name = &input.username;
        secret_hash::verify::<Op>(&client, name, input.secret_hash.as_ref())?;
        if recovery::is_for_administrators_only(&pool) {
            return Err(recovery_refused::<Op>(RecoveryRefused::AdministratorsOnly).into());
        }
        let request = Request {
            ports,
            client: &client,
            pool: &pool,
            name,
            what: Attempted::ForgotPassword,
            purpose: CodePurpose::ForgotPassword,
            kind: MessageKind::ForgotPassword,
            usual: recovery::usual_contact(&pool),
        };
        if user_migration::is_connected(&pool) {
            let place = Place::new(ports, &pool, &client);
            if let Some(details) = bring_over(place, name, request.usual).await? {
                return Ok(ForgotPasswordResponse { code_delivery_details: Some(details) });
            }
        }
        let addressee = |user: &_| recovery::by_user(&pool, user).map_err(recovery_refused);
        let details = requested_code::answer::<Op>(request, addressee).await?;
        Ok(ForgotPasswordResponse { code_delivery_details: Some(details) })
    }
}

/// Brings somebody over whom the pool doesn't know, so that a code can be sent to them. Where that
/// is not done, what is answered to clients that may not be told so.
async fn bring_over(
    place: Place<'_>,
    name: &str,
    usual: Contact,
) -> Result<Option<CodeDeliveryDetailsType>, Unanswered<Op>> {
    let Place { ports, pool, client, .. } = place;
    let mut tx = ports.store.write().await?;
    if users::find(&mut *tx, pool, name).await?.is_some() {
        return Ok(None);
    }
    // Before the function is asked: it may send something itself.
    let subject = attempts::subject(&ports.keyring, pool, None, name);
    let (what, now) = (Attempted::ForgotPassword, ports.clock.now());
    let counted = attempts::count(&mut *tx, pool.id(), &subject, what, now).await?;
    counted.map_err(limit_exceeded::<Op>)?;
    tx.commit().await?;
    let failure = match migration::bring_over(place, name, None).await? {
        Ok(Brought::Over(_) | Brought::Already) => return Ok(None),
        Ok(Brought::Nobody) => no_such_user(),
        Err(MigrationRefused::Failed) => migration_failed(client.id()),
        Err(MigrationRefused::Trigger(failed)) => return Err(trigger_failed::<Op>(failed).into()),
    };
    if !client.hides_user_existence() {
        return Err(failure.into());
    }
    Ok(Some(delivery::details(Delivery::simulated(&ports.keyring, pool, name, usual))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error, invalid};

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
        assert_eq!(stack.messenger().messages().len(), 0);
    }

    #[tokio::test]
    async fn where_existence_is_hidden_nobody_costs_a_message_like_anybody() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, hides).await;
        stack.user(&pool, "jo", &VERIFIED).await;
        let input = json!({ "ClientId": client, "Username": "jo" });
        let sent = stack.ok("ForgotPassword", input.clone()).await;
        assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "j***@g***");
        assert_eq!(stack.messenger().messages().len(), 1);
        stack.messenger().fail(true);
        assert_eq!(stack.ok("ForgotPassword", input).await, sent);
        assert_eq!(stack.messenger().pretended(), 1, "a message that can't be sent shows");
        let nobody = json!({ "ClientId": client, "Username": "nobody" });
        stack.ok("ForgotPassword", nobody).await;
        assert_eq!(stack.messenger().pretended(), 2);
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
        let text = "Message could not be delivered.";
        assert_eq!(refused, error("CodeDeliveryFailureException", text));
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
    async fn where_existence_is_hidden_nobody_waits_for_a_function_or_a_key() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let sender = json!({ "LambdaVersion": "V1_0", "LambdaArn": arn });
        let key = "arn:aws:kms:us-east-1:123456789012:key/1a";
        for triggers in [
            json!({ "CustomMessage": arn }),
            json!({ "CustomEmailSender": sender, "KMSKeyID": key }),
        ] {
            let stack = Stack::new().await;
            let pool = stack.pool(json!({ "LambdaConfig": triggers })).await;
            let client =
                stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
            stack.user(&pool, "jo", &VERIFIED).await;
            for (name, pretended) in [("jo", 1), ("nobody", 2)] {
                let input = json!({ "ClientId": client, "Username": name });
                stack.ok("ForgotPassword", input).await;
                assert_eq!(stack.messenger().pretended(), pretended, "{triggers}");
            }
        }
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
