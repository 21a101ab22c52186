//! Storage of resource servers.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    resource_servers::{ResourceServer, ResourceServers},
};
use poolhouse_wire::{from_stored, to_json};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, swapped},
};

const INSERT: &str = "INSERT INTO resource_servers (pool_id, identifier, settings, version)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT settings, version FROM resource_servers
    WHERE pool_id = $1 AND identifier = $2";
const UPDATE: &str = "UPDATE resource_servers SET settings = $3, version = version + 1
    WHERE pool_id = $1 AND identifier = $2 AND version = $4";
const DELETE: &str = "DELETE FROM resource_servers WHERE pool_id = $1 AND identifier = $2";
const LIST: &str = "SELECT settings, version FROM resource_servers
    WHERE pool_id = $1 AND identifier > $2 ORDER BY identifier LIMIT $3";
const COUNT: &str = "SELECT COUNT(*) FROM resource_servers WHERE pool_id = $1";

fn read(mut row: Row) -> Result<ResourceServer, Fault> {
    let settings = from_stored(&row.text()?)
        .map_err(|error| Fault::because("a stored resource server can't be read", error))?;
    Ok(ResourceServer { settings, version: row.int()? })
}

#[async_trait]
impl ResourceServers for SqlTransaction {
    async fn insert_resource_server(&mut self, server: &ResourceServer) -> Result<bool, Fault> {
        let settings = to_json(&server.settings);
        let values = values![server.user_pool_id(), server.identifier(), &settings, server.version];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn resource_server(
        &mut self,
        user_pool_id: &str,
        identifier: &str,
    ) -> Result<Option<ResourceServer>, Fault> {
        let values = values![user_pool_id, identifier];
        self.view.fetch_optional(GET, values).await?.map(read).transpose()
    }

    async fn update_resource_server(&mut self, server: &mut ResourceServer) -> Result<(), Fault> {
        let settings = to_json(&server.settings);
        let values = values![server.user_pool_id(), server.identifier(), &settings, server.version];
        swapped(self.view.execute(UPDATE, values).await?, "the resource server")?;
        server.version += 1;
        Ok(())
    }

    async fn delete_resource_server(
        &mut self,
        user_pool_id: &str,
        identifier: &str,
    ) -> Result<bool, Fault> {
        Ok(self.view.execute(DELETE, values![user_pool_id, identifier]).await? == 1)
    }

    async fn list_resource_servers(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ResourceServer>, Fault> {
        let values = values![user_pool_id, after.unwrap_or_default(), limit];
        self.view.fetch_all(LIST, values).await?.into_iter().map(read).collect()
    }

    async fn count_resource_servers(&mut self, user_pool_id: &str) -> Result<i64, Fault> {
        match self.view.fetch_optional(COUNT, values![user_pool_id]).await? {
            Some(mut row) => row.int(),
            None => Ok(0),
        }
    }
}
