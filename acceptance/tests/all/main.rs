//! Black-box tests of the server: real clients, real processes, both storage engines.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests, too, end the test when something is not as it should be"
)]

mod authenticator;
mod durability;
mod model_cases;
mod sdk;
mod secrets_at_rest;
mod signatures;
mod srp;
mod user_import;
mod wire;
