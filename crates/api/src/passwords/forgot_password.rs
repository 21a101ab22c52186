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
        let details = match issue(ports, &client, &pool, name).await?? {
            Some((user, sent)) => {
                let kind = MessageKind::ForgotPassword;
                delivery::code::<Op>(ports, &pool, &user, kind, &sent).await?
            }
            None => {
                let usual = recovery::usual_contact(&pool);
                delivery::details(Delivery::simulated(&ports.keyring, &pool, name, usual))
            }
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

/// Who gets a code, and where; nobody where that must not show. The service tells of a password that
/// can't be reset in the user's state in any case.
fn addressee(
    client: &AppClient,
    pool: &UserPool,
    user: Option<User>,
) -> Result<Option<(User, Contact)>, Failure<Op>> {
    let unless_hidden = |failure: Failure<Op>| {
        if client.hides_user_existence() { Ok(None) } else { Err(failure) }
    };
    let Some(user) = user else { return unless_hidden(no_such_user()) };
    if !user.enabled {
        return unless_hidden(not_authorized("User is disabled."));
    }
    match recovery::by_user(pool, &user) {
        Ok(contact) => Ok(Some((user, contact))),
        Err(RecoveryRefused::WrongState) => Err(recovery_refused(RecoveryRefused::WrongState)),
        Err(refused) => unless_hidden(recovery_refused(refused)),
    }
}
