//! Page tokens: where a list goes on, sealed so that clients can neither read nor forge it.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    fault::Fault,
    ports::Entropy,
    sealing::{Keyring, Purpose},
    time::Timestamp,
};

/// The token was not made by this list, or is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPageToken;

/// Seconds for which a token can be used: an hour, as the developer guide says of `ListUsers`.
const LIFETIME: i64 = 3_600;

/// Makes a token for the row after which the next page begins.
///
/// `list` names the operation and everything that selects its rows (pool, filter): a token works
/// only with the same.
pub fn token<C: Serialize>(
    keyring: &Keyring,
    entropy: &dyn Entropy,
    list: &str,
    after: &C,
    now: Timestamp,
) -> Result<String, Fault> {
    let content = serde_json::to_vec(&(now.seconds(), after))
        .map_err(|error| Fault::because("a page token can't be written", error))?;
    Ok(keyring.seal_text(Purpose::PageToken, list.as_bytes(), &content, entropy))
}

/// Reads a token back.
pub fn position<C: DeserializeOwned>(
    keyring: &Keyring,
    list: &str,
    token: &str,
    now: Timestamp,
) -> Result<C, InvalidPageToken> {
    let content = keyring
        .open_text(Purpose::PageToken, list.as_bytes(), token)
        .map_err(|_| InvalidPageToken)?;
    let (issued, after): (i64, C) =
        serde_json::from_slice(&content).map_err(|_| InvalidPageToken)?;
    if now.seconds() > issued.saturating_add(LIFETIME) { Err(InvalidPageToken) } else { Ok(after) }
}
