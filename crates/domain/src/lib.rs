//! What a user pool is: its entities, state machines and rules, and the ports they need.
//!
//! Nothing here does I/O or knows JSON, SQL or HTTP. Time and randomness arrive as arguments
//! ([`ports::Clock`], [`ports::Entropy`]). Rules answer in two layers: `Result<Result<T, Refused>,
//! Fault>`, where a *refusal* is an expected no (its effects, such as attempt counters, are
//! committed on purpose) and a *fault* is our own failure.
//!
//! Settings of user pools and app clients are kept as the protocol's generated shapes
//! (`poolhouse_wire::types`): see `docs/decisions/0001-settings-are-wire-shapes.md`.

pub mod access_keys;
pub mod app_clients;
pub mod arn;
pub mod attempts;
pub mod attributes;
pub mod auth;
pub mod auth_levels;
pub mod branding;
pub mod caller;
pub mod code_encryption;
pub mod codes;
pub mod data_keys;
pub mod devices;
pub mod directory;
pub mod domains;
pub mod fault;
pub mod groups;
pub mod identity_providers;
pub mod ids;
pub mod key_service;
pub mod limits;
pub mod log_delivery;
pub mod messages;
pub mod mfa_preference;
pub mod network;
pub mod oauth;
pub mod paging;
pub mod passkeys;
pub mod passwords;
pub mod ports;
mod regions;
pub mod replicas;
pub mod resource_servers;
pub mod sealing;
pub mod secret_hash;
pub mod self_service;
pub mod sessions;
pub mod sign_up;
pub mod srp;
pub mod tags;
pub mod terms;
pub mod threat_protection;
pub mod time;
pub mod tokens;
pub mod totp;
pub mod triggers;
mod user_agent;
pub mod user_import;
pub mod user_pools;
pub mod users;

pub use fault::Fault;
pub use poolhouse_wire::types as shapes;
