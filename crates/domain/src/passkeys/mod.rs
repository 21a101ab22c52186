//! Passkeys: WebAuthn credentials, with which users sign in by what their device holds.
//!
//! | file | what |
//! |---|---|
//! | `registration.rs` | a user registers a passkey |
//! | `assertion.rs` | a user shows one |
//! | `ceremony.rs` | what both come down to: does the answer of a browser belong to what was asked |
//! | `key.rs` | public keys and their signatures |
//! | `friendly_name.rs` | what a passkey is called |

pub mod assertion;
mod ceremony;
mod friendly_name;
mod key;
pub mod registration;

pub use ceremony::CeremonyRefused;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use url::Url;

use crate::{
    fault::Fault,
    oauth::mount,
    passwords::policy,
    ports::{Entropy, Identity},
    shapes::{AuthFactorType, UserVerificationType, WebAuthnFactorConfigurationType},
    time::Timestamp,
    user_pools::UserPool,
};

/// Passkeys that a user can have at most.
pub const MOST: usize = 20;

/// Milliseconds that a browser gives its user for a ceremony.
const TIMEOUT: u32 = 60_000;

/// What a ceremony has to sign: 16 random bytes
/// (<https://github.com/aws/aws-sdk-net/issues/4386>).
pub type Challenge = [u8; 16];

/// A passkey of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// The pool.
    pub user_pool_id: String,
    /// The user.
    pub sub: String,
    /// The credential's id in base64url; unique in the pool.
    pub credential_id: String,
    /// The relying party it was made for; it works for no other.
    pub relying_party_id: String,
    /// The public key, as the authenticator wrote it (a `COSE_Key`).
    pub public_key: Vec<u8>,
    /// The authenticator's count of signatures; stays 0 for the many that don't count.
    pub sign_count: u32,
    /// `platform` or `cross-platform`, if the browser told.
    pub attachment: Option<String>,
    /// How the authenticator can be reached, such as `internal` or `usb`.
    pub transports: Vec<String>,
    /// What the user sees.
    pub friendly_name: String,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A registration that was started. A user has one at a time; a new one replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRegistration {
    /// The pool.
    pub user_pool_id: String,
    /// The user.
    pub sub: String,
    /// The app client with whose token it was started, and has to be completed.
    pub client_id: String,
    /// What the authenticator has to sign.
    pub challenge: Challenge,
    /// When it is too late to complete it.
    pub expires_at: Timestamp,
}

/// Storage of passkeys.
#[async_trait]
pub trait Passkeys: Send {
    /// Stores a started registration in place of the user's earlier one.
    async fn put_pending_passkey(&mut self, pending: &PendingRegistration) -> Result<(), Fault>;

    /// The user's started registration, expired or not.
    async fn pending_passkey(
        &mut self,
        user_pool_id: &str,
        sub: &str,
    ) -> Result<Option<PendingRegistration>, Fault>;

    /// Uses a started registration up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it changed, or was used, since it was read.
    async fn spend_pending_passkey(&mut self, pending: &PendingRegistration) -> Result<(), Fault>;

    /// Stores a new passkey, unless the pool knows a credential of the same id: then answers
    /// `false`.
    async fn insert_passkey(&mut self, passkey: &Passkey) -> Result<bool, Fault>;

    /// The user's passkeys, oldest first: [`MOST`] at most.
    async fn passkeys_of_user(
        &mut self,
        user_pool_id: &str,
        sub: &str,
    ) -> Result<Vec<Passkey>, Fault>;

    /// Stores the new count of signatures of a passkey.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it was used, or deleted, since it was read.
    async fn update_sign_count(&mut self, passkey: &Passkey, count: u32) -> Result<(), Fault>;

    /// Removes a passkey of the user; answers whether there was one.
    async fn delete_passkey(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        credential_id: &str,
    ) -> Result<bool, Fault>;
}

/// Whether users of the pool can sign in by passkey.
pub fn is_enabled(pool: &UserPool) -> bool {
    policy::is_first_factor(pool, AuthFactorType::WebAuthn)
}

/// The domain name to which a pool's passkeys belong; none if nothing says it.
///
/// Without a configured one it is the host of the pool's domain, unless browsers reach that by an
/// address without a name, to which no passkey can belong.
pub fn relying_party_id(identity: &Identity, pool: &UserPool) -> Option<String> {
    let config = pool.factors.web_authn.as_ref();
    let configured = config.and_then(|config| config.relying_party_id.clone());
    configured.or_else(|| {
        let url = Url::parse(&mount::told_url(identity, pool)?).ok()?;
        url.domain().map(str::to_owned)
    })
}

/// Whether a passkey counts as two factors: the device, and what unlocks it.
pub fn is_multi_factor(pool: &UserPool) -> bool {
    let config = pool.factors.web_authn.as_ref();
    config.and_then(|config| config.factor_configuration)
        == Some(WebAuthnFactorConfigurationType::MultiFactorWithUserVerification)
}

/// Whether authenticators have to make sure that it is their user who touches them: where the pool
/// says so, and where a passkey counts as two factors.
fn verification(pool: &UserPool) -> UserVerificationType {
    if is_multi_factor(pool) {
        return UserVerificationType::Required;
    }
    let config = pool.factors.web_authn.as_ref();
    config.and_then(|config| config.user_verification).unwrap_or(UserVerificationType::Preferred)
}

/// A new challenge.
pub fn new_challenge(entropy: &dyn Entropy) -> Challenge {
    let mut challenge = Challenge::default();
    entropy.fill(&mut challenge);
    challenge
}

/// Names a passkey to a browser.
#[derive(Debug, Serialize)]
struct Descriptor {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    transports: Option<Vec<String>>,
    r#type: &'static str,
}

/// Bytes in the form in which WebAuthn's JSON holds them.
fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
