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

/// A ring of stored keys, of which the last one seals; none if there is no key.
fn ring(master_key: &MasterKey, stored: &[WrappedDataKey]) -> Result<Option<Keyring>, OpenError> {
    let Some((active, older)) = stored.split_last() else {
        return Ok(None);
    };
    let ring = Keyring::new(&unwrap(master_key, active)?);
    for key in older {
        ring.add(&unwrap(master_key, key)?);
    }
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
    if let Some(ring) = ring(master_key, &list(&mut engine.read()).await?)? {
        return Ok(ring);
    }
    let first = wrap(master_key, &DataKey::generate(FIRST, entropy), entropy, now);
    match create(engine, &first).await {
        Ok(()) | Err(Fault::Conflict(_)) => {}
        Err(fault) => return Err(fault.into()),
    }
    let stored = list(&mut engine.read()).await?;
    ring(master_key, &stored)?.ok_or(OpenError::Fault(Fault::broken("the data keys are missing")))
}

async fn create(engine: &Engine, key: &WrappedDataKey) -> Result<(), Fault> {
    let mut view = engine.write().await?;
    insert(&mut view, key).await?;
    view.commit().await
}

impl Shared {
    /// Loads the data keys again.
    pub(crate) async fn reload_keys(&self) -> Result<(), Fault> {
        let master_key = self.master_key();
        let stored = list(&mut self.engine.read()).await?;
        let known = self.keyring.key_ids();
        for stored in stored.iter().filter(|stored| !known.contains(&stored.id)) {
            let key = unwrap(&master_key, stored)
                .map_err(|error| Fault::because("a new data key can't be loaded", error))?;
            self.keyring.add(&key);
        }
        if let Some(last) = stored.last() {
            self.keyring.activate(last.id);
        }
        Ok(())
    }
}

impl SqlStore {
    /// Loads the data keys again, after another node has made one: see
    /// [`poolhouse_domain::sealing::OpenError::UnknownKey`]. Stored secrets do this by themselves.
    pub async fn reload_keys(&self) -> Result<(), Fault> {
        self.0.reload_keys().await
    }

    /// Makes a new data key, which seals from now on, and answers its number. What older keys sealed
    /// still opens.
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
        self.0.keyring.activate(id);
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
