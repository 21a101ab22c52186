//! `GetUser`: what a user's client may read of the user.

use poolhouse_domain::{
    ports::Ports,
    shapes::{GetUserRequest, GetUserResponse},
};
use poolhouse_wire::operations::GetUser as Op;

use super::{mfa_settings, preferred_mfa};
use crate::{attributes::listed, failure::Answer, serve::Handle, subject};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetUserRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let user = &caller.user;
        Ok(GetUserResponse {
            username: user.username.as_str().into(),
            user_attributes: listed(user, |name| name == "sub" || caller.client.may_read(name)),
            mfa_options: None,
            preferred_mfa_setting: preferred_mfa(user),
            user_mfa_setting_list: mfa_settings(user),
        })
    }
}
