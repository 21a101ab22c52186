//! `AdminListUserAuthEvents`: what happened to a user's account, newest first, page by page.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminListUserAuthEventsRequest, AdminListUserAuthEventsResponse},
};
use poolhouse_wire::operations::AdminListUserAuthEvents as Op;

use super::require_add_on;
use crate::{failure::Answer, lookup, pages, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminListUserAuthEventsRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        require_add_on::<Op>(&pool)?;
        let mut view = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *view, &pool, &input.username).await?;
        let list = format!("AdminListUserAuthEvents {} {}", pool.id(), user.sub);
        let size = pages::size(input.max_results);
        let before: Option<String> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        let fetch = pages::fetch(size);
        let mut events =
            view.list_auth_events(pool.id(), &user.sub, before.as_deref(), fetch).await?;
        let next_token =
            pages::cut(ports, &list, &mut events, size, |event| event.id().to_owned())?;
        let auth_events = Some(events.into_iter().map(|event| event.shown).collect());
        Ok(AdminListUserAuthEventsResponse { auth_events, next_token })
    }
}
