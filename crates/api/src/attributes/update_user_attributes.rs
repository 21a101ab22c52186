//! `UpdateUserAttributes`: a user changes attributes that the client may write.

use poolhouse_domain::{
    attributes::Writer,
    messages::MessageKind,
    ports::Ports,
    shapes::{UpdateUserAttributesRequest, UpdateUserAttributesResponse},
};
use poolhouse_wire::operations::UpdateUserAttributes as Op;

use super::{ChangeRefused, alias_taken, refusal, change, pairs};
use crate::{
    delivery,
    failure::{Answer, Failure},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateUserAttributesRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let (pool, writer) = (&caller.pool, Writer::Client(&caller.client));
        let changes = pairs(Some(input.user_attributes));
        let changed = change(ports, pool, &caller.user.sub, &changes, writer).await?;
        let (user, sent) = changed.map_err(refused)?;
        let mut deliveries = Vec::new();
        for code in &sent {
            let kind = MessageKind::VerifyAttribute;
            deliveries.push(delivery::code::<Op>(ports, pool, &user, kind, code).await?);
        }
        Ok(UpdateUserAttributesResponse { code_delivery_details_list: Some(deliveries) })
    }
}

fn refused(refused: ChangeRefused) -> Failure<Op> {
    match refused {
        ChangeRefused::Attributes(refused) => refusal(refused),
        ChangeRefused::Alias(taken) => alias_taken(&taken),
        ChangeRefused::UserGone => Failure::user_gone(),
    }
}
