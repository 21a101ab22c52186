//! `AdminDeleteUserAttributes`: an administrator deletes attributes of a user.

use poolhouse_domain::{
    attributes::Writer,
    ports::Ports,
    shapes::{AdminDeleteUserAttributesRequest, AdminDeleteUserAttributesResponse},
};
use poolhouse_wire::operations::AdminDeleteUserAttributes as Op;

use super::{ChangeRefused, account_exists, refusal, delete};
use crate::{
    failure::{Answer, Failure, invalid_parameter, user_not_found},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminDeleteUserAttributesRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        drop(read);
        let (names, writer) = (&input.user_attribute_names, Writer::Administrator);
        delete(ports, &pool, &user.sub, names, writer).await?.map_err(refused)?;
        Ok(AdminDeleteUserAttributesResponse {})
    }
}

fn refused(refused: ChangeRefused) -> Failure<Op> {
    match refused {
        ChangeRefused::Attributes(refused) => refusal(refused),
        // Deleting claims nothing; the operation lists no AliasExistsException.
        ChangeRefused::Alias(taken) => invalid_parameter(account_exists(&taken.attribute)),
        ChangeRefused::UserGone => user_not_found(),
    }
}
