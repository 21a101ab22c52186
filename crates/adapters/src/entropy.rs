//! Randomness from the cryptographic library, which seeds itself from the operating system.

use poolhouse_domain::ports::Entropy;

/// The generator of aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the port's only real implementation")]
    fn fill(&self, buffer: &mut [u8]) {
        if aws_lc_rs::rand::fill(buffer).is_err() {
            // Going on with predictable keys, codes or salts would be worse than stopping.
            tracing::error!("the system's random number generator failed: stopping");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_buffer_is_filled_with_something_else() {
        let (mut one, mut two) = ([0_u8; 32], [0_u8; 32]);
        SystemEntropy.fill(&mut one);
        SystemEntropy.fill(&mut two);
        assert!(one != two && one != [0; 32] && two != [0; 32]);
    }
}
