//! Storage of replicas of user pools.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    replicas::{Replica, Replicas},
};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, swapped},
};

const INSERT: &str = "INSERT INTO replicas (pool_id, region, is_active, tags, created_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT pool_id, region, is_active, tags, created_at FROM replicas
    WHERE pool_id = $1";
const BETWEEN: &str = "SELECT pool_id, region, is_active, tags, created_at FROM replicas
    WHERE pool_id >= $1 AND pool_id <= $2 ORDER BY pool_id";
const UPDATE: &str = "UPDATE replicas SET is_active = $2, tags = $3
    WHERE pool_id = $1 AND region = $4";
const DELETE: &str = "DELETE FROM replicas WHERE pool_id = $1";
const IN_REGION: &str = "SELECT pool_id FROM replicas WHERE region = $1 LIMIT 1";

fn read(mut row: Row) -> Result<Replica, Fault> {
    Ok(Replica {
        user_pool_id: row.text()?,
        region: row.text()?,
        is_active: row.flag()?,
        tags: serde_json::from_str(&row.text()?)
            .map_err(|error| Fault::because("stored tags of a replica can't be read", error))?,
        created_at: row.time()?,
    })
}

fn tags(replica: &Replica) -> Result<String, Fault> {
    serde_json::to_string(&replica.tags)
        .map_err(|error| Fault::because("tags of a replica can't be written", error))
}

#[async_trait]
impl Replicas for SqlTransaction {
    async fn insert_replica(&mut self, replica: &Replica) -> Result<bool, Fault> {
        let tags = tags(replica)?;
        let (pool_id, region) = (&replica.user_pool_id, &replica.region);
        let values = values![pool_id, region, replica.is_active, &tags, replica.created_at];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn replica(&mut self, user_pool_id: &str) -> Result<Option<Replica>, Fault> {
        self.view.fetch_optional(GET, values![user_pool_id]).await?.map(read).transpose()
    }

    async fn replicas_between(&mut self, first: &str, last: &str) -> Result<Vec<Replica>, Fault> {
        self.view.fetch_all(BETWEEN, values![first, last]).await?.into_iter().map(read).collect()
    }

    async fn update_replica(&mut self, replica: &Replica) -> Result<(), Fault> {
        let tags = tags(replica)?;
        let values = values![&replica.user_pool_id, replica.is_active, &tags, &replica.region];
        swapped(self.view.execute(UPDATE, values).await?, "the replica")
    }

    async fn delete_replica(&mut self, user_pool_id: &str) -> Result<(), Fault> {
        self.view.execute(DELETE, values![user_pool_id]).await?;
        Ok(())
    }

    async fn is_replica_region(&mut self, region: &str) -> Result<bool, Fault> {
        Ok(self.view.fetch_optional(IN_REGION, values![region]).await?.is_some())
    }
}
