//! Storage of signing keys.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    tokens::keys::{KeyUse, SigningKeys, StoredSigningKey},
};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, inserted},
};

const INSERT: &str = "INSERT INTO signing_keys (pool_id, kid, key_use, sealed_pkcs8, created_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const LIST: &str = "SELECT pool_id, kid, key_use, sealed_pkcs8, created_at FROM signing_keys
    WHERE pool_id = $1 ORDER BY created_at, kid";

const PKCS8: &str = "signing_keys.sealed_pkcs8";

impl SqlTransaction {
    async fn read_signing_key(&self, mut row: Row) -> Result<StoredSigningKey, Fault> {
        let (user_pool_id, kid) = (row.text()?, row.text()?);
        let key_use = row.text()?;
        let key_use = [KeyUse::Id, KeyUse::Access].into_iter().find(|u| u.as_str() == key_use);
        let sealed = row.blob()?;
        let pkcs8 = self.open(PKCS8, &[&user_pool_id, &kid], &sealed).await?.to_vec();
        Ok(StoredSigningKey {
            user_pool_id,
            kid,
            key_use: key_use.ok_or(Fault::broken("a stored signing key has an unknown use"))?,
            pkcs8,
            created_at: row.time()?,
        })
    }
}

#[async_trait]
impl SigningKeys for SqlTransaction {
    async fn insert_signing_key(&mut self, key: &StoredSigningKey) -> Result<(), Fault> {
        let sealed = self.seal(PKCS8, &[&key.user_pool_id, &key.kid], &key.pkcs8);
        let key_use = key.key_use.as_str();
        let values = values![&key.user_pool_id, &key.kid, key_use, &sealed, key.created_at];
        inserted(self.view.execute(INSERT, values).await?, "a signing key")
    }

    async fn signing_keys(&mut self, user_pool_id: &str) -> Result<Vec<StoredSigningKey>, Fault> {
        let mut keys = Vec::new();
        for row in self.view.fetch_all(LIST, values![user_pool_id]).await? {
            keys.push(self.read_signing_key(row).await?);
        }
        Ok(keys)
    }
}
