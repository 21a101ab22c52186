//! Tokens: signing keys, ID and access tokens, refresh tokens, revocation.

pub mod access;
pub mod claims;
mod customize;
pub mod exchange;
pub mod issue;
pub mod issuer;
pub mod jwe;
pub mod jwt;
pub mod keys;
pub mod machine;
pub mod refresh;
pub mod revoke;
mod rotation;
pub mod scopes;
