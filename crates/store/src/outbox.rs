//! Storage of messages that wait to be sent. They hold codes, so they are sealed.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    messages::{
        Message, Route,
        outbox::{GivenUp, Lease, Outbox, Taken, Waiting},
    },
    time::Timestamp,
};
use zeroize::Zeroizing;

use crate::{
    engine::{Engine, Row, values},
    store::{SqlStore, SqlTransaction, inserted},
};

/// The place of what is sealed.
const COLUMN: &str = "outbox.sealed_message";
/// How long a message is kept beyond its deadline, in seconds, so that a courier can tell of its
/// end.
const GRACE: i64 = 3_600;

const INSERT: &str = "INSERT INTO outbox (id, pool_id, sub, medium, created_at, due_at, attempts,
    courier, gone_at, failure, sealed_message) VALUES ($1, $2, $3, $4, $5, $5, 0, '', $6, '', $7)
    ON CONFLICT DO NOTHING";
// Pools to be skipped come as one text, each between commas.
const HAS_DUE: &str = "SELECT 1 FROM outbox WHERE medium = $1 AND due_at <= $2
    AND REPLACE($3, ',' || pool_id || ',', '') = $3 LIMIT 1";
const TAKE: &str = "UPDATE outbox SET courier = $1, due_at = $2, attempts = attempts + 1
    WHERE id IN (SELECT id FROM outbox WHERE medium = $3 AND due_at <= $4
            AND REPLACE($6, ',' || pool_id || ',', '') = $6
        ORDER BY due_at LIMIT $5)
    RETURNING id, pool_id, sub, attempts, sealed_message";
const RENEW: &str = "UPDATE outbox SET due_at = $3
    WHERE id = $1 AND courier = $2 AND due_at IS NOT NULL";
const POSTPONE: &str = "UPDATE outbox SET due_at = $3, courier = '', failure = $4
    WHERE id = $1 AND courier = $2";
const GIVE_UP: &str = "UPDATE outbox SET due_at = NULL, courier = '', failure = $3
    WHERE id = $1 AND courier = $2";
const DELETE: &str = "DELETE FROM outbox WHERE id = $1";
const WAITING: &str = "SELECT COUNT(*), MIN(created_at) FROM outbox
    WHERE medium = $1 AND due_at IS NOT NULL AND sub <> ''";
const COUNT_GIVEN_UP: &str = "SELECT COUNT(*) FROM outbox WHERE medium = $1 AND due_at IS NULL";
const GIVEN_UP: &str = "SELECT id, pool_id, medium, created_at, attempts, failure FROM outbox
    WHERE due_at IS NULL AND id > $1 ORDER BY id LIMIT $2";
const RELEASE: &str = "UPDATE outbox SET due_at = $1, courier = ''
    WHERE courier <> '' AND due_at > $1";
const RETRY: &str = "UPDATE outbox SET due_at = $2, attempts = 0 WHERE id = $1 AND due_at IS NULL";

impl SqlStore {
    /// Lets messages be taken that a former process had taken, which is gone if the database is a file:
    /// one server at a time uses it. For when a server starts, before it has couriers. With PostgreSQL,
    /// which other nodes share, the end of the leases must be awaited.
    pub async fn release_messages(&self, now: Timestamp) -> Result<(), Fault> {
        let engine = &self.0.engine;
        if matches!(engine, Engine::Postgres(_)) {
            return Ok(());
        }
        let mut view = engine.write().await?;
        view.execute(RELEASE, values![now]).await?;
        view.commit().await
    }
}

impl SqlTransaction {
    /// A row of [`TAKE`]. A message that can't be read must not keep others from being sent.
    async fn read_taken(&mut self, mut row: Row) -> Result<Taken, Fault> {
        let (id, user_pool_id, sub) = (row.text()?, row.text()?, row.text()?);
        let (attempts, sealed) = (row.small()?, row.blob()?);
        let message = match self.read_message(&id, &sealed).await {
            Ok(message) => Some(message),
            Err(fault) => {
                let source = std::error::Error::source(&fault).map(ToString::to_string);
                tracing::error!(id, %fault, source, "a stored message can't be read");
                None
            }
        };
        Ok(Taken { id, user_pool_id, sub, attempts, message })
    }

