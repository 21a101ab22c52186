//! Storage of attempt counters.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    attempts::{AttemptCounters, Attempted, Attempts},
    time::Timestamp,
};

use crate::{engine::values, store::SqlTransaction};

const GET: &str = "SELECT tries, since, last_at FROM attempts
    WHERE pool_id = $1 AND subject = $2 AND attempted = $3";
const PUT: &str = "INSERT INTO attempts
    (pool_id, subject, attempted, tries, since, last_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (pool_id, subject, attempted) DO UPDATE SET tries = excluded.tries,
        since = excluded.since, last_at = excluded.last_at, expires_at = excluded.expires_at";
const DELETE: &str = "DELETE FROM attempts WHERE pool_id = $1 AND subject = $2 AND attempted = $3";

#[async_trait]
impl AttemptCounters for SqlTransaction {
    async fn attempts(
        &mut self,
        user_pool_id: &str,
        subject: &str,
        what: Attempted,
    ) -> Result<Option<Attempts>, Fault> {
        let values = values![user_pool_id, subject, what.as_str()];
        let Some(mut row) = self.view.fetch_optional(GET, values).await? else {
            return Ok(None);
        };
        Ok(Some(Attempts { count: row.small()?, since: row.time()?, last_at: row.time()? }))
    }

    async fn put_attempts(
        &mut self,
        user_pool_id: &str,
        subject: &str,
        what: Attempted,
        attempts: Attempts,
        expires_at: Timestamp,
    ) -> Result<(), Fault> {
        let values = values![
            user_pool_id,
            subject,
            what.as_str(),
            attempts.count,
            attempts.since,
            attempts.last_at,
            expires_at,
        ];
        self.view.execute(PUT, values).await.map(drop)
    }

    async fn clear_attempts(
        &mut self,
        user_pool_id: &str,
        subject: &str,
        what: Attempted,
    ) -> Result<(), Fault> {
        let values = values![user_pool_id, subject, what.as_str()];
        self.view.execute(DELETE, values).await.map(drop)
    }
}
