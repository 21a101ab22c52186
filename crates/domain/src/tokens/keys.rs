//! The RSA keys of a user pool: one signs ID tokens, another access tokens.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::jwt::SigningKey;
use crate::{
    fault::Fault,
    ports::{Workers, compute},
    time::Timestamp,
};

/// Which tokens a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// ID tokens.
    Id,
    /// Access tokens.
    Access,
}

impl KeyUse {
    /// The name under which the use is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Access => "access",
        }
    }
}

/// A signing key as it is stored.
#[derive(Clone)]
pub struct StoredSigningKey {
    /// The pool whose tokens it signs.
    pub user_pool_id: String,
    /// Key id in token headers and the JWKS.
    pub kid: String,
    /// What it signs.
    pub key_use: KeyUse,
    /// The private key in PKCS#8 DER. Sealed at rest.
    pub pkcs8: Vec<u8>,
    /// When it was taken into use. The newest key of a use signs; older ones still verify.
    pub created_at: Timestamp,
}

/// Storage of signing keys.
#[async_trait]
pub trait SigningKeys: Send {
    /// Stores a new key.
    async fn insert_signing_key(&mut self, key: &StoredSigningKey) -> Result<(), Fault>;

    /// The keys of a pool, oldest first.
    async fn signing_keys(&mut self, user_pool_id: &str) -> Result<Vec<StoredSigningKey>, Fault>;
}

/// The keys of a pool, parsed.
pub struct KeyPairs {
    /// Signs ID tokens.
    pub id: Arc<SigningKey>,
    /// Signs access tokens.
    pub access: Arc<SigningKey>,
    /// Every key whose tokens are still accepted, the two above included.
    pub all: Vec<Arc<SigningKey>>,
}

impl KeyPairs {
    /// Parses the keys of a pool, given oldest first.
    pub fn parse(stored: &[StoredSigningKey]) -> Result<Self, Fault> {
        let mut all = Vec::new();
        let (mut id, mut access) = (None, None);
        for key in stored {
            let parsed = SigningKey::from_pkcs8(&key.pkcs8)
                .map_err(|_| Fault::broken("a stored signing key can't be parsed"))?;
            let parsed = Arc::new(parsed);
            match key.key_use {
                KeyUse::Id => id = Some(Arc::clone(&parsed)),
                KeyUse::Access => access = Some(Arc::clone(&parsed)),
            }
            all.push(parsed);
        }
        match (id, access) {
            (Some(id), Some(access)) => Ok(Self { id, access, all }),
            _ => Err(Fault::broken("a user pool lacks a signing key")),
        }
    }
}

/// RSA keys made ahead of time, so that `CreateUserPool` does not wait for them: generating one
/// takes between 30 and 160 ms of a core.
pub struct KeyReserve {
    ready: Mutex<VecDeque<SigningKey>>,
    make: Arc<MakeKey>,
}

/// Makes a key.
type MakeKey = dyn Fn() -> Result<SigningKey, Fault> + Send + Sync;

/// How many keys are kept ready: four new pools in a row.
const RESERVE: usize = 8;

impl Default for KeyReserve {
    fn default() -> Self {
        Self::with_source(SigningKey::generate)
    }
}

impl KeyReserve {
    /// An empty reserve of keys from another source than [`SigningKey::generate`]: tests can't
    /// wait for fresh ones.
    pub fn with_source(
        make: impl Fn() -> Result<SigningKey, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self { ready: Mutex::default(), make: Arc::new(make) }
    }

    /// Takes a key out of the reserve, or makes one on a worker if there is none.
    pub async fn take(&self, workers: &dyn Workers) -> Result<SigningKey, Fault> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(key) = ready {
            return Ok(key);
        }
        let make = Arc::clone(&self.make);
        compute(workers, move || make()).await?
    }

    /// Takes the keys of a new user pool: one for each use.
    pub async fn take_for_pool(
        &self,
        workers: &dyn Workers,
        user_pool_id: &str,
        now: Timestamp,
    ) -> Result<Vec<StoredSigningKey>, Fault> {
        let mut keys = Vec::new();
        for key_use in [KeyUse::Id, KeyUse::Access] {
            let key = self.take(workers).await?;
            keys.push(StoredSigningKey {
                user_pool_id: user_pool_id.to_owned(),
                kid: key.kid().to_owned(),
                key_use,
                pkcs8: key.to_pkcs8()?.to_vec(),
                created_at: now,
            });
        }
        Ok(keys)
    }

    /// Makes one key if the reserve isn't full; answers whether it did. Slow: for a background
    /// thread.
    pub fn refill(&self) -> Result<bool, Fault> {
        if self.ready.lock().unwrap_or_else(PoisonError::into_inner).len() >= RESERVE {
            return Ok(false);
        }
        let key = (self.make)()?;
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(key);
        Ok(true)
    }
}
