//! `AdminUpdateUserAttributes`: an administrator changes attributes of a user.

use poolhouse_domain::{
    attributes::Writer,
    messages::MessageKind,
    ports::Ports,
    shapes::{AdminUpdateUserAttributesRequest, AdminUpdateUserAttributesResponse},
};
use poolhouse_wire::operations::AdminUpdateUserAttributes as Op;

use super::{ChangeRefused, alias_taken, refusal, change, pairs};
use crate::{
    delivery,
    failure::{Answer, Failure, user_not_found},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminUpdateUserAttributesRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        drop(read);
        let changes = pairs(Some(input.user_attributes));
        let changed = change(ports, &pool, &user.sub, &changes, Writer::Administrator).await?;
        let (user, sent) = changed.map_err(refused)?;
        for code in &sent {
            let kind = MessageKind::VerifyAttribute;
            delivery::code_quietly(ports, &pool, &user, kind, code).await;
        }
        Ok(AdminUpdateUserAttributesResponse {})
    }
}

fn refused(refused: ChangeRefused) -> Failure<Op> {
    match refused {
        ChangeRefused::Attributes(refused) => refusal(refused),
        ChangeRefused::Alias(taken) => alias_taken(&taken),
        ChangeRefused::UserGone => user_not_found(),
    }
}
