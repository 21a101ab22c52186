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

const INSERT: &str = "INSERT INTO access_keys
    (id, sealed_secret, name, created_at, policies) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING";
const GET: &str = "SELECT id, sealed_secret, name, created_at, policies FROM access_keys
    WHERE id = $1";
const LIST: &str = "SELECT id, sealed_secret, name, created_at, policies FROM access_keys
    ORDER BY id";
const UPDATE: &str = "UPDATE access_keys SET policies = $2 WHERE id = $1";
const DELETE: &str = "DELETE FROM access_keys WHERE id = $1";

const SECRET: &str = "access_keys.sealed_secret";

fn policies(key: &AccessKey) -> Result<String, Fault> {
    serde_json::to_string(&key.policies)
        .map_err(|error| Fault::because("policies can't be written", error))
}

impl SqlTransaction {
    async fn read_access_key(&self, mut row: Row) -> Result<AccessKey, Fault> {
        let (id, sealed) = (row.text()?, row.blob()?);
        let secret = self.open(SECRET, &[&id], &sealed).await?;
        let secret = String::from_utf8(secret.to_vec())
            .map_err(|_| Fault::broken("a stored access key is not text"))?;
        let (name, created_at) = (row.text()?, row.time()?);
        let policies = serde_json::from_str(&row.text()?)
            .map_err(|error| Fault::because("stored policies can't be read", error))?;
        Ok(AccessKey { id, secret, name, created_at, policies })
    }
}

#[async_trait]
impl AccessKeys for SqlTransaction {
    async fn insert_access_key(&mut self, key: &AccessKey) -> Result<(), Fault> {
        let sealed = self.seal(SECRET, &[&key.id], key.secret.as_bytes());
        let policies = policies(key)?;
        let values = values![&key.id, &sealed, &key.name, key.created_at, &policies];
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

    async fn update_access_key_policies(&mut self, key: &AccessKey) -> Result<bool, Fault> {
        let policies = policies(key)?;
        Ok(self.view.execute(UPDATE, values![&key.id, &policies]).await? == 1)
    }

    async fn delete_access_key(&mut self, id: &str) -> Result<bool, Fault> {
        Ok(self.view.execute(DELETE, values![id]).await? == 1)
    }
}
