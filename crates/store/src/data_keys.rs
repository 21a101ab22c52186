//! Storage of the data keys; loading them at start, and changing keys while serving.

use std::sync::PoisonError;

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    data_keys::{DataKeys, WrappedDataKey},
    ports::Entropy,
    sealing::{DataKey, Keyring, MasterKey},
    time::Timestamp,
};

use crate::{
    OpenError, SqlStore,
    engine::{Engine, Row, View, values},
    store::{Shared, SqlTransaction, inserted},
};

const FIRST: u32 = 1;

/// Seconds for which a new key is only there to open, so that every node has loaded it before the
/// first one seals with it. Nodes look for new keys more often than that.
const SETTLING: i64 = 15;

const LIST: &str = "SELECT id, wrapped, master_key_id, created_at FROM data_keys ORDER BY id";
const INSERT: &str = "INSERT INTO data_keys (id, wrapped, master_key_id, created_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const REWRAP: &str = "UPDATE data_keys SET wrapped = $2, master_key_id = $3 WHERE id = $1";

async fn list(view: &mut View) -> Result<Vec<WrappedDataKey>, Fault> {
    view.fetch_all(LIST, &[]).await?.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<WrappedDataKey, Fault> {
    Ok(WrappedDataKey {
        id: row.small()?,
        wrapped: row.blob()?,
        master_key_id: row.text()?,
        created_at: row.time()?,
    })
}

async fn insert(view: &mut View, key: &WrappedDataKey) -> Result<bool, Fault> {
    let values = values![key.id, &key.wrapped, &key.master_key_id, key.created_at];
    Ok(view.execute(INSERT, values).await? == 1)
}

async fn rewrap(view: &mut View, key: &WrappedDataKey) -> Result<(), Fault> {
    let touched = view.execute(REWRAP, values![key.id, &key.wrapped, &key.master_key_id]).await?;
    if touched == 1 { Ok(()) } else { Err(Fault::broken("a data key is missing")) }
}

#[async_trait]
impl DataKeys for SqlTransaction {
    async fn data_keys(&mut self) -> Result<Vec<WrappedDataKey>, Fault> {
        list(&mut self.view).await
    }

    async fn insert_data_key(&mut self, key: &WrappedDataKey) -> Result<bool, Fault> {
        insert(&mut self.view, key).await
    }

    async fn rewrap_data_key(&mut self, key: &WrappedDataKey) -> Result<(), Fault> {
        rewrap(&mut self.view, key).await
    }
}

/// Unwraps a stored key.
fn unwrap(master_key: &MasterKey, stored: &WrappedDataKey) -> Result<DataKey, OpenError> {
    master_key.unwrap(stored.id, &stored.wrapped).map_err(|_| OpenError::WrongMasterKey {
        expected: stored.master_key_id.clone(),
        given: master_key.id(),
    })
}

/// Wraps a key for storage.
fn wrap(
    master_key: &MasterKey,
    key: &DataKey,
    entropy: &dyn Entropy,
    created_at: Timestamp,
) -> WrappedDataKey {
    WrappedDataKey {
        id: key.id(),
        wrapped: master_key.wrap(key, entropy),
        master_key_id: master_key.id(),
        created_at,
    }
}

/// The number of the key that seals: the newest that has settled, or else the oldest.
fn sealing(stored: &[WrappedDataKey], now: Timestamp) -> Option<u32> {
    let has_settled = |key: &&WrappedDataKey| now.seconds_since(key.created_at) >= SETTLING;
    stored.iter().rfind(has_settled).or(stored.first()).map(|key| key.id)
}

/// A ring of stored keys; none if there is no key.
fn ring(
    master_key: &MasterKey,
    stored: &[WrappedDataKey],
    now: Timestamp,
) -> Result<Option<Keyring>, OpenError> {
    let Some((first, others)) = stored.split_first() else {
        return Ok(None);
    };
    let ring = Keyring::new(&unwrap(master_key, first)?);
    for key in others {
        ring.add(&unwrap(master_key, key)?);
    }
    sealing(stored, now).map(|id| ring.activate(id));
    Ok(Some(ring))
}

/// The data keys of the database. In an empty database the first one is made; if several nodes
/// start on it together, all use the key of the one that was first.
pub(crate) async fn load_or_create(
    engine: &Engine,
    master_key: &MasterKey,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Keyring, OpenError> {
    if let Some(ring) = ring(master_key, &list(&mut engine.read()).await?, now)? {
        return Ok(ring);
    }
    let first = wrap(master_key, &DataKey::generate(FIRST, entropy), entropy, now);
    match create(engine, &first).await {
        Ok(()) | Err(Fault::Conflict(_)) => {}
        Err(fault) => return Err(fault.into()),
    }
    let stored = list(&mut engine.read()).await?;
    ring(master_key, &stored, now)?
        .ok_or(OpenError::Fault(Fault::broken("the data keys are missing")))
}

async fn create(engine: &Engine, key: &WrappedDataKey) -> Result<(), Fault> {
    let mut view = engine.write().await?;
    insert(&mut view, key).await?;
    view.commit().await
}

impl Shared {
    /// Loads the data keys that were made meanwhile, for opening. Answers all that are stored.
    pub(crate) async fn load_new_keys(&self) -> Result<Vec<WrappedDataKey>, Fault> {
        let master_key = self.master_key();
        let stored = list(&mut self.engine.read()).await?;
        let known = self.keyring.key_ids();
        for stored in stored.iter().filter(|stored| !known.contains(&stored.id)) {
            let key = unwrap(&master_key, stored)
                .map_err(|error| Fault::because("a new data key can't be loaded", error))?;
            self.keyring.add(&key);
        }
        Ok(stored)
    }
}

impl SqlStore {
    /// Loads the data keys that were made meanwhile, by this node or another, and seals with the
    /// newest that has settled. To be called every few seconds: a key settles in 15.
    pub async fn reload_keys(&self, now: Timestamp) -> Result<(), Fault> {
        let stored = self.0.load_new_keys().await?;
        sealing(&stored, now).map(|id| self.0.keyring.activate(id));
        Ok(())
    }

    /// Makes a new data key and answers its number. It seals once it has settled: see
    /// [`Self::reload_keys`]. What older keys sealed still opens.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if another node was changing keys: run it again.
    pub async fn rotate_data_key(&self, now: Timestamp) -> Result<u32, Fault> {
        let (master_key, entropy) = (self.0.master_key(), &*self.0.entropy);
        let mut tx = self.begin().await?;
        let stored = list(&mut tx.view).await?;
        let last = stored.last().ok_or(Fault::broken("the data keys are missing"))?;
        unwrap(&master_key, last)
            .map_err(|error| Fault::because("the master key was changed elsewhere", error))?;
        // Touching the last key makes this collide with a change of the master key, which would not
        // see the new row.
        rewrap(&mut tx.view, last).await?;
        let id = last.id.checked_add(1).ok_or(Fault::broken("the data keys are used up"))?;
        let key = DataKey::generate(id, entropy);
        let is_new = insert(&mut tx.view, &wrap(&master_key, &key, entropy, now)).await?;
        inserted(is_new.into(), "the data key")?;
        tx.view.commit().await?;
        self.0.keyring.add(&key);
        Ok(id)
    }

    /// Wraps every data key with another master key, which the next start will ask for. Other nodes
    /// go on with the keys that they have loaded, and need the new master key to load a newer one.
    ///
    /// # Errors
    /// [`OpenError::WrongMasterKey`] if the current master key is no longer the right one;
    /// [`Fault::Conflict`] if another node was changing keys: run it again.
    pub async fn rotate_master_key(&self, new: MasterKey) -> Result<(), OpenError> {
        let old = self.0.master_key();
        let mut tx = self.begin().await?;
        for stored in list(&mut tx.view).await? {
            let key = unwrap(&old, &stored)?;
            let wrapped = wrap(&new, &key, &*self.0.entropy, stored.created_at);
            rewrap(&mut tx.view, &wrapped).await?;
        }
        tx.view.commit().await?;
        *self.0.master_key.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}
