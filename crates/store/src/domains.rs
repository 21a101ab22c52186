//! Storage of domains.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    domains::{Domains, UserPoolDomain},
};
use poolhouse_wire::{from_stored, to_json};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, inserted, swapped},
};

const INSERT: &str = "INSERT INTO domains (name, pool_id, settings, place, version)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT settings, place, version FROM domains WHERE name = $1";
const UPDATE: &str = "UPDATE domains SET settings = $2, version = version + 1
    WHERE name = $1 AND version = $3";
const DELETE: &str = "DELETE FROM domains WHERE name = $1";
const PLACES: &str = "SELECT place FROM domains WHERE place IS NOT NULL ORDER BY place";

fn read(mut row: Row) -> Result<UserPoolDomain, Fault> {
    let settings = from_stored(&row.text()?)
        .map_err(|error| Fault::because("a stored domain can't be read", error))?;
    Ok(UserPoolDomain { settings, place: row.maybe_int()?, version: row.int()? })
}

#[async_trait]
impl Domains for SqlTransaction {
    async fn insert_domain(&mut self, domain: &UserPoolDomain) -> Result<(), Fault> {
        let settings = to_json(&domain.settings);
        let values =
            values![domain.name(), domain.user_pool_id(), &settings, domain.place, domain.version];
        inserted(self.view.execute(INSERT, values).await?, "a domain")
    }

    async fn domain(&mut self, name: &str) -> Result<Option<UserPoolDomain>, Fault> {
        self.view.fetch_optional(GET, values![name]).await?.map(read).transpose()
    }

    async fn update_domain(&mut self, domain: &mut UserPoolDomain) -> Result<(), Fault> {
        let settings = to_json(&domain.settings);
        let values = values![domain.name(), &settings, domain.version];
        swapped(self.view.execute(UPDATE, values).await?, "the domain")?;
        domain.version += 1;
        Ok(())
    }

    async fn delete_domain(&mut self, name: &str) -> Result<(), Fault> {
        self.view.execute(DELETE, values![name]).await.map(drop)
    }

    async fn taken_domain_places(&mut self) -> Result<Vec<i64>, Fault> {
        self.view.fetch_all(PLACES, &[]).await?.iter_mut().map(Row::int).collect()
    }
}
