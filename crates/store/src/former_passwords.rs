//! Storage of the passwords that users replaced.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    passwords::{history::FormerPasswords, verifier::PasswordVerifier},
};

use crate::{engine::values, store::SqlTransaction};

const COLUMN: &str = "former_passwords.sealed_password";

const LATEST: &str = "SELECT position, sealed_password FROM former_passwords
    WHERE pool_id = $1 AND sub = $2 ORDER BY position DESC LIMIT $3";
const KEEP: &str = "INSERT INTO former_passwords (pool_id, sub, position, sealed_password)
    VALUES ($1, $2, $3, $4)";
const FORGET_OLDER: &str = "DELETE FROM former_passwords WHERE pool_id = $1 AND sub = $2
    AND position NOT IN (SELECT position FROM former_passwords WHERE pool_id = $1 AND sub = $2
                         ORDER BY position DESC LIMIT $3)";

#[async_trait]
impl FormerPasswords for SqlTransaction {
    async fn former_passwords(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        limit: u32,
    ) -> Result<Vec<PasswordVerifier>, Fault> {
        let rows = self.view.fetch_all(LATEST, values![user_pool_id, sub, limit]).await?;
        let mut verifiers = Vec::with_capacity(rows.len());
        for mut row in rows {
            let (position, sealed) = (row.int()?.to_string(), row.blob()?);
            let plain = self.open(COLUMN, &[user_pool_id, sub, &position], &sealed).await?;
            let verifier = PasswordVerifier::from_bytes(&plain);
            verifiers.push(verifier.ok_or(Fault::broken("a former password is damaged"))?);
        }
        Ok(verifiers)
    }

    async fn keep_former_password(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        position: i64,
        password: &PasswordVerifier,
        keep: u32,
    ) -> Result<(), Fault> {
        let key = [user_pool_id, sub, &position.to_string()];
        let sealed = self.seal(COLUMN, &key, &password.to_bytes());
        self.view.execute(KEEP, values![user_pool_id, sub, position, &sealed]).await?;
        self.view.execute(FORGET_OLDER, values![user_pool_id, sub, keep]).await.map(drop)
    }
}
