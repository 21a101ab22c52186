//! `AdminUpdateAuthEventFeedback`: an administrator tells whether it was the user.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminUpdateAuthEventFeedbackRequest, AdminUpdateAuthEventFeedbackResponse},
    threat_protection::feedback::{self, Provider},
};
use poolhouse_wire::operations::AdminUpdateAuthEventFeedback as Op;

use super::{no_such_event, require_add_on};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminUpdateAuthEventFeedbackRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        require_add_on::<Op>(&pool)?;
        let mut tx = ports.store.write().await?;
        let user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        let (event_id, given) = (&input.event_id, (input.feedback_value, Provider::Admin));
        let now = ports.clock.now();
        let outcome = feedback::give(&mut *tx, pool.id(), &user.sub, event_id, given, now).await?;
        outcome.map_err(no_such_event::<Op>)?;
        tx.commit().await?;
        Ok(AdminUpdateAuthEventFeedbackResponse {})
    }
}
