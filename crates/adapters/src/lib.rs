//! The outside world: mail, text messages, documents of other servers, functions of triggers,
//! destinations of logs, key services, key files, compromised passwords, request signatures, threads,
//! clock, randomness.
//!
//! Everything here implements a port of [`poolhouse_domain`] or is a function that the binary
//! calls at its edge. The rules of user pools are elsewhere.

pub mod aws;
pub mod clock;
pub mod compromised_passwords;
pub mod entropy;
pub mod fetcher;
pub mod functions;
mod https;
pub mod inbox;
pub mod kms;
pub mod log_sinks;
pub mod master_key;
pub mod signature;
pub mod sms;
pub mod smtp;
pub mod workers;
