//! `AdminSetUserPassword`: an administrator sets a password, for good or until the next sign-in.

use poolhouse_domain::{
    codes::{self, CodePurpose},
    passwords,
    ports::Ports,
    shapes::{AdminSetUserPasswordRequest, AdminSetUserPasswordResponse, UserStatusType},
};
use poolhouse_wire::operations::AdminSetUserPassword as Op;

use super::refusal;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminSetUserPasswordRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let mut user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        drop(read);
        passwords::check(&pool, &input.password).map_err(refusal::<Op>)?;
        user.password = Some(passwords::store_form(ports, &user, &input.password).await?);
        user.status = match input.permanent {
            Some(true) => UserStatusType::Confirmed,
            _ => UserStatusType::ForceChangePassword,
        };
        user.modified_at = ports.clock.now();
        // The version that was read guards against a change between reading and writing.
        let mut tx = ports.store.write().await?;
        tx.update_user(&mut user).await?;
        // Codes that were sent before must not undo what the administrator decided.
        codes::forget(&mut *tx, &user, CodePurpose::SignUp).await?;
        codes::forget(&mut *tx, &user, CodePurpose::ForgotPassword).await?;
        tx.commit().await?;
        Ok(AdminSetUserPasswordResponse {})
    }
}
