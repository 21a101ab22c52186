//! `DeleteUser`: a user deletes the own account.

use poolhouse_domain::{ports::Ports, shapes::DeleteUserRequest};
use poolhouse_wire::{NoOutput, operations::DeleteUser as Op};

use super::erase;
use crate::{failure::Answer, serve::Handle, subject};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        erase(ports, &caller.user).await?;
        Ok(NoOutput)
    }
}
