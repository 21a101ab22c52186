//! `AdminConfirmSignUp`: an administrator confirms a user without code.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminConfirmSignUpRequest, AdminConfirmSignUpResponse},
    sign_up,
};
use poolhouse_wire::operations::AdminConfirmSignUp as Op;

use super::not_unconfirmed;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminConfirmSignUpRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        let now = ports.clock.now();
        let confirmed = sign_up::confirm_by_administrator(&mut *tx, &mut user, now).await?;
        confirmed.map_err(|sign_up::NotUnconfirmed(status)| not_unconfirmed::<Op>(status))?;
        tx.commit().await?;
        Ok(AdminConfirmSignUpResponse {})
    }
}
