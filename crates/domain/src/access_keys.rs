//! Access keys: the credentials with which administrators sign requests, and what each may do.

mod authorization;
mod built_in;
mod condition;
mod json;
mod pattern;
mod policy;
mod request;

use std::collections::BTreeMap;

use async_trait::async_trait;

pub use authorization::{AccessDenied, Signer, authorize, authorize_for_key};
pub use built_in::{BUILT_IN, built_in};
pub use policy::{Decision, LONGEST_DOCUMENT, Policies, PolicyProblem, check as check_policy};
pub use request::{AccessRequest, Circumstances};

use crate::{fault::Fault, time::Timestamp};

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Public id: `AKIA` and 16 upper-case letters and digits.
    pub id: String,
    /// Secret: 40 characters. Sealed at rest.
    pub secret: String,
    /// What it is for, in its owner's words; names the user in ARNs.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it may do: policy documents by name. A key without any may do nothing.
    pub policies: BTreeMap<String, String>,
}

/// The most policies of a key.
pub const MOST_POLICIES: usize = 10;

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Storage of access keys.
#[async_trait]
pub trait AccessKeys: Send {
    /// Stores a new key.
    async fn insert_access_key(&mut self, key: &AccessKey) -> Result<(), Fault>;

    /// The key with this id.
    async fn access_key(&mut self, id: &str) -> Result<Option<AccessKey>, Fault>;

    /// All keys, in order of id. There are a handful.
    async fn list_access_keys(&mut self) -> Result<Vec<AccessKey>, Fault>;

    /// Replaces the policies of a key; answers whether there is such a key.
    async fn update_access_key_policies(&mut self, key: &AccessKey) -> Result<bool, Fault>;

    /// Removes a key; answers whether there was one.
    async fn delete_access_key(&mut self, id: &str) -> Result<bool, Fault>;
}
