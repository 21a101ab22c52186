//! What the caller of an operation gives functions to know.

use std::collections::BTreeMap;

/// Pairs of names and values of the caller's own. They are handed on, never kept.
///
/// Which member of a request becomes which of these differs: the `ClientMetadata` of a sign-in's first
/// request is validation data, that of its later ones client metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `clientMetadata` of events; the member is absent where nothing was sent.
    pub client: Option<BTreeMap<String, String>>,
    /// `validationData` of events; the member is null where nothing was sent.
    pub validation: Option<BTreeMap<String, String>>,
}

impl Metadata {
    /// Client metadata alone.
    pub fn of_client(client: Option<BTreeMap<String, String>>) -> Self {
        Self { client, validation: None }
    }

    /// Validation data alone.
    pub fn to_validate(validation: Option<BTreeMap<String, String>>) -> Self {
        Self { client: None, validation }
    }
}
