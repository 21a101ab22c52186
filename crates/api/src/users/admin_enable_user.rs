//! `AdminEnableUser`: an administrator lets a disabled user sign in again.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminEnableUserRequest, AdminEnableUserResponse},
    users::User,
};
use poolhouse_wire::operations::AdminEnableUser as Op;

use super::alter;
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminEnableUserRequest) -> Answer<Op> {
        let enable = |user: &mut User| user.enabled = true;
        alter::<Op>(ports, &input.user_pool_id, &input.username, enable).await?;
        Ok(AdminEnableUserResponse {})
    }
}
