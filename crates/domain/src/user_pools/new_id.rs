//! Ids of new user pools.

use crate::ports::{Entropy, Identity};

/// Letters and digits of the part after the region.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Length of the part after the region.
const LENGTH: usize = 9;
/// The largest multiple of the alphabet's size in a byte: bytes from here on are thrown away, so
/// that every character is equally likely.
const FAIR: u8 = 248;

/// A new id: the region, `_`, and nine random letters and digits.
pub fn new_id(identity: &Identity, entropy: &dyn Entropy) -> String {
    let mut id = format!("{}_", identity.region);
    let whole = id.len() + LENGTH;
    while id.len() < whole {
        let mut byte = [0];
        entropy.fill(&mut byte);
        let [byte] = byte;
        let character = ALPHABET.get(usize::from(byte) % ALPHABET.len());
        id.extend(character.filter(|_| byte < FAIR).map(|character| char::from(*character)));
    }
    id
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Every byte in turn.
    struct Counter(AtomicU8);

    impl Entropy for Counter {
        fn fill(&self, buffer: &mut [u8]) {
            for byte in buffer {
                *byte = self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn bytes_that_would_favour_some_characters_are_thrown_away() {
        let identity = Identity {
            region: "eu-west-1".to_owned(),
            account_id: String::new(),
            issuer_base: String::new(),
        };
        let entropy = Counter(AtomicU8::new(244));
        assert_eq!(new_id(&identity, &entropy), "eu-west-1_wxyz01234");
    }
}
