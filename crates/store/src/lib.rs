//! The SQL behind the storage ports, on SQLite and PostgreSQL.
//!
//! Every slice writes one query text for both engines; what differs between them is in [`engine`].
//! Secrets are sealed on the way in and opened on the way out (`secrets.rs`), so that the database
//! holds nothing that helps a thief.
//!
//! Starting takes two steps: [`Database::open`] connects and migrates, [`SqlStore::start`] loads the
//! data keys with the master key.

mod access_keys;
mod app_clients;
mod attempts;
mod authorization_codes;
mod branding;
mod codes;
mod data_keys;
mod devices;
mod domains;
mod engine;
mod former_passwords;
mod groups;
mod identity_providers;
mod limits;
mod linked_identities;
mod log_delivery;
mod migrations;
mod outbox;
mod passkeys;
mod replicas;
mod resource_servers;
mod saml_keys;
mod secrets;
mod sessions;
mod signing_keys;
mod store;
mod sweep;
mod terms;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod testing;
mod threat_protection;
mod user_import;
mod user_pools;
mod user_sessions;
mod users;

use std::path::PathBuf;

pub use engine::Location;
use poolhouse_domain::Fault;
pub use store::{Database, SqlStore};

/// Why the store could not be opened, in words for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database file or its folder can't be made or opened.
    #[error("cannot open {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The PostgreSQL server does not answer, or refuses the connection.
    #[error("cannot connect to the database: {0}")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The PostgreSQL database has another encoding.
    #[error("the database must be created with ENCODING 'UTF8'; this one has {0}")]
    Encoding(String),
    /// A newer release has been at work.
    #[error(
        "the database is at schema version {found}, made by a newer release; this one knows \
         versions up to {known}"
    )]
    NewerSchema {
        /// Version of the database.
        found: i64,
        /// Newest version that this binary knows.
        known: i64,
    },
    /// A migration that the database has been through differs from the one in this binary.
    #[error("schema version {0} of the database is not the one of this release")]
    ForeignSchema(i64),
    /// The master key is not the one that wrapped the database's data keys.
    #[error(
        "this is the wrong master key: the database was sealed with master key {expected}, this \
         is {given}"
    )]
    WrongMasterKey {
        /// Fingerprint of the right one.
        expected: String,
        /// Fingerprint of the given one.
        given: String,
    },
    /// Anything else.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl OpenError {
    /// A failure to connect.
    pub(crate) fn unreachable(error: sqlx::Error) -> Self {
        Self::Unreachable(error.into())
    }
}
