//! Code written by `cargo xtask codegen` from `model/cognito-idp.json`; never edited by hand.

pub mod codes;
mod constraints;
pub mod operations;
mod patterns;
#[cfg(feature = "model-cases")]
pub(crate) mod shapes;
pub mod types;

#[cfg(test)]
mod tests {
    use super::patterns;

    #[test]
    fn every_pattern_compiles() {
        for pattern in patterns::ALL {
            assert!(pattern.compiles(), "{}", pattern.text());
        }
    }
}
