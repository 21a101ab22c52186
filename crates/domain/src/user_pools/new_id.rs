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
        id.extend(
            character
                .filter(|_| byte < FAIR)
                .map(|character| char::from(*character)),
        );
    }
    id
}
