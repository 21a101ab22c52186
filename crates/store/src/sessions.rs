//! Storage of used-up ids and revoked sign-ins.

use async_trait::async_trait;
use poolhouse_domain::{Fault, sessions::Sessions, time::Timestamp};

use crate::{engine::values, store::SqlTransaction};

const SPEND: &str = "INSERT INTO spent (id, spent_at, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";
const SPENT: &str = "SELECT spent_at FROM spent WHERE id = $1";
const REVOKE: &str = "INSERT INTO revoked_origins (pool_id, origin_jti, expires_at)
    VALUES ($1, $2, $3)
    ON CONFLICT (pool_id, origin_jti) DO UPDATE SET expires_at = excluded.expires_at
    WHERE revoked_origins.expires_at < excluded.expires_at";

#[async_trait]
impl Sessions for SqlTransaction {
    async fn spend(
        &mut self,
        id: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<Timestamp>, Fault> {
        if self.view.execute(SPEND, values![id, now, expires_at]).await? == 1 {
            return Ok(None);
        }
        match self.spent_at(id).await? {
            Some(at) => Ok(Some(at)),
            // Its row was there a moment ago: the sweep is at work.
            None => Err(Fault::Conflict("a one-time id is being forgotten".to_owned())),
        }
    }

    async fn spent_at(&mut self, id: &str) -> Result<Option<Timestamp>, Fault> {
        match self.view.fetch_optional(SPENT, values![id]).await? {
            Some(mut row) => row.time().map(Some),
            None => Ok(None),
        }
    }

    async fn revoke_origin(
        &mut self,
        user_pool_id: &str,
        origin_jti: &str,
        expires_at: Timestamp,
    ) -> Result<(), Fault> {
        let values = values![user_pool_id, origin_jti, expires_at];
        self.view.execute(REVOKE, values).await.map(drop)
    }
}
