//! How a password is kept: a random salt and the SRP verifier `g^x`, from which the password can't
//! be computed. SRP sign-in uses the verifier; sign-in with the plain password computes it again
//! and compares.
//!
//! A verifier is not as slow to guess as a password hash made for storage, because SRP fixes the
//! hash. What protects a stolen database is that verifiers are sealed ([`crate::sealing`]).

use poolhouse_bignum::{self as bignum, Number};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    ports::Entropy,
    sealing::hmac_sha256,
    srp::{self, Party},
};

/// Bytes of a salt.
const SALT_BYTES: usize = 16;

/// A salt and a verifier. Wiped when dropped, never printed.
///
/// The verifier depends on the username, which therefore can't change. `==` is for tests; it is not
/// constant-time.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PasswordVerifier {
    /// 16 random bytes, read as a big-endian integer.
    pub salt: [u8; SALT_BYTES],
    /// `g^x mod N`, big-endian without leading zeros.
    pub verifier: Vec<u8>,
}

impl PasswordVerifier {
    /// Makes a salt and the verifier for a password. One power of `g`: run it on a worker.
    pub fn register(
        user_pool_id: &str,
        username: &str,
        password: &str,
        entropy: &dyn Entropy,
    ) -> Self {
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let verifier = srp::verifier(Party::user(user_pool_id, username), &salt, password);
        Self { salt, verifier: verifier.to_vec() }
    }

    /// Whether this is the user's password; constant-time. One power of `g`: run it on a worker.
    pub fn matches(&self, user_pool_id: &str, username: &str, password: &str) -> bool {
        let party = Party::user(user_pool_id, username);
        let claimed = srp::verifier_number(party, &self.salt, password);
        claimed.equals(&Number::from_bytes(&self.verifier))
    }

    /// What stands in for a user that does not exist, so that a sign-in costs and looks the same: a
    /// salt that is always the same for a name (in any case) of a pool, and a verifier that no
    /// password leads to. Takes microseconds; [`Self::matches`] on it takes what it takes for a
    /// real user.
    ///
    /// `key` is a secret of the installation that does not change, for example from
    /// [`crate::sealing::Keyring::stable_mac`].
    pub fn simulated(user_pool_id: &str, username: &str, key: &[u8; 32]) -> Self {
        let name = username.to_lowercase();
        let block = |label: &[u8], counter: u8| {
            let parts = [label, &[counter], user_pool_id.as_bytes(), b"\0", name.as_bytes()];
            hmac_sha256(key, &parts)
        };
        let mut salt = [0; SALT_BYTES];
        for (byte, from) in salt.iter_mut().zip(block(b"salt", 0)) {
            *byte = from;
        }
        let blocks: Vec<u8> = (0..12).flat_map(|counter| block(b"verifier", counter)).collect();
        let number = Number::from_bytes(&Zeroizing::new(blocks));
        // Every verifier is a square modulo N, since g is one.
        Self { salt, verifier: bignum::multiply(&number, &number).to_bytes().to_vec() }
    }

    /// `SALT`: the salt in hexadecimal digits without leading zeros.
    pub fn salt_hex(&self) -> String {
        srp::to_hex(&self.salt)
    }

    /// One string of bytes for storage: salt, then verifier. Seal it.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.salt.as_slice(), &self.verifier].concat())
    }

    /// Reads [`Self::to_bytes`]; `None` if there is no verifier in it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (salt, verifier) = bytes.split_first_chunk()?;
        (!verifier.is_empty()).then(|| Self { salt: *salt, verifier: verifier.to_vec() })
    }
}

impl std::fmt::Debug for PasswordVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordVerifier(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    const POOL: &str = "us-east-1_TestPool1";

    #[test]
    fn only_the_registered_password_of_the_registered_user_matches() {
        let stored = PasswordVerifier::register(POOL, "ada", "Correct-Horse-9!", &Fixed(7));
        assert!(stored.matches(POOL, "ada", "Correct-Horse-9!"));
        assert!(!stored.matches(POOL, "ada", "correct-horse-9!"));
        assert!(!stored.matches(POOL, "ada", ""));
        assert!(!stored.matches(POOL, "Ada", "Correct-Horse-9!"));
        assert!(!stored.matches("us-east-1_TestPool2", "ada", "Correct-Horse-9!"));
    }

    #[test]
    fn the_salt_is_random_and_written_without_leading_zeros() {
        let one = PasswordVerifier::register(POOL, "ada", "pw", &Fixed(1));
        let two = PasswordVerifier::register(POOL, "ada", "pw", &Fixed(2));
        assert_ne!(one.verifier, two.verifier);
        assert_eq!(one.salt_hex(), format!("1{}", "01".repeat(15)));
    }

    #[test]
    fn a_simulated_user_has_a_stable_salt_and_no_password() {
        let simulated = PasswordVerifier::simulated(POOL, "Nobody", &[3; 32]);
        assert_eq!(simulated, PasswordVerifier::simulated(POOL, "nobody", &[3; 32]));
        assert!(!simulated.matches(POOL, "Nobody", "Correct-Horse-9!"));
        assert!((370..=384).contains(&simulated.verifier.len()));
        for other in [
            PasswordVerifier::simulated(POOL, "somebody", &[3; 32]),
            PasswordVerifier::simulated("us-east-1_TestPool2", "nobody", &[3; 32]),
            PasswordVerifier::simulated(POOL, "nobody", &[4; 32]),
        ] {
            assert_ne!(simulated.salt, other.salt);
            assert_ne!(simulated.verifier, other.verifier);
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let stored = PasswordVerifier::register(POOL, "ada", "pw", &Fixed(1));
        assert_eq!(PasswordVerifier::from_bytes(&stored.to_bytes()), Some(stored));
        assert_eq!(PasswordVerifier::from_bytes(&[1; 16]), None);
        assert_eq!(PasswordVerifier::from_bytes(&[]), None);
    }

    #[test]
    fn a_verifier_does_not_print() {
        let stored = PasswordVerifier::register(POOL, "ada", "pw", &Fixed(1));
        assert_eq!(format!("{stored:?}"), "PasswordVerifier(***)");
    }
}
