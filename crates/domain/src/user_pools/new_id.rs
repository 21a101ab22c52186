//! Ids of new user pools.

use crate::{
    ids,
    ports::{Entropy, Identity},
};

/// Length of the part after the region.
const LENGTH: usize = 9;

/// A new id: the region, `_`, and nine random letters and digits.
pub fn new_id(identity: &Identity, entropy: &dyn Entropy) -> String {
    format!("{}_{}", identity.region, ids::letters_and_digits(entropy, LENGTH))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::tokens::issuer::Issuers;

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
            issuers: Issuers::Own,
            domain_suffix: None,
        };
        let entropy = Counter(AtomicU8::new(244));
        assert_eq!(new_id(&identity, &entropy), "eu-west-1_wxyz01234");
    }
}
