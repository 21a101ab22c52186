//! Storage of the keys with which pools sign SAML requests.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    identity_providers::certificate::{SamlKey, SamlKeys},
    time::Timestamp,
};

use crate::{
    engine::values,
    store::{SqlTransaction, inserted, swapped},
};

const INSERT: &str = "INSERT INTO saml_keys (pool_id, sealed_pkcs8, certificate, issued_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT sealed_pkcs8, certificate, issued_at FROM saml_keys WHERE pool_id = $1";
const RENEW: &str = "UPDATE saml_keys SET certificate = $2, issued_at = $3
    WHERE pool_id = $1 AND issued_at = $4";

const PKCS8: &str = "saml_keys.sealed_pkcs8";

#[async_trait]
impl SamlKeys for SqlTransaction {
    async fn insert_saml_key(&mut self, key: &SamlKey) -> Result<(), Fault> {
        let sealed = self.seal(PKCS8, &[&key.user_pool_id], &key.pkcs8);
        let values = values![&key.user_pool_id, &sealed, &key.certificate, key.issued_at];
        inserted(self.view.execute(INSERT, values).await?, "a SAML key")
    }

    async fn saml_key(&mut self, user_pool_id: &str) -> Result<Option<SamlKey>, Fault> {
        let Some(mut row) = self.view.fetch_optional(GET, values![user_pool_id]).await? else {
            return Ok(None);
        };
        let sealed = row.blob()?;
        Ok(Some(SamlKey {
            user_pool_id: user_pool_id.to_owned(),
            pkcs8: self.open(PKCS8, &[user_pool_id], &sealed).await?.to_vec(),
            certificate: row.blob()?,
            issued_at: row.time()?,
        }))
    }

    async fn renew_saml_certificate(
        &mut self,
        key: &SamlKey,
        replaced: Timestamp,
    ) -> Result<(), Fault> {
        let values = values![&key.user_pool_id, &key.certificate, key.issued_at, replaced];
        swapped(self.view.execute(RENEW, values).await?, "the SAML certificate")
    }
}
