//! Storage of app clients.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    app_clients::{AppClient, AppClients},
};
use poolhouse_wire::{from_stored, to_json};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, inserted, swapped},
};

const INSERT: &str = "INSERT INTO app_clients
    (client_id, pool_id, settings, sealed_secrets, version, sso_minutes)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING";
const GET: &str =
    "SELECT client_id, settings, sealed_secrets, version, sso_minutes FROM app_clients
    WHERE client_id = $1";
const UPDATE: &str = "UPDATE app_clients
    SET settings = $2, sealed_secrets = $3, sso_minutes = $5, version = version + 1
    WHERE client_id = $1 AND version = $4";
/// Removes a client with what belongs to it alone; the client comes last, because its row tells the
/// pool.
const DELETE: &[&str] = &[
    "DELETE FROM style_assets WHERE style_id IN (SELECT id FROM styles WHERE client_id = $1)",
    "DELETE FROM styles WHERE client_id = $1",
    "DELETE FROM ui_customizations WHERE client_id = $1
        AND pool_id = (SELECT pool_id FROM app_clients WHERE client_id = $1)",
    "DELETE FROM terms WHERE client_id = $1",
    "DELETE FROM app_clients WHERE client_id = $1",
];
/// A write that changes nothing: whoever deletes the client at the same time conflicts with it.
const HOLD: &str = "UPDATE app_clients SET version = version WHERE client_id = $1";
const NTH: &str = "SELECT client_id FROM app_clients WHERE pool_id = $1 ORDER BY client_id
    LIMIT 1 OFFSET $2";
const LIST: &str =
    "SELECT client_id, settings, sealed_secrets, version, sso_minutes FROM app_clients
    WHERE pool_id = $1 AND client_id > $2 ORDER BY client_id LIMIT $3";

const SECRETS: &str = "app_clients.sealed_secrets";

impl SqlTransaction {
    /// Makes sure that a client is there and stays until the transaction ends, so that nothing can
    /// be stored for a client that is gone.
    pub(crate) async fn hold_app_client(&mut self, client_id: &str) -> Result<(), Fault> {
        swapped(self.view.execute(HOLD, values![client_id]).await?, "the app client")
    }

    fn seal_client_secrets(&self, client: &AppClient) -> Result<Option<Vec<u8>>, Fault> {
        if client.secrets.is_empty() {
            return Ok(None);
        }
        let secrets = serde_json::to_vec(&client.secrets)
            .map_err(|error| Fault::because("client secrets can't be written", error))?;
        Ok(Some(self.seal(SECRETS, &[client.id()], &secrets)))
    }

    async fn read_app_client(&self, mut row: Row) -> Result<AppClient, Fault> {
        let (id, settings) = (row.text()?, row.text()?);
        let settings = from_stored(&settings)
            .map_err(|error| Fault::because("a stored app client can't be read", error))?;
        let secrets = match row.maybe_blob()? {
            Some(sealed) => serde_json::from_slice(&self.open(SECRETS, &[&id], &sealed).await?)
                .map_err(|error| Fault::because("stored client secrets can't be read", error))?,
            None => Vec::new(),
        };
        let version = row.int()?;
        let sso_minutes =
            row.maybe_int()?.map(i32::try_from).transpose().map_err(|error| {
                Fault::because("a stored number of minutes is out of range", error)
            })?;
        Ok(AppClient { settings, secrets, sso_minutes, version })
    }
}

#[async_trait]
impl AppClients for SqlTransaction {
    async fn insert_app_client(&mut self, client: &AppClient) -> Result<(), Fault> {
        let secrets = self.seal_client_secrets(client)?;
        let settings = to_json(&client.settings);
        let values = values![
            client.id(),
            client.user_pool_id(),
            &settings,
            &secrets,
            client.version,
            client.sso_minutes.map(i64::from)
        ];
        inserted(self.view.execute(INSERT, values).await?, "an app client")
    }

    async fn app_client(&mut self, client_id: &str) -> Result<Option<AppClient>, Fault> {
        match self.view.fetch_optional(GET, values![client_id]).await? {
            Some(row) => self.read_app_client(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn update_app_client(&mut self, client: &mut AppClient) -> Result<(), Fault> {
        let secrets = self.seal_client_secrets(client)?;
        let settings = to_json(&client.settings);
        let minutes = client.sso_minutes.map(i64::from);
        let values = values![client.id(), &settings, &secrets, client.version, minutes];
        swapped(self.view.execute(UPDATE, values).await?, "the app client")?;
        client.version += 1;
        Ok(())
    }

    async fn delete_app_client(&mut self, client_id: &str) -> Result<(), Fault> {
        for sql in DELETE {
            self.view.execute(sql, values![client_id]).await?;
        }
        Ok(())
    }

    async fn has_app_clients(&mut self, user_pool_id: &str, number: u32) -> Result<bool, Fault> {
        let Some(before) = number.checked_sub(1) else { return Ok(true) };
        Ok(self.view.fetch_optional(NTH, values![user_pool_id, before]).await?.is_some())
    }

    async fn list_app_clients(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AppClient>, Fault> {
        let values = values![user_pool_id, after.unwrap_or_default(), limit];
        let mut clients = Vec::new();
        for row in self.view.fetch_all(LIST, values).await? {
            clients.push(self.read_app_client(row).await?);
        }
        Ok(clients)
    }
}
