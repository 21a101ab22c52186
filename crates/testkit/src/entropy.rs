//! Randomness that is the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use poolhouse_domain::ports::Entropy;

/// Bytes that look random and follow from a seed: SHA-256 over the seed and a counter. For tests
/// only, as whoever knows the seed knows the bytes.
pub struct SeededEntropy {
    seed: u64,
    blocks: AtomicU64,
}

impl SeededEntropy {
    /// Starts the sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed, blocks: AtomicU64::new(0) }
    }

    /// The next 32 bytes of the sequence.
    fn block(&self) -> [u8; 32] {
        let number = self.blocks.fetch_add(1, Ordering::Relaxed);
        let mut input = [0; 16];
        let (seed, counter) = input.split_at_mut(8);
        seed.copy_from_slice(&self.seed.to_be_bytes());
        counter.copy_from_slice(&number.to_be_bytes());
        let mut block = [0; 32];
        block.copy_from_slice(digest(&SHA256, &input).as_ref());
        block
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            for (byte, random) in chunk.iter_mut().zip(self.block()) {
                *byte = random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first 40 bytes of a seed.
    fn bytes(entropy: &SeededEntropy) -> [u8; 40] {
        let mut bytes = [0; 40];
        entropy.fill(&mut bytes);
        bytes
    }

    #[test]
    fn a_seed_always_yields_the_same_bytes_and_never_repeats_itself() {
        let (one, other) = (SeededEntropy::new(1), SeededEntropy::new(1));
        let first = bytes(&one);
        assert_eq!(first, bytes(&other));
        assert_ne!(first, bytes(&one));
        assert_ne!(first, bytes(&SeededEntropy::new(2)));
    }
}
