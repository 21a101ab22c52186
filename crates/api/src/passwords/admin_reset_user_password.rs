//! `AdminResetUserPassword`: an administrator makes a user choose a new password.

use poolhouse_domain::{
    codes::{self, CodePurpose},
    messages::MessageKind,
    passwords::recovery,
    ports::Ports,
    shapes::{AdminResetUserPasswordRequest, AdminResetUserPasswordResponse, UserStatusType},
};
use poolhouse_wire::operations::AdminResetUserPassword as Op;

use super::recovery_refused;
use crate::{delivery, failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminResetUserPasswordRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        let contact = recovery::by_administrator(&pool, &user).map_err(recovery_refused::<Op>)?;
        user.status = UserStatusType::ResetRequired;
        user.modified_at = now;
        tx.update_user(&mut user).await?;
        let (keyring, entropy) = (&ports.keyring, &*ports.entropy);
        let purpose = CodePurpose::ForgotPassword;
        let sent = codes::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?;
        tx.commit().await?;
        if let Some(sent) = &sent {
            let kind = MessageKind::ForgotPassword;
            delivery::code_quietly(ports, &pool, &user, kind, sent).await;
        }
        Ok(AdminResetUserPasswordResponse {})
    }
}
