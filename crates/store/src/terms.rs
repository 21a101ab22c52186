//! Storage of terms documents.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    terms::{TermsDocument, TermsDocuments},
};
use poolhouse_wire::{from_stored, to_json};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, swapped},
};

const INSERT: &str = "INSERT INTO terms (pool_id, id, client_id, name, details, version)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT details, version FROM terms WHERE pool_id = $1 AND id = $2";
const OF_CLIENT: &str = "SELECT details, version FROM terms WHERE client_id = $1 AND name = $2";
const UPDATE: &str = "UPDATE terms SET name = $3, details = $4, version = version + 1
    WHERE pool_id = $1 AND id = $2 AND version = $5";
const DELETE: &str = "DELETE FROM terms WHERE pool_id = $1 AND id = $2";
const LIST: &str = "SELECT details, version FROM terms
    WHERE pool_id = $1 AND id > $2 ORDER BY id LIMIT $3";
const COUNT: &str = "SELECT COUNT(*) FROM terms WHERE pool_id = $1";

fn read(mut row: Row) -> Result<TermsDocument, Fault> {
    let details = from_stored(&row.text()?)
        .map_err(|error| Fault::because("a stored terms document can't be read", error))?;
    Ok(TermsDocument { details, version: row.int()? })
}

#[async_trait]
impl TermsDocuments for SqlTransaction {
    async fn insert_terms(&mut self, terms: &TermsDocument) -> Result<bool, Fault> {
        let details = &terms.details;
        self.hold_app_client(&details.client_id).await?;
        let json = to_json(details);
        let values = values![
            &details.user_pool_id,
            &details.terms_id,
            details.client_id.as_str(),
            &details.terms_name,
            &json,
            terms.version
        ];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn terms(
        &mut self,
        user_pool_id: &str,
        terms_id: &str,
    ) -> Result<Option<TermsDocument>, Fault> {
        self.view.fetch_optional(GET, values![user_pool_id, terms_id]).await?.map(read).transpose()
    }

    async fn terms_of_client(
        &mut self,
        client_id: &str,
        name: &str,
    ) -> Result<Option<TermsDocument>, Fault> {
        self.view.fetch_optional(OF_CLIENT, values![client_id, name]).await?.map(read).transpose()
    }

    async fn update_terms(&mut self, terms: &mut TermsDocument) -> Result<(), Fault> {
        let details = &terms.details;
        // Two documents of a client can't get the same name at the same time.
        self.hold_app_client(&details.client_id).await?;
        let json = to_json(details);
        let values = values![
            &details.user_pool_id,
            &details.terms_id,
            &details.terms_name,
            &json,
            terms.version
        ];
        swapped(self.view.execute(UPDATE, values).await?, "the terms document")?;
        terms.version += 1;
        Ok(())
    }

    async fn delete_terms(&mut self, user_pool_id: &str, terms_id: &str) -> Result<bool, Fault> {
        Ok(self.view.execute(DELETE, values![user_pool_id, terms_id]).await? == 1)
    }

    async fn list_terms(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TermsDocument>, Fault> {
        let values = values![user_pool_id, after.unwrap_or_default(), limit];
        self.view.fetch_all(LIST, values).await?.into_iter().map(read).collect()
    }

    async fn count_terms(&mut self, user_pool_id: &str) -> Result<i64, Fault> {
        self.count(COUNT, values![user_pool_id]).await
    }
}
