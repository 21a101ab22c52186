//! `ConfirmSignUp`: a user confirms the own account with the code that was sent.

use poolhouse_domain::{
    app_clients::AppClient,
    attempts::{self, Attempted},
    codes::CodeRefused,
    ports::Ports,
    shapes::{ConfirmSignUpRequest, ConfirmSignUpResponse},
    sign_up::{self, ConfirmRefused},
    users::{self, aliases::OnConflict},
};
use poolhouse_wire::operations::ConfirmSignUp as Op;

use super::{counted_subject, no_such_user, not_unconfirmed};
use crate::{
    attributes::{alias_taken, code_refused},
    failure::{Answer, Failure, limit_exceeded},
    lookup, secret_hash,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ConfirmSignUpRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        secret_hash::verify::<Op>(&client, &input.username, input.secret_hash.as_ref())?;
        let is_forced = input.force_alias_creation == Some(true);
        let on_conflict = if is_forced { OnConflict::Take } else { OnConflict::Refuse };
        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let user = users::find(&mut *tx, &pool, &input.username).await?;
        let subject = counted_subject(ports, &pool, user.as_ref(), &input.username);
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
        tx.commit().await?; // on refusal too: the attempt must outlive the error answer
        outcome?;
        Ok(ConfirmSignUpResponse { session: None })
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
