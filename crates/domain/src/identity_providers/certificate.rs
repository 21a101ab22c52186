//! Certificates of our own (X.509, RFC 5280): self-signed, for ten years.
//!
//! Each pool has a key with which it signs the SAML requests it sends, made when its certificate is
//! first asked for. After a year the certificate is renewed over the same key, so that providers
//! which trust the key or an older certificate go on working.

use async_trait::async_trait;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, SerialNumber};

use crate::{
    fault::Fault,
    ports::{Ports, compute},
    time::Timestamp,
};

/// Seconds in a day.
const DAY: i64 = 86_400;
/// How long a certificate is valid: ten years, two leap days among them.
const VALIDITY: i64 = 3_652 * DAY;
/// The age at which another one is issued.
const RENEWAL: i64 = 365 * DAY;

/// The key with which a pool signs SAML requests, and its newest certificate.
#[derive(Clone)]
pub struct SamlKey {
    /// The pool.
    pub user_pool_id: String,
    /// The private key in PKCS#8 DER. Sealed at rest.
    pub pkcs8: Vec<u8>,
    /// The certificate in DER.
    pub certificate: Vec<u8>,
    /// When the certificate was issued.
    pub issued_at: Timestamp,
}

/// Storage of the keys for SAML.
#[async_trait]
pub trait SamlKeys: Send {
    /// Stores the first key of a pool.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the pool has one.
    async fn insert_saml_key(&mut self, key: &SamlKey) -> Result<(), Fault>;

    /// The key of a pool.
    async fn saml_key(&mut self, user_pool_id: &str) -> Result<Option<SamlKey>, Fault>;

    /// Replaces the certificate of a pool's key, unless another was issued meanwhile.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the certificate is not the one of `replaced`.
    async fn renew_saml_certificate(
        &mut self,
        key: &SamlKey,
        replaced: Timestamp,
    ) -> Result<(), Fault>;
}

/// What a certificate will say.
pub(super) struct Draft {
    name: String,
    serial: [u8; 16],
    now: Timestamp,
}

impl Draft {
    /// A certificate for this name, valid from now on.
    pub(super) fn new(name: String, ports: &Ports) -> Self {
        let mut serial = [0; 16];
        ports.entropy.fill(&mut serial);
        // Positive and not zero (RFC 5280 section 4.1.2.2).
        let [first, ..] = &mut serial;
        *first = *first & 0x7f | 0x40;
        Self { name, serial, now: ports.clock.now() }
    }

    /// Signs it with the key that it is about, given in PKCS#8 DER. Takes a third of a millisecond
    /// and more: for a worker.
    pub(super) fn sign(self, pkcs8: &[u8]) -> Result<Vec<u8>, Fault> {
        let unmade = |error| Fault::because("a certificate can't be made", error);
        let key = KeyPair::try_from(pkcs8).map_err(unmade)?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, self.name);
        let mut params = CertificateParams::default();
        params.distinguished_name = name;
        params.serial_number = Some(SerialNumber::from_slice(&self.serial));
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.not_before = date(self.now);
        params.not_after = date(self.now.plus_seconds(VALIDITY));
        Ok(params.self_signed(&key).map_err(unmade)?.der().to_vec())
    }
}

/// A point in time in the type of the certificate library.
fn date(time: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(time.seconds())
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

/// The certificate with which a pool's SAML requests can be checked, in DER; made at the first
/// call. No transaction may be open.
pub async fn of_pool(ports: &Ports, user_pool_id: &str) -> Result<Vec<u8>, Fault> {
    let now = ports.clock.now();
    let stored = ports.store.read().await?.saml_key(user_pool_id).await?;
    match &stored {
        Some(key) if now.seconds_since(key.issued_at) < RENEWAL => {
            return Ok(key.certificate.clone());
        }
        _ => {}
    }
    let pkcs8 = match &stored {
        Some(key) => key.pkcs8.clone(),
        None => ports.key_reserve.take(&*ports.workers).await?.to_pkcs8()?.to_vec(),
    };
    let draft = Draft::new(user_pool_id.to_owned(), ports);
    let (pkcs8, certificate) = compute(&*ports.workers, move || {
        let certificate = draft.sign(&pkcs8);
        (pkcs8, certificate)
    })
    .await?;
    let user_pool_id = user_pool_id.to_owned();
    let key = SamlKey { user_pool_id, pkcs8, certificate: certificate?, issued_at: now };
    let mut tx = ports.store.write().await?;
    match stored {
        None => tx.insert_saml_key(&key).await?,
        Some(old) => tx.renew_saml_certificate(&key, old.issued_at).await?,
    }
    tx.commit().await?;
    Ok(key.certificate)
}
