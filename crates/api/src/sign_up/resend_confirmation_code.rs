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
            Some((user, sent)) => {
                delivery::code::<Op>(ports, &pool, &user, MessageKind::ResendCode, &sent).await?
            }
            None => {
                delivery::details(Delivery::simulated(&ports.keyring, &pool, name, usual))
            }
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

/// Who gets a code, and where; nobody where that must not show.
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
    if user.status != UserStatusType::Unconfirmed {
        return Err(invalid_parameter("User is already confirmed."));
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
