//! `VerifyUserAttribute`: a user proves a contact by the code that was sent to it.

use poolhouse_domain::{
    attempts::{self, Attempted},
    attributes::{VerifyRefused, verify},
    ports::Ports,
    shapes::{VerifyUserAttributeRequest, VerifyUserAttributeResponse},
};
use poolhouse_wire::operations::VerifyUserAttribute as Op;

use super::{alias_taken, code_refused, contact};
use crate::{
    failure::{Answer, Failure, limit_exceeded},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: VerifyUserAttributeRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let contact = contact::<Op>(&input.attribute_name)?;
        let (pool, now) = (&caller.pool, ports.clock.now());
        let mut tx = ports.store.write().await?;
        let user = tx.user_by_sub(pool.id(), &caller.user.sub).await?;
        let user = user.ok_or_else(Failure::<Op>::user_gone)?;
        let what = Attempted::VerifyAttribute;
        let counted = attempts::count(&mut *tx, pool.id(), &user.sub, what, now).await?;
        counted.map_err(limit_exceeded::<Op>)?;
        let keyring = &ports.keyring;
        let outcome = verify(&mut *tx, keyring, pool, user, contact, &input.code, now).await?;
        tx.commit().await?; // on refusal too: the attempt must outlive the error answer
        outcome.map_err(refused)?;
        Ok(VerifyUserAttributeResponse {})
    }
}

fn refused(refused: VerifyRefused) -> Failure<Op> {
    match refused {
        VerifyRefused::Code(refused) => code_refused(refused),
        VerifyRefused::Alias(taken) => alias_taken(&taken),
    }
}
