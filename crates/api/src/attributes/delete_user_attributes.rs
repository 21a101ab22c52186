//! `DeleteUserAttributes`: a user deletes attributes that the client may write.

use poolhouse_domain::{
    attributes::Writer,
    ports::Ports,
    shapes::{DeleteUserAttributesRequest, DeleteUserAttributesResponse},
};
use poolhouse_wire::operations::DeleteUserAttributes as Op;

use super::{ChangeRefused, account_exists, refusal, delete};
use crate::{
    failure::{Answer, Failure, invalid_parameter},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserAttributesRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let writer = Writer::Client(&caller.client);
        let (sub, names) = (&caller.user.sub, &input.user_attribute_names);
        delete(ports, &caller.pool, sub, names, writer).await?.map_err(refused)?;
        Ok(DeleteUserAttributesResponse {})
    }
}

fn refused(refused: ChangeRefused) -> Failure<Op> {
    match refused {
        ChangeRefused::Attributes(refused) => refusal(refused),
        // Deleting claims nothing; the operation lists no AliasExistsException.
        ChangeRefused::Alias(taken) => invalid_parameter(account_exists(&taken.attribute)),
        ChangeRefused::UserGone => Failure::user_gone(),
    }
}
