//! Storage of access keys.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    access_keys::{AccessKey, AccessKeys},
};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, inserted},
};

const INSERT: &str = "INSERT INTO access_keys (id, sealed_secret, name, created_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT id, sealed_secret, name, created_at FROM access_keys WHERE id = $1";
const LIST: &str = "SELECT id, sealed_secret, name, created_at FROM access_keys ORDER BY id";
const DELETE: &str = "DELETE FROM access_keys WHERE id = $1";

const SECRET: &str = "access_keys.sealed_secret";

impl SqlTransaction {
    async fn read_access_key(&self, mut row: Row) -> Result<AccessKey, Fault> {
        let (id, sealed) = (row.text()?, row.blob()?);
        let secret = self.open(SECRET, &[&id], &sealed).await?;
        let secret = String::from_utf8(secret.to_vec())
            .map_err(|_| Fault::broken("a stored access key is not text"))?;
        Ok(AccessKey { id, secret, name: row.text()?, created_at: row.time()? })
    }
}

#[async_trait]
impl AccessKeys for SqlTransaction {
    async fn insert_access_key(&mut self, key: &AccessKey) -> Result<(), Fault> {
        let sealed = self.seal(SECRET, &[&key.id], key.secret.as_bytes());
        let values = values![&key.id, &sealed, &key.name, key.created_at];
        inserted(self.view.execute(INSERT, values).await?, "an access key")
    }

    async fn access_key(&mut self, id: &str) -> Result<Option<AccessKey>, Fault> {
        match self.view.fetch_optional(GET, values![id]).await? {
            Some(row) => self.read_access_key(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn list_access_keys(&mut self) -> Result<Vec<AccessKey>, Fault> {
        let mut keys = Vec::new();
        for row in self.view.fetch_all(LIST, &[]).await? {
            keys.push(self.read_access_key(row).await?);
        }
        Ok(keys)
    }

    async fn delete_access_key(&mut self, id: &str) -> Result<bool, Fault> {
        Ok(self.view.execute(DELETE, values![id]).await? == 1)
    }
}
