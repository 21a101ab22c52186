//! Storage of authorization codes.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    oauth::grant::{AuthorizationCodes, StoredCode},
};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, inserted},
};

/// The same code again is this statement again, whose answer was lost with the connection.
const INSERT: &str = "INSERT INTO authorization_codes
    (hash, pool_id, sub, grant_content, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at";
const GET: &str = "SELECT hash, pool_id, sub, grant_content, expires_at
    FROM authorization_codes WHERE hash = $1";
const TAKE: &str = "DELETE FROM authorization_codes WHERE hash = $1";

fn read(mut row: Row) -> Result<StoredCode, Fault> {
    Ok(StoredCode {
        hash: row.text()?,
        user_pool_id: row.text()?,
        sub: row.text()?,
        grant: serde_json::from_str(&row.text()?)
            .map_err(|error| Fault::because("a stored grant can't be read", error))?,
        expires_at: row.time()?,
    })
}

#[async_trait]
impl AuthorizationCodes for SqlTransaction {
    async fn insert_authorization_code(&mut self, code: &StoredCode) -> Result<(), Fault> {
        let grant = serde_json::to_string(&code.grant)
            .map_err(|error| Fault::because("a grant can't be written", error))?;
        let values = values![&code.hash, &code.user_pool_id, &code.sub, &grant, code.expires_at];
        inserted(self.view.execute(INSERT, values).await?, "an authorization code")
    }

    async fn authorization_code(&mut self, hash: &str) -> Result<Option<StoredCode>, Fault> {
        self.view.fetch_optional(GET, values![hash]).await?.map(read).transpose()
    }

    async fn take_authorization_code(&mut self, hash: &str) -> Result<bool, Fault> {
        Ok(self.view.execute(TAKE, values![hash]).await? == 1)
    }
}