    async fn read_message(&mut self, id: &str, sealed: &[u8]) -> Result<Message, Fault> {
        let text = self.open(COLUMN, &[id], sealed).await?;
        // The library's error would tell where in the message something is wrong, and what.
        serde_json::from_slice(&text).map_err(|_| Fault::broken("a stored message has no sense"))
    }
}

/// Pools in one text. Their ids have no commas.
fn listed(pools: &[&str]) -> String {
    pools.iter().fold(",".to_owned(), |list, pool| list + pool + ",")
}

#[async_trait]
impl Outbox for SqlTransaction {
    async fn insert_message(&mut self, id: &str, message: &Message) -> Result<(), Fault> {
        let text = serde_json::to_vec(message)
            .map_err(|error| Fault::because("a message can't be written", error))?;
        let sealed = self.seal(COLUMN, &[id], &Zeroizing::new(text));
        // Of a message to nobody there is nothing to be told.
        let grace = if message.sub.is_empty() { 0 } else { GRACE };
        let values = values![
            id,
            &message.user_pool_id,
            &message.sub,
            message.route().as_str(),
            message.at,
            message.deadline().plus_seconds(grace),
            &sealed
        ];
        inserted(self.view.execute(INSERT, values).await?, "a message")
    }

    async fn has_due_message(
        &mut self,
        route: Route,
        skipped_pools: &[&str],
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let skipped = listed(skipped_pools);
        let values = values![route.as_str(), now, &skipped];
        Ok(self.view.fetch_optional(HAS_DUE, values).await?.is_some())
    }

    async fn take_messages(
        &mut self,
        route: Route,
        skipped_pools: &[&str],
        lease: Lease<'_>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Taken>, Fault> {
        let skipped = listed(skipped_pools);
        let route = route.as_str();
        let values = values![lease.courier, lease.until, route, now, limit, &skipped];
        let mut taken = Vec::new();
        for row in self.view.fetch_all(TAKE, values).await? {
            taken.push(self.read_taken(row).await?);
        }
        Ok(taken)
    }

    async fn renew_message_lease(&mut self, id: &str, lease: Lease<'_>) -> Result<bool, Fault> {
        let values = values![id, lease.courier, lease.until];
        Ok(self.view.execute(RENEW, values).await? == 1)
    }

    async fn postpone_message(
        &mut self,
        id: &str,
        courier: &str,
        due_at: Timestamp,
        failure: &str,
    ) -> Result<(), Fault> {
        self.view.execute(POSTPONE, values![id, courier, due_at, failure]).await.map(drop)
    }

    async fn give_message_up(
        &mut self,
        id: &str,
        courier: &str,
        failure: &str,
    ) -> Result<(), Fault> {
        self.view.execute(GIVE_UP, values![id, courier, failure]).await.map(drop)
    }

    async fn delete_message(&mut self, id: &str) -> Result<bool, Fault> {
        Ok(self.view.execute(DELETE, values![id]).await? == 1)
    }

    async fn waiting_messages(&mut self, route: Route) -> Result<Waiting, Fault> {
        let given_up = self.count(COUNT_GIVEN_UP, values![route.as_str()]).await?;
        let Some(mut row) = self.view.fetch_optional(WAITING, values![route.as_str()]).await?
        else {
            return Ok(Waiting { given_up, ..Waiting::default() });
        };
        Ok(Waiting { waiting: row.int()?, oldest: row.maybe_time()?, given_up })
    }

    async fn list_given_up_messages(
        &mut self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<GivenUp>, Fault> {
        let rows = self.view.fetch_all(GIVEN_UP, values![after, limit]).await?;
        let read = |mut row: Row| {
            Ok(GivenUp {
                id: row.text()?,
                user_pool_id: row.text()?,
                medium: row.text()?,
                created_at: row.time()?,
                attempts: row.small()?,
                failure: row.text()?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    async fn retry_message(&mut self, id: &str, now: Timestamp) -> Result<bool, Fault> {
        Ok(self.view.execute(RETRY, values![id, now]).await? == 1)
    }
}
