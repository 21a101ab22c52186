//! An installation: a database together with the master key that opens it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use poolhouse_adapters::{
    entropy::SystemEntropy,
    fetcher::{HttpFetcher, Reach},
    master_key::{self, KeyBytes},
    workers::ThreadWorkers,
};
use poolhouse_domain::{
    caller::Caller,
    directory::Directory,
    key_service::{KeyService, own_keys::OwnKeys},
    limits::{LimitSettings, Limits},
    log_delivery::{LogSink, Reporting},
    messages::Messenger,
    ports::{Clock, Identity, Ports, Store},
    sealing::MasterKey,
    time::Timestamp,
    tokens::keys::KeyReserve,
    triggers::{Functions, Metadata},
};
use poolhouse_store::{Location, OpenError, SqlStore};

use crate::{Outcome, compromised_passwords, config};

/// The name of the database in the data folder of `dev`.
const DATABASE: &str = "poolhouse.db";
/// The name of the master key in the data folder of `dev`.
pub(crate) const MASTER_KEY: &str = "master.key";

/// Database and master key of `poolhouse dev`; the data folder is made if there is none.
pub(crate) fn in_folder(folder: &Path, database: Option<&str>) -> Outcome<(Location, KeyBytes)> {
    std::fs::create_dir_all(folder).map_err(|error| {
        format!(
            "the data folder {} can't be made: {error}; choose another with --data, or keep \
             nothing with --ephemeral",
            folder.display()
        )
    })?;
    let key = master_key::read_or_create_file(&folder.join(MASTER_KEY), &SystemEntropy)?;
    let location = match database {
        Some(url) => config::database(url)?,
        None => Location::SqliteFile(folder.join(DATABASE)),
    };
    Ok((location, key))
}

/// Opens the store. Errors say what to do.
pub(crate) async fn open(location: &Location, key: &KeyBytes, now: Timestamp) -> Outcome<SqlStore> {
    let master_key = MasterKey::new(**key);
    let opened = SqlStore::open(location, master_key, Arc::new(SystemEntropy), now).await;
    opened.map_err(|error| format!("{error}{}", advice(&error)).into())
}

/// What can be done about it, where the error does not say so itself.
const fn advice(error: &OpenError) -> &'static str {
    match error {
        OpenError::File { .. } => "; check that the folder exists and can be written to",
        OpenError::Unreachable(_) => {
            "; check that the database server runs, and the address, user and password in the URL"
        }
        OpenError::NewerSchema { .. } => "; use the newer release",
        OpenError::WrongMasterKey { .. } => {
            "; restore the right key from your backup (after a rotation, it is the new one)"
        }
        _ => "",
    }
}

/// What `dev` and `serve` have their own of.
pub(crate) struct Outside {
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Delivery of mail and text messages.
    pub(crate) messenger: Arc<dyn Messenger>,
    /// Functions behind triggers.
    pub(crate) functions: Arc<dyn Functions>,
    /// Keys for the codes that custom senders get.
    pub(crate) keys: Keys,
    /// Where the logs of user pools go.
    pub(crate) log_sink: Arc<dyn LogSink>,
    /// Which other servers may be asked for documents.
    pub(crate) reach: Reach,
    /// The filter of compromised passwords, if it is not the built-in one.
    pub(crate) compromised_passwords: Option<PathBuf>,
    /// How many requests and resources there may be.
    pub(crate) limits: LimitSettings,
}

/// Whose keys protect the codes that custom senders get.
pub(crate) enum Keys {
    /// Those of this server.
    Own,
    /// Those of this server, and the codes are not encrypted.
    OwnAndCodesInTheClear,
    /// Those of another server.
    Elsewhere(Arc<dyn KeyService>),
}

impl Keys {
    fn service(self, store: &SqlStore, identity: &Arc<Identity>) -> Arc<dyn KeyService> {
        let own = || OwnKeys::new(store.keyring(), Arc::new(SystemEntropy), Arc::clone(identity));
        match self {
            Self::Own => Arc::new(own()),
            Self::OwnAndCodesInTheClear => Arc::new(own().with_codes_in_the_clear()),
            Self::Elsewhere(service) => service,
        }
    }
}

/// The ports over an open store.
///
/// # Errors
/// The operating system refuses to make threads, or the filter of compromised passwords can't be used.
pub(crate) fn ports(store: &SqlStore, outside: Outside, identity: Identity) -> Outcome<Ports> {
    let Outside { clock, messenger, functions, keys, log_sink, reach, .. } = outside;
    let Outside { compromised_passwords, limits, .. } = outside;
    let keyring = store.keyring();
    let identity = Arc::new(identity);
    let key_service = keys.service(store, &identity);
    let store: Arc<dyn Store> = Arc::new(store.clone());
    let limits = Limits::new(limits, Arc::clone(&store), Arc::clone(&clock));
    let messenger = Reporting {
        messenger,
        store: Arc::clone(&store),
        log_sink: Arc::clone(&log_sink),
        clock: Arc::clone(&clock),
    };
    Ok(Ports {
        directory: Arc::new(Directory::new(Arc::clone(&store))),
        store,
        clock,
        entropy: Arc::new(SystemEntropy),
        workers: Arc::new(ThreadWorkers::start()?),
        fetcher: Arc::new(HttpFetcher::new(reach)),
        messenger: Arc::new(messenger),
        functions,
        log_sink,
        key_service,
        compromised_passwords: Arc::new(compromised_passwords::load(
            compromised_passwords.as_deref(),
        )?),
        keyring,
        turns: Arc::default(),
        key_reserve: Arc::new(KeyReserve::default()),
        limits: Arc::new(limits),
        identity,
        caller: Caller::default(),
        metadata: Metadata::default(),
    })
}
