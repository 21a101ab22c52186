//! `AdminDisableUser`: an administrator bars a user from signing in, and revokes the user's tokens.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminDisableUserRequest, AdminDisableUserResponse},
    users::User,
};
use poolhouse_wire::operations::AdminDisableUser as Op;

use super::alter;
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminDisableUserRequest) -> Answer<Op> {
        let now = ports.clock.now();
        let disable = |user: &mut User| {
            user.enabled = false;
            user.signed_out_at = Some(now);
        };
        alter::<Op>(ports, &input.user_pool_id, &input.username, disable).await?;
        Ok(AdminDisableUserResponse {})
    }
}
