//! Aliases: values besides the username by which a user is found.

use poolhouse_domain::{Fault, users::Alias};

use crate::{engine::values, store::SqlTransaction};

const INSERT: &str = "INSERT INTO aliases (pool_id, alias_key, attribute, sub)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const HOLDER: &str = "SELECT sub FROM aliases
    WHERE pool_id = $1 AND alias_key = $2 AND attribute = $3";
const DELETE: &str = "DELETE FROM aliases WHERE pool_id = $1 AND attribute = $2 AND sub = $3";

impl SqlTransaction {
    /// Stores an alias; `false` if somebody holds it.
    pub(super) async fn insert_alias(
        &mut self,
        pool_id: &str,
        alias: &Alias,
        sub: &str,
    ) -> Result<bool, Fault> {
        let values = values![pool_id, &alias.key, &alias.attribute, sub];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    /// Stores an alias in place of the user's earlier one; `false` if somebody else holds it.
    pub(super) async fn replace_alias(
        &mut self,
        pool_id: &str,
        alias: &Alias,
        sub: &str,
    ) -> Result<bool, Fault> {
        let held = values![pool_id, &alias.key, &alias.attribute];
        if let Some(mut row) = self.view.fetch_optional(HOLDER, held).await? {
            return Ok(row.text()? == sub);
        }
        self.delete_alias(pool_id, &alias.attribute, sub).await?;
        if self.insert_alias(pool_id, alias, sub).await? {
            return Ok(true);
        }
        // The earlier alias is gone by now, so this must not be committed.
        Err(Fault::Conflict("an alias was claimed by two users at once".to_owned()))
    }

    /// Removes the user's alias for an attribute, if there is one.
    pub(super) async fn delete_alias(
        &mut self,
        pool_id: &str,
        attribute: &str,
        sub: &str,
    ) -> Result<(), Fault> {
        self.view.execute(DELETE, values![pool_id, attribute, sub]).await.map(drop)
    }
}
