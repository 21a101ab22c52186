//! Storage of the data keys: the keys that seal everything, themselves wrapped by the master key.

use async_trait::async_trait;

use crate::{fault::Fault, time::Timestamp};

/// A data key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedDataKey {
    /// Names the key in everything that it sealed.
    pub id: u32,
    /// The key, wrapped by the master key ([`crate::sealing::MasterKey`]).
    pub wrapped: Vec<u8>,
    /// Fingerprint of the master key that wrapped it.
    pub master_key_id: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Storage of data keys.
#[async_trait]
pub trait DataKeys: Send {
    /// All data keys in ascending order of id. The last one seals what is new.
    async fn data_keys(&mut self) -> Result<Vec<WrappedDataKey>, Fault>;

    /// Stores a new data key. Answers `false`, and stores nothing, if the id is taken: another
    /// node was first.
    async fn insert_data_key(&mut self, key: &WrappedDataKey) -> Result<bool, Fault>;

    /// Replaces the wrapping of a key, when the master key is changed.
    async fn rewrap_data_key(&mut self, key: &WrappedDataKey) -> Result<(), Fault>;
}
