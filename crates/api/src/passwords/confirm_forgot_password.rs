//! `ConfirmForgotPassword`: a user sets a new password with the code that was sent.

use poolhouse_domain::{
    Fault,
    app_clients::AppClient,
    attempts::{self, Attempted},
    codes::CodeRefused,
    passwords::{self, recovery},
    ports::Ports,
    shapes::{ConfirmForgotPasswordRequest, ConfirmForgotPasswordResponse},
    users::{self, User},
};
use poolhouse_wire::operations::ConfirmForgotPassword as Op;

use super::refusal;
use crate::{
    attributes::code_refused,
    failure::{Answer, Failure, limit_exceeded, not_authorized},
    lookup, secret_hash,
    serve::Handle,
    sign_up::{counted_subject, no_such_user},
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ConfirmForgotPasswordRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let name = &input.username;
        secret_hash::verify::<Op>(&client, name, input.secret_hash.as_ref())?;
        passwords::check(&pool, &input.password).map_err(refusal::<Op>)?;

        let mut read = ports.store.read().await?;
        let found = users::find(&mut *read, &pool, name).await?;
        drop(read);
        // Done for unknown names too, so that the time of the answer tells nothing.
        let username = found.map_or_else(|| pool.name_key(name), |user| user.username);
        let stored =
            passwords::store_form_for(ports, pool.id(), &username, &input.password).await?;

        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let user = users::find(&mut *tx, &pool, name).await?;
        if user.as_ref().is_some_and(|user| user.username != username) {
            // The name changed hands since the password was computed for its holder.
            return Err(Fault::Conflict("an alias moved".to_owned()).into());
        }
        let subject = counted_subject(ports, &pool, user.as_ref(), name);
        let what = Attempted::ForgotPassword;
        let counted = attempts::count(&mut *tx, pool.id(), &subject, what, now).await?;
        counted.map_err(limit_exceeded::<Op>)?;
        let outcome = match admitted(&client, user) {
            Err(failure) => Err(failure),
            Ok(mut user) => {
                let (keyring, code) = (&ports.keyring, &input.confirmation_code);
                recovery::complete(&mut *tx, keyring, &mut user, code, stored, now)
                    .await?
                    .map_err(code_refused::<Op>)
            }
        };
        tx.commit().await?; // on refusal too: the attempt must outlive the error answer
        outcome?;
        Ok(ConfirmForgotPasswordResponse {})
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
