//! Messages that wait in the store until they are sent, so that a crash loses none.
//!
//! ```text
//! stored ──▶ taken by a courier, under a lease ──▶ sent: removed
//!   ▲                     │
//!   └── to be tried later ┤
//!                         └── never to be sent: kept for the operator until it is of no use
//! ```
//!
//! Any node that shares the store may take any message. A lease that is not renewed ends, and another
//! courier takes over: that of a process that died. If it died between the acceptance of the message
//! by the next server and the removal here, the message is sent twice, under the same id. Why it is
//! built like this: `docs/decisions/0012-outbox.md`.

mod courier;
mod post_office;

pub use courier::{deliver, take};
pub use post_office::PostOffice;

use async_trait::async_trait;

use super::{Message, Route};
use crate::{fault::Fault, time::Timestamp};

/// Longest time for which a message is tried, in seconds, however long it would be of use.
const LONGEST: i64 = 3 * 86_400;

impl Message {
    /// From when on it is not sent any more.
    pub fn deadline(&self) -> Timestamp {
        self.expires_at.min(self.at.plus_seconds(LONGEST))
    }
}

/// The right of a courier to messages that it took.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    /// Names the process.
    pub courier: &'a str,
    /// When the right ends.
    pub until: Timestamp,
}

/// A message that a courier has taken.
pub struct Taken {
    /// Names it, the same in each try.
    pub id: String,
    /// The pool.
    pub user_pool_id: String,
    /// Whom it is about; empty for nobody.
    pub sub: String,
    /// How often it was taken, this time included.
    pub attempts: u32,
    /// The message; none if it can't be read, which the log tells.
    pub message: Option<Message>,
}

/// What an operator is told about a message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Names it.
    pub id: String,
    /// The pool.
    pub user_pool_id: String,
    /// How it was to travel.
    pub medium: String,
    /// When it was composed.
    pub created_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed. Names no address and holds no code.
    pub failure: String,
}

/// How many messages of a medium wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Those that will be sent.
    pub waiting: i64,
    /// When the oldest of these was composed.
    pub oldest: Option<Timestamp>,
    /// Those that were given up.
    pub given_up: i64,
}

/// Storage of messages that wait.
#[async_trait]
pub trait Outbox: Send {
    /// Stores a message, sealed, to be sent at once.
    async fn insert_message(&mut self, id: &str, message: &Message) -> Result<(), Fault>;

    /// Whether a message of another pool than these waits whose time has come.
    async fn has_due_message(
        &mut self,
        route: Route,
        skipped_pools: &[&str],
        now: Timestamp,
    ) -> Result<bool, Fault>;

    /// Takes messages of other pools than these whose time has come, those first that wait longest.
    /// Nobody else gets them until the lease ends.
    ///
    /// # Errors
    /// [`Fault::Conflict`], here or at the commit, if another courier takes some at the same time.
    async fn take_messages(
        &mut self,
        route: Route,
        skipped_pools: &[&str],
        lease: Lease<'_>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Taken>, Fault>;

    /// Renews a lease; answers whether the courier still had it.
    async fn renew_message_lease(&mut self, id: &str, lease: Lease<'_>) -> Result<bool, Fault>;

    /// Lets a message wait until its next try, if the courier still has the lease.
    async fn postpone_message(
        &mut self,
        id: &str,
        courier: &str,
        due_at: Timestamp,
        failure: &str,
    ) -> Result<(), Fault>;

    /// Keeps a message that is not tried any more, if the courier still has the lease.
    async fn give_message_up(
        &mut self,
        id: &str,
        courier: &str,
        failure: &str,
    ) -> Result<(), Fault>;

    /// Removes a message.
    async fn delete_message(&mut self, id: &str) -> Result<bool, Fault>;

    /// How many messages of a medium wait. Looks at all of them: for operators.
    async fn waiting_messages(&mut self, route: Route) -> Result<Waiting, Fault>;

    /// Messages that were given up, in ascending order of id, after the given one.
    async fn list_given_up_messages(
        &mut self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<GivenUp>, Fault>;

    /// Lets a message that was given up be tried again; answers whether there was one.
    async fn retry_message(&mut self, id: &str, now: Timestamp) -> Result<bool, Fault>;
}
