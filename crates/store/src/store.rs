//! The store, and what is open of it.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    ports::{Entropy, Store, Transaction},
    sealing::{Keyring, MasterKey},
    time::Timestamp,
};

use crate::{
    OpenError, data_keys,
    engine::{Engine, Location, Value, View},
    migrations, sweep,
    users::Indexed,
};

/// An open database with an up-to-date schema, whose data keys have not been loaded yet.
pub struct Database {
    pub(crate) engine: Engine,
}

impl Database {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// Each says what the operator can do about it.
    pub async fn open(location: &Location) -> Result<Self, OpenError> {
        let engine = Engine::open(location).await?;
        let mut tries = 0;
        loop {
            match migrations::run(&engine).await {
                // Another node is migrating the same database.
                Err(OpenError::Fault(Fault::Conflict(_))) if tries < 10 => tries += 1,
                outcome => return outcome.map(|()| Self { engine }),
            }
        }
    }
}

/// The durable store of everything, on either engine. Cheap to clone.
#[derive(Clone)]
pub struct SqlStore(pub(crate) Arc<Shared>);

/// What a store and its open views share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) master_key: RwLock<MasterKey>,
}

impl Shared {
    /// The current master key.
    pub(crate) fn master_key(&self) -> MasterKey {
        self.master_key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SqlStore {
    /// Loads the data keys, or makes the first one in an empty database.
    ///
    /// # Errors
    /// [`OpenError::WrongMasterKey`] if the keys were wrapped by another master key.
    pub async fn start(
        database: Database,
        master_key: MasterKey,
        entropy: Arc<dyn Entropy>,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        let engine = database.engine;
        let keyring = data_keys::load_or_create(&engine, &master_key, &*entropy, now).await?;
        let (keyring, master_key) = (Arc::new(keyring), RwLock::new(master_key));
        Ok(Self(Arc::new(Shared { engine, keyring, entropy, master_key })))
    }

    /// [`Database::open`] and [`Self::start`] in one.
    pub async fn open(
        location: &Location,
        master_key: MasterKey,
        entropy: Arc<dyn Entropy>,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        Self::start(Database::open(location).await?, master_key, entropy, now).await
    }

    /// The keys that seal what is stored and what clients carry.
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.0.keyring)
    }

    /// Waits for what is open, then closes the database. Later use fails.
    pub async fn close(&self) {
        self.0.engine.close().await;
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn read(&self) -> Result<Box<dyn Transaction>, Fault> {
        Ok(Box::new(SqlTransaction::over(Arc::clone(&self.0), self.0.engine.read())))
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, Fault> {
        Ok(Box::new(self.begin().await?))
    }

    async fn write_once(&self) -> Result<Box<dyn Transaction>, Fault> {
        let view = self.0.engine.write_once().await?;
        Ok(Box::new(SqlTransaction::over(Arc::clone(&self.0), view)))
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool, Fault> {
        sweep::run(&self.0.engine, now).await
    }
}

impl SqlStore {
    /// Begins a write transaction.
    pub(crate) async fn begin(&self) -> Result<SqlTransaction, Fault> {
        let view = self.0.engine.write().await?;
        Ok(SqlTransaction::over(Arc::clone(&self.0), view))
    }
}

/// A view for reading or a write transaction. Each slice implements its port for it.
pub(crate) struct SqlTransaction {
    pub(crate) store: Arc<Shared>,
    pub(crate) view: View,
    /// What the indexes hold of the user that this transaction read last.
    pub(crate) indexed: Option<Indexed>,
}

impl SqlTransaction {
    const fn over(store: Arc<Shared>, view: View) -> Self {
        Self { store, view, indexed: None }
    }

    /// The number that a `SELECT COUNT(*)` finds.
    pub(crate) async fn count(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<i64, Fault> {
        match self.view.fetch_optional(sql, values).await? {
            Some(mut row) => row.int(),
            None => Ok(0),
        }
    }
}

#[async_trait]
impl Transaction for SqlTransaction {
    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        self.view.commit().await
    }
}

/// The outcome of an update that named the version it had read.
pub(crate) fn swapped(touched: u64, what: &str) -> Result<(), Fault> {
    if touched == 1 {
        return Ok(());
    }
    Err(Fault::Conflict(format!("{what} was changed or deleted since it was read")))
}

/// The outcome of an insertion under an id that was drawn at random.
pub(crate) fn inserted(touched: u64, what: &str) -> Result<(), Fault> {
    if touched == 1 { Ok(()) } else { Err(Fault::Conflict(format!("the id of {what} is taken"))) }
}
