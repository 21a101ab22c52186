//! Storage of identity providers.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    identity_providers::{IdentityProvider, IdentityProviders, ProviderSecrets},
    shapes::{IdentityProviderTypeType, ProviderDescription},
    time::Timestamp,
};
use poolhouse_wire::{from_stored, to_json};
use zeroize::Zeroizing;

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, swapped},
};

/// The columns of a provider in the order in which [`SqlTransaction::read_provider`] reads them.
macro_rules! provider_columns {
    () => {
        "p.pool_id, p.name, p.settings, p.sealed_secrets, p.saml, p.version"
    };
}

const INSERT: &str = "INSERT INTO identity_providers
    (pool_id, name, settings, sealed_secrets, saml, version, provider_type, created_at, modified_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
const GET: &str = concat!(
    "SELECT ",
    provider_columns!(),
    " FROM identity_providers p WHERE p.pool_id = $1 AND p.name = $2"
);
const BY_IDENTIFIER: &str = concat!(
    "SELECT ",
    provider_columns!(),
    " FROM idp_identifiers i
    JOIN identity_providers p ON p.pool_id = i.pool_id AND p.name = i.provider_name
    WHERE i.pool_id = $1 AND i.identifier = $2"
);
const UPDATE: &str = "UPDATE identity_providers SET version = version + 1,
    settings = $3, sealed_secrets = $4, saml = $5, modified_at = $7
    WHERE pool_id = $1 AND name = $2 AND version = $6";
const DELETE: &str = "DELETE FROM identity_providers WHERE pool_id = $1 AND name = $2";
const LIST: &str = "SELECT name, provider_type, created_at, modified_at FROM identity_providers
    WHERE pool_id = $1 AND name > $2 ORDER BY name LIMIT $3";
const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM identity_providers WHERE pool_id = $1";
const INSERT_IDENTIFIER: &str = "INSERT INTO idp_identifiers (pool_id, identifier, provider_name)
    VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const DELETE_IDENTIFIERS: &str =
    "DELETE FROM idp_identifiers WHERE pool_id = $1 AND provider_name = $2";

const SECRETS: &str = "identity_providers.sealed_secrets";

fn unwritable(error: serde_json::Error) -> Fault {
    Fault::because("an identity provider can't be written", error)
}

fn unreadable(error: serde_json::Error) -> Fault {
    Fault::because("a stored identity provider can't be read", error)
}

/// What of a provider has to be built before it can be bound to a statement.
struct Written {
    settings: String,
    secrets: Vec<u8>,
    saml: Option<String>,
    modified_at: Timestamp,
}

/// A date in the settings as a point in time.
fn time(date: Option<poolhouse_wire::Timestamp>) -> Timestamp {
    let millis = date.map(poolhouse_wire::Timestamp::as_millis).unwrap_or_default();
    Timestamp::from_micros(millis.saturating_mul(1_000))
}

impl SqlTransaction {
    fn write_provider(&self, provider: &IdentityProvider) -> Result<Written, Fault> {
        let secrets = serde_json::to_vec(&provider.secrets).map_err(unwritable)?;
        let key = [provider.user_pool_id(), provider.name()];
        let saml = provider.saml.as_ref().map(serde_json::to_string).transpose();
        Ok(Written {
            settings: to_json(&provider.settings),
            secrets: self.seal(SECRETS, &key, &Zeroizing::new(secrets)),
            saml: saml.map_err(unwritable)?,
            modified_at: time(provider.settings.last_modified_date),
        })
    }

    /// Reads a row of `provider_columns!`.
    async fn read_provider(&self, mut row: Row) -> Result<IdentityProvider, Fault> {
        let key = [row.text()?, row.text()?];
        let settings = from_stored(&row.text()?)
            .map_err(|error| Fault::because("a stored identity provider can't be read", error))?;
        let sealed = row.blob()?;
        let secrets = self.open(SECRETS, &key.each_ref().map(String::as_str), &sealed).await?;
        let secrets: ProviderSecrets = serde_json::from_slice(&secrets).map_err(unreadable)?;
        let saml = row.maybe_text()?.map(|text| serde_json::from_str(&text)).transpose();
        let saml = saml.map_err(unreadable)?;
        Ok(IdentityProvider { settings, secrets, saml, version: row.int()? })
    }
}

fn read_description(mut row: Row) -> Result<ProviderDescription, Fault> {
    let (name, kind) = (row.text()?, row.text()?);
    let kind = IdentityProviderTypeType::from_wire(&kind)
        .ok_or(Fault::broken("a stored identity provider has an unknown type"))?;
    Ok(ProviderDescription {
        provider_name: Some(name),
        provider_type: Some(kind),
        creation_date: Some(row.time()?.to_wire()),
        last_modified_date: Some(row.time()?.to_wire()),
    })
}

#[async_trait]
impl IdentityProviders for SqlTransaction {
    async fn insert_identity_provider(
        &mut self,
        provider: &IdentityProvider,
    ) -> Result<bool, Fault> {
        let written = self.write_provider(provider)?;
        let values = values![
            provider.user_pool_id(),
            provider.name(),
            &written.settings,
            &written.secrets,
            &written.saml,
            provider.version,
            provider.kind().as_str(),
            time(provider.settings.creation_date),
            written.modified_at
        ];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn identity_provider(
        &mut self,
        user_pool_id: &str,
        name: &str,
    ) -> Result<Option<IdentityProvider>, Fault> {
        match self.view.fetch_optional(GET, values![user_pool_id, name]).await? {
            Some(row) => self.read_provider(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn identity_provider_by_identifier(
        &mut self,
        user_pool_id: &str,
        identifier: &str,
    ) -> Result<Option<IdentityProvider>, Fault> {
        match self.view.fetch_optional(BY_IDENTIFIER, values![user_pool_id, identifier]).await? {
            Some(row) => self.read_provider(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn update_identity_provider(
        &mut self,
        provider: &mut IdentityProvider,
    ) -> Result<(), Fault> {
        let written = self.write_provider(provider)?;
        let values = values![
            provider.user_pool_id(),
            provider.name(),
            &written.settings,
            &written.secrets,
            &written.saml,
            provider.version,
            written.modified_at
        ];
        swapped(self.view.execute(UPDATE, values).await?, "the identity provider")?;
        provider.version += 1;
        Ok(())
    }

    async fn claim_idp_identifiers(
        &mut self,
        provider: &IdentityProvider,
    ) -> Result<Option<String>, Fault> {
        let (pool_id, name) = (provider.user_pool_id(), provider.name());
        self.view.execute(DELETE_IDENTIFIERS, values![pool_id, name]).await?;
        for identifier in provider.identifiers() {
            let values = values![pool_id, identifier, name];
            if self.view.execute(INSERT_IDENTIFIER, values).await? == 0 {
                return Ok(Some(identifier.clone()));
            }
        }
        Ok(None)
    }

    async fn delete_identity_provider(
        &mut self,
        user_pool_id: &str,
        name: &str,
    ) -> Result<bool, Fault> {
        self.view.execute(DELETE_IDENTIFIERS, values![user_pool_id, name]).await?;
        Ok(self.view.execute(DELETE, values![user_pool_id, name]).await? == 1)
    }

    async fn list_identity_providers(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ProviderDescription>, Fault> {
        let values = values![user_pool_id, after.unwrap_or_default(), limit];
        self.view.fetch_all(LIST, values).await?.into_iter().map(read_description).collect()
    }

    async fn count_identity_providers(&mut self, user_pool_id: &str) -> Result<i64, Fault> {
        match self.view.fetch_optional(COUNT, values![user_pool_id]).await? {
            Some(mut row) => row.int(),
            None => Ok(0),
        }
    }
}
