//! `AdminGetUser`: everything an administrator sees of a user.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminGetUserRequest, AdminGetUserResponse},
};
use poolhouse_wire::operations::AdminGetUser as Op;

use super::{mfa_settings, preferred_mfa};
use crate::{attributes::listed, failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminGetUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        Ok(AdminGetUserResponse {
            username: user.username.as_str().into(),
            user_attributes: Some(listed(&user, |_| true)),
            user_create_date: Some(user.created_at.to_wire()),
            user_last_modified_date: Some(user.modified_at.to_wire()),
            enabled: Some(user.enabled),
            user_status: Some(user.status),
            mfa_options: None,
            preferred_mfa_setting: preferred_mfa(&user),
            user_mfa_setting_list: mfa_settings(&user),
        })
    }
}
