//! Sealing of what must not be readable in the database.
//!
//! What is sealed is bound to its place (table, column and key of the row), so that nobody who can
//! write to the database can move one user's password to another.

use poolhouse_domain::{
    Fault,
    sealing::{OpenError, Purpose},
};
use zeroize::Zeroizing;

use crate::store::SqlTransaction;

/// The place of a secret: table and column, then the key of the row.
fn place(column: &str, key: &[&str]) -> Vec<u8> {
    let mut place = column.as_bytes().to_vec();
    for part in key {
        // A length before each part, so that no two keys run together to the same bytes.
        place.extend_from_slice(&(part.len() as u64).to_be_bytes());
        place.extend_from_slice(part.as_bytes());
    }
    place
}

impl SqlTransaction {
    /// Seals a secret for its place.
    pub(crate) fn seal(&self, column: &str, key: &[&str], secret: &[u8]) -> Vec<u8> {
        let store = &self.store;
        store.keyring.seal(Purpose::AtRest, &place(column, key), secret, &*store.entropy)
    }

    /// Opens a secret from its place. Meets a data key that another node has just made by loading
    /// the keys again, once.
    pub(crate) async fn open(
        &self,
        column: &str,
        key: &[&str],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (keyring, place) = (&self.store.keyring, place(column, key));
        let opened = match keyring.open(Purpose::AtRest, &place, sealed) {
            Err(OpenError::UnknownKey(_)) => {
                self.store.load_new_keys().await?;
                keyring.open(Purpose::AtRest, &place, sealed)
            }
            opened => opened,
        };
        opened.map_err(|error| Fault::because("a stored secret can't be opened", error))
    }
}
