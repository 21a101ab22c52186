//! One file per operation of `cognito-idp`: `src/<slice>/<operation>.rs`.
//!
//! A request comes in through [`serve`], which names the operation, checks the signature if the
//! operation asks for one, decodes the input, and hands it to the operation's `handle`
//! ([`dispatch`]). What comes back is encoded, or rendered as an error ([`failure`]).
//!
//! Requests of another service are answered too: those by which functions of custom senders decrypt
//! codes (`key_service`).

mod delivery;
mod dispatch;
pub mod failure;
mod gate;
mod lookup;
#[cfg(test)]
mod missing_tests;
mod pages;
mod requested_code;
mod secret_hash;
mod serve;
pub mod signatures;
mod subject;
#[cfg(test)]
mod subject_tests;
#[cfg(test)]
mod testing;

mod app_clients;
mod attributes;
mod auth;
mod branding;
mod devices;
mod domains;
mod groups;
mod identity_providers;
mod key_service;
mod limits;
mod log_delivery;
mod mfa_preference;
mod passkeys;
mod passwords;
mod replicas;
mod resource_servers;
mod self_service;
mod sessions;
mod sign_up;
mod tags;
mod terms;
mod threat_protection;
mod tokens;
mod totp;
#[cfg(test)]
mod trigger_rows_tests;
mod user_import;
mod user_pools;
#[cfg(test)]
mod user_trigger_tests;
mod users;

pub use key_service::is_for_key_service;
pub use self_service::InProcess;
pub use serve::{ApiRequest, serve};
