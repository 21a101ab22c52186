//! Storage of which identity of which provider belongs to whom.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    identity_providers::links::{LinkedIdentities, LinkedIdentity},
};

use crate::{engine::values, store::SqlTransaction};

const INSERT: &str = "INSERT INTO linked_identities
    (pool_id, provider_name, attribute_name, attribute_value, sub, is_primary)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT sub, is_primary FROM linked_identities WHERE pool_id = $1
    AND provider_name = $2 AND attribute_name = $3 AND attribute_value = $4";
const DELETE: &str = "DELETE FROM linked_identities WHERE pool_id = $1
    AND provider_name = $2 AND attribute_name = $3 AND attribute_value = $4";
/// One step into the index, whatever the number of identities with the attributes before it.
const NEXT_ATTRIBUTE: &str = "SELECT attribute_name FROM linked_identities WHERE pool_id = $1
    AND provider_name = $2 AND attribute_name > $3 ORDER BY attribute_name LIMIT 1";

#[async_trait]
impl LinkedIdentities for SqlTransaction {
    async fn insert_linked_identity(&mut self, identity: &LinkedIdentity) -> Result<bool, Fault> {
        let values = values![
            &identity.user_pool_id,
            &identity.provider_name,
            &identity.attribute_name,
            &identity.attribute_value,
            &identity.sub,
            identity.is_primary
        ];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn linked_identity(
        &mut self,
        user_pool_id: &str,
        provider_name: &str,
        attribute_name: &str,
        attribute_value: &str,
    ) -> Result<Option<LinkedIdentity>, Fault> {
        let values = values![user_pool_id, provider_name, attribute_name, attribute_value];
        let Some(mut row) = self.view.fetch_optional(GET, values).await? else { return Ok(None) };
        Ok(Some(LinkedIdentity {
            user_pool_id: user_pool_id.to_owned(),
            provider_name: provider_name.to_owned(),
            attribute_name: attribute_name.to_owned(),
            attribute_value: attribute_value.to_owned(),
            sub: row.text()?,
            is_primary: row.flag()?,
        }))
    }

    async fn delete_linked_identity(&mut self, identity: &LinkedIdentity) -> Result<(), Fault> {
        let values = values![
            &identity.user_pool_id,
            &identity.provider_name,
            &identity.attribute_name,
            &identity.attribute_value
        ];
        self.view.execute(DELETE, values).await.map(drop)
    }

    async fn linked_attributes(
        &mut self,
        user_pool_id: &str,
        provider_name: &str,
        limit: usize,
    ) -> Result<Vec<String>, Fault> {
        let mut attributes: Vec<String> = Vec::new();
        while attributes.len() < limit {
            let last = attributes.last().map(String::as_str).unwrap_or_default();
            let values = values![user_pool_id, provider_name, last];
            match self.view.fetch_optional(NEXT_ATTRIBUTE, values).await? {
                Some(mut row) => attributes.push(row.text()?),
                None => break,
            }
        }
        Ok(attributes)
    }
}
