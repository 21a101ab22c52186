//! Storage of issued codes.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    codes::{CodePurpose, Codes, IssuedCode},
};

use crate::{
    engine::{Row, values},
    store::SqlTransaction,
};

const PUT: &str = "INSERT INTO codes
    (pool_id, sub, purpose, hash, attribute, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (pool_id, sub, purpose) DO UPDATE SET hash = excluded.hash,
        attribute = excluded.attribute, created_at = excluded.created_at,
        expires_at = excluded.expires_at";
const GET: &str = "SELECT hash, attribute, created_at, expires_at FROM codes
    WHERE pool_id = $1 AND sub = $2 AND purpose = $3";
const DELETE: &str = "DELETE FROM codes WHERE pool_id = $1 AND sub = $2 AND purpose = $3";

fn read(
    mut row: Row,
    user_pool_id: &str,
    sub: &str,
    purpose: CodePurpose,
) -> Result<IssuedCode, Fault> {
    let hash = row.blob()?;
    Ok(IssuedCode {
        user_pool_id: user_pool_id.to_owned(),
        sub: sub.to_owned(),
        purpose,
        hash: hash
            .try_into()
            .map_err(|_| Fault::broken("a stored code hash has a wrong length"))?,
        attribute: row.text()?,
        created_at: row.time()?,
        expires_at: row.time()?,
    })
}

#[async_trait]
impl Codes for SqlTransaction {
    async fn put_code(&mut self, code: &IssuedCode) -> Result<(), Fault> {
        let values = values![
            &code.user_pool_id,
            &code.sub,
            code.purpose.as_str(),
            code.hash.as_slice(),
            &code.attribute,
            code.created_at,
            code.expires_at,
        ];
        self.view.execute(PUT, values).await.map(drop)
    }

    async fn code(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        purpose: CodePurpose,
    ) -> Result<Option<IssuedCode>, Fault> {
        let values = values![user_pool_id, sub, purpose.as_str()];
        let row = self.view.fetch_optional(GET, values).await?;
        row.map(|row| read(row, user_pool_id, sub, purpose)).transpose()
    }

    async fn delete_code(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        purpose: CodePurpose,
    ) -> Result<(), Fault> {
        let values = values![user_pool_id, sub, purpose.as_str()];
        self.view.execute(DELETE, values).await.map(drop)
    }
}
