//! The text form of refresh tokens: five parts separated by dots, like a JWE in compact form (RFC
//! 7516 section 7.1), with the header of the service's refresh tokens.
//!
//! Only the form is a JWE's. The header speaks of RSA, because clients and their tests look at it;
//! but the service is the only reader of a refresh token, and RSA would cost a third of a
//! millisecond and a key per pool. So the second part, which in a JWE is an encrypted key, holds
//! what the key is derived from:
//!
//! | part | bytes | content |
//! |---|---|---|
//! | 1 | 46 | the header, always the same |
//! | 2 | 256 | version (1 byte), number of the data key (4 bytes), random bytes |
//! | 3 | 12 | nonce |
//! | 4 | … | state, encrypted with AES-256-GCM |
//! | 5 | 16 | tag |
//!
//! The key comes from the [`Keyring`]; the first two parts are authenticated. The text has 446
//! characters and four thirds of the state; the service's own are longer (1.5 to 2 kB), which is
//! not imitated.

use aws_lc_rs::aead::NONCE_LEN;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{
    ports::Entropy,
    sealing::{Keyring, OpenError, Purpose, decrypt, encrypt},
};

/// `{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}`, encoded.
const HEADER: &str = "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ";

const VERSION: u8 = 1;
/// As long as a key encrypted with RSA-2048.
const ENVELOPE: usize = 256;
const TAG: usize = 16;

/// The longest token that is read, in bytes.
const MAX_TOKEN: usize = 16 * 1_024;

/// Seals the state of a sign-in to the text of a refresh token.
pub fn seal(keyring: &Keyring, entropy: &dyn Entropy, state: &[u8]) -> String {
    let mut random = [0; ENVELOPE - 5];
    entropy.fill(&mut random);
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);

    let (id, key) = keyring.active_message_key(Purpose::RefreshToken, &random);
    let envelope = [&[VERSION], id.to_be_bytes().as_slice(), &random].concat();
    let protected = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(envelope));
    let sealed = encrypt(&key, &nonce, protected.as_bytes(), state);
    let (ciphertext, tag) = sealed.split_at(sealed.len().saturating_sub(TAG));
    let [nonce, ciphertext, tag] =
        [&nonce, ciphertext, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{protected}.{nonce}.{ciphertext}.{tag}")
}

/// Opens what [`seal`] made.
pub fn open(keyring: &Keyring, token: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    if token.len() > MAX_TOKEN {
        return Err(OpenError::Malformed);
    }
    let mut parts = token.split('.');
    let [header, envelope, nonce, ciphertext, tag] =
        std::array::from_fn(|_| parts.next().unwrap_or_default());
    if header != HEADER || parts.next().is_some() {
        return Err(OpenError::Malformed);
    }
    let protected = [header, envelope].join(".");
    let envelope = decode(envelope)?;
    let [VERSION, id0, id1, id2, id3, random @ ..] = envelope.as_slice() else {
        return Err(OpenError::Malformed);
    };
    let id = u32::from_be_bytes([*id0, *id1, *id2, *id3]);
    let sealed = [decode(ciphertext)?, decode(tag)?].concat();
    let key = keyring.message_key(id, Purpose::RefreshToken, random)?;
    decrypt(&key, &decode(nonce)?, protected.as_bytes(), &sealed)
}

fn decode(part: &str) -> Result<Vec<u8>, OpenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| OpenError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use proptest::prelude::*;

    use super::*;
    use crate::sealing::DataKey;

    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn keyring(id: u32) -> (Keyring, Counting) {
        let entropy = Counting(AtomicU8::new(0));
        (Keyring::new(&DataKey::generate(id, &entropy)), entropy)
    }

    #[test]
    fn a_refresh_token_has_the_form_of_the_services() {
        let (keyring, entropy) = keyring(3);
        let token = seal(&keyring, &entropy, &[7; 300]);
        let prefix = "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ.";
        assert!(token.starts_with(prefix));
        assert_eq!(decode(HEADER).unwrap(), br#"{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}"#);
        let lengths: Vec<_> = token.split('.').map(|part| decode(part).unwrap().len()).collect();
        assert_eq!(lengths[1..], [256, 12, 300, 16]);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
        assert_eq!(token.len(), 446 + 400);
    }

    #[test]
    fn the_state_comes_back_also_after_another_key_is_activated() {
        let (keyring, entropy) = keyring(3);
        for state in [&b""[..], b"state", &[0; 2_000]] {
            let token = seal(&keyring, &entropy, state);
            keyring.add(&DataKey::generate(4, &entropy));
            keyring.activate(4);
            assert_eq!(*open(&keyring, &token).unwrap(), state);
        }
    }

    #[test]
    fn two_tokens_of_one_state_differ() {
        let (keyring, entropy) = keyring(3);
        assert_ne!(seal(&keyring, &entropy, b"state"), seal(&keyring, &entropy, b"state"));
    }

    #[test]
    fn any_altered_character_makes_a_token_invalid() {
        let (keyring, entropy) = keyring(3);
        let token = seal(&keyring, &entropy, b"state of a sign-in");
        for position in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(open(&keyring, &altered).is_err(), "{position}");
            assert!(open(&keyring, &token[..position]).is_err(), "{position}");
        }
        assert!(open(&keyring, &format!("{token}.")).is_err());
    }

    #[test]
    fn a_token_of_a_key_that_is_not_loaded_names_it() {
        let ((ours, entropy), (theirs, _)) = (keyring(3), keyring(4));
        let token = seal(&theirs, &entropy, b"state");
        assert_eq!(open(&ours, &token).unwrap_err(), OpenError::UnknownKey(4));
    }

    #[test]
    fn something_sealed_for_another_purpose_is_no_refresh_token() {
        let (keyring, entropy) = keyring(3);
        let session = keyring.seal_text(Purpose::ChallengeSession, b"", b"state", &entropy);
        assert_eq!(open(&keyring, &session).unwrap_err(), OpenError::Malformed);
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_does_not_panic(parts in "[A-Za-z0-9_=.-]{0,700}") {
            let (keyring, _) = keyring(3);
            prop_assert!(open(&keyring, &parts).is_err());
            let with_header = format!("{HEADER}.{parts}");
            prop_assert!(open(&keyring, &with_header).is_err());
        }
    }
}
