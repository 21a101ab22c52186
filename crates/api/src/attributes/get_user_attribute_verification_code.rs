//! `GetUserAttributeVerificationCode`: a user asks for a code that verifies a contact.

use poolhouse_domain::{
    attempts::{self, Attempted},
    codes::{self, CodePurpose},
    messages::MessageKind,
    ports::Ports,
    shapes::{GetUserAttributeVerificationCodeRequest, GetUserAttributeVerificationCodeResponse},
};
use poolhouse_wire::operations::GetUserAttributeVerificationCode as Op;

use super::contact;
use crate::{
    delivery,
    failure::{Answer, Failure, invalid_parameter, limit_exceeded},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(
        ports: &Ports,
        input: GetUserAttributeVerificationCodeRequest,
    ) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let contact = contact::<Op>(&input.attribute_name)?;
        let (pool, now) = (&caller.pool, ports.clock.now());
        let mut tx = ports.store.write().await?;
        let user = tx.user_by_sub(pool.id(), &caller.user.sub).await?;
        let user = user.ok_or_else(Failure::<Op>::user_gone)?;
        let what = Attempted::SendAttributeCode;
        let counted = attempts::count(&mut *tx, pool.id(), &user.sub, what, now).await?;
        counted.map_err(limit_exceeded::<Op>)?;
        let (keyring, entropy) = (&ports.keyring, &*ports.entropy);
        let purpose = CodePurpose::verifies(contact);
        let sent = codes::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?;
        tx.commit().await?;
        // Belief: the service's text for this is not on record.
        let sent = sent.ok_or_else(|| {
            invalid_parameter::<Op>(format!("User has no attribute {}.", contact.attribute()))
        })?;
        let kind = MessageKind::VerifyAttribute;
        let details = delivery::code::<Op>(ports, pool, &user, kind, &sent).await?;
        Ok(GetUserAttributeVerificationCodeResponse { code_delivery_details: Some(details) })
    }
}
