//! `AdminDeleteUser`: an administrator deletes a user.

use poolhouse_domain::{ports::Ports, shapes::AdminDeleteUserRequest};
use poolhouse_wire::{NoOutput, operations::AdminDeleteUser as Op};

use super::erase;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminDeleteUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        drop(read);
        erase(ports, &user).await?;
        Ok(NoOutput)
    }
}
