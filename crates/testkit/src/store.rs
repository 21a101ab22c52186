//! An empty store that vanishes with its last user.

use std::sync::Arc;

use poolhouse_domain::{ports::Entropy, sealing::MasterKey};
use poolhouse_store::{Location, OpenError, SqlStore};

use crate::START;

/// Opens an empty SQLite database. Its master key is fixed.
pub(crate) async fn open(entropy: Arc<dyn Entropy>) -> Result<SqlStore, OpenError> {
    SqlStore::open(&Location::Ephemeral, MasterKey::new([7; 32]), entropy, START).await
}
