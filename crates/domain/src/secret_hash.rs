//! `SECRET_HASH`: how an app client with a secret proves that it has it.
//!
//! `base64(HMAC-SHA256(key = client secret, message = username ‖ client id))`. Which username goes
//! in depends on the operation: the one that was sent when a sign-in starts, the real username
//! later on (<https://github.com/alexrudd/cognito-srp/issues/1>).

use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use crate::{app_clients::AppClient, sealing::hmac_sha256};

/// The hash that a client with this secret has to send.
pub fn compute(secret: &str, username: &str, client_id: &str) -> String {
    let parts = [username.as_bytes(), client_id.as_bytes()];
    STANDARD.encode(hmac_sha256(secret.as_bytes(), &parts))
}

/// Whether `claimed` is the hash for this secret, in constant time.
pub fn matches(secret: &str, username: &str, client_id: &str, claimed: &str) -> bool {
    compute(secret, username, client_id).as_bytes().ct_eq(claimed.as_bytes()).into()
}

/// What is wrong with a `SECRET_HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretHashRefused {
    /// The client has a secret, and no hash was sent.
    Missing,
    /// The hash is of another secret or name.
    Wrong,
}

/// Checks the hash that clients with a secret have to send, over any of the given usernames. Each
/// active secret is good.
///
/// Clients without a secret may send what they like.
pub fn check(
    client: &AppClient,
    usernames: &[&str],
    claimed: Option<&str>,
) -> Result<(), SecretHashRefused> {
    if client.secrets.is_empty() {
        return Ok(());
    }
    let claimed = claimed.ok_or(SecretHashRefused::Missing)?;
    let is_right = |username: &&str| {
        client.secrets.iter().any(|s| matches(&s.value, username, client.id(), claimed))
    };
    if usernames.iter().any(is_right) { Ok(()) } else { Err(SecretHashRefused::Wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 test case 2, with its message cut in two.
    const HASH: &str = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";

    #[test]
    fn the_hash_is_hmac_sha256_of_username_and_client_id() {
        assert_eq!(compute("Jefe", "what do ya want ", "for nothing?"), HASH);
        assert!(matches("Jefe", "what do ya want ", "for nothing?", HASH));
    }

    #[test]
    fn other_secrets_names_and_texts_do_not_match() {
        assert!(!matches("jefe", "what do ya want ", "for nothing?", HASH));
        assert!(!matches("Jefe", "what do ya want", "for nothing?", HASH));
        for claimed in ["", &HASH[..43], &format!("{HASH}=")] {
            assert!(!matches("Jefe", "what do ya want ", "for nothing?", claimed));
        }
    }
}
