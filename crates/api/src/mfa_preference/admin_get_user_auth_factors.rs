//! `AdminGetUserAuthFactors`: tells an administrator with what a user can sign in.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminGetUserAuthFactorsRequest, AdminGetUserAuthFactorsResponse},
};
use poolhouse_wire::operations::AdminGetUserAuthFactors as Op;

use super::configured_factors;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminGetUserAuthFactorsRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        Ok(AdminGetUserAuthFactorsResponse {
            configured_user_auth_factors: Some(configured_factors(&mut *tx, &user).await?),
            preferred_mfa_setting: user.preferred_mfa_setting(),
            user_mfa_setting_list: user.mfa_setting_list(),
            username: user.username.into(),
        })
    }
}
