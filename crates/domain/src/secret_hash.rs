//! `SECRET_HASH`: how an app client with a secret proves that it has it.
//!
//! `base64(HMAC-SHA256(key = client secret, message = username ‖ client id))`. Which username goes
//! in depends on the operation: the one that was sent when a sign-in starts, the real username
//! later on (<https://github.com/alexrudd/cognito-srp/issues/1>).

use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use crate::sealing::hmac_sha256;

/// The hash that a client with this secret has to send.
pub fn compute(secret: &str, username: &str, client_id: &str) -> String {
    let parts = [username.as_bytes(), client_id.as_bytes()];
    STANDARD.encode(hmac_sha256(secret.as_bytes(), &parts))
}

/// Whether `claimed` is the hash for this secret, in constant time.
pub fn matches(secret: &str, username: &str, client_id: &str, claimed: &str) -> bool {
    compute(secret, username, client_id).as_bytes().ct_eq(claimed.as_bytes()).into()
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
