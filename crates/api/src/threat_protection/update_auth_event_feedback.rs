//! `UpdateAuthEventFeedback`: a user tells whether it was they, with the token of a mail.

use poolhouse_domain::{
    ports::Ports,
    shapes::{UpdateAuthEventFeedbackRequest, UpdateAuthEventFeedbackResponse},
    threat_protection::feedback::{self, Provider},
    users,
};
use poolhouse_wire::operations::UpdateAuthEventFeedback as Op;

use super::{no_such_event, require_add_on};
use crate::{
    failure::{Answer, Failure, not_authorized},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateAuthEventFeedbackRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        require_add_on::<Op>(&pool)?;
        let (pool_id, event_id) = (pool.id(), &input.event_id);
        // Anybody may ask: an unknown user is answered as a wrong token is, and neither writes.
        let mut view = ports.store.read().await?;
        let user = users::find(&mut *view, &pool, &input.username).await?;
        let user = user.ok_or_else(invalid_token)?;
        feedback::check_token(ports, pool_id, &user.sub, event_id, &input.feedback_token)
            .map_err(|_| invalid_token())?;
        let mut tx = ports.store.write().await?;
        let (given, now) = ((input.feedback_value, Provider::User), ports.clock.now());
        let outcome = feedback::give(&mut *tx, pool_id, &user.sub, event_id, given, now).await?;
        outcome.map_err(no_such_event::<Op>)?;
        tx.commit().await?;
        Ok(UpdateAuthEventFeedbackResponse {})
    }
}

/// The text is a belief.
fn invalid_token() -> Failure<Op> {
    not_authorized("Invalid feedback token.")
}
