//! A seed file as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Parameters of an operation, under the names of the service's API.
pub(super) type Parameters = Map<String, Value>;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seed {
    #[serde(default)]
    pub(super) pools: Vec<Pool>,
}

/// A user pool.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool {
    /// `<region>_<letters and digits>`.
    pub(super) id: String,
    /// Parameters of `CreateUserPool`.
    pub(super) settings: Parameters,
    /// Parameters of `SetUserPoolMfaConfig`.
    pub(super) mfa: Option<Parameters>,
    #[serde(default)]
    pub(super) clients: Vec<Client>,
    #[serde(default)]
    pub(super) users: Vec<User>,
}

/// An app client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) id: String,
    /// A fixed secret; none makes a public client, unless the settings ask for a random one.
    pub(super) secret: Option<String>,
    /// Parameters of `CreateUserPoolClient`.
    pub(super) settings: Parameters,
}

/// A user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) username: String,
    pub(super) password: Option<String>,
    /// To be replaced by the user at the first sign-in.
    pub(super) temporary_password: Option<String>,
    /// Whether the sign-up is confirmed. Without meaning beside a temporary password.
    #[serde(default = "yes")]
    pub(super) confirmed: bool,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    /// In base32. Makes the software token the user's second factor.
    pub(super) totp_secret: Option<String>,
}

const fn yes() -> bool {
    true
}
