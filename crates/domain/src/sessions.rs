//! What the store remembers of sign-ins: things used up, and sign-ins that were revoked.
//!
//! A sign-in itself writes nothing: what a client carries between steps is sealed, not stored. Only
//! pools that track sessions keep a record of each ([`tracking`]).

mod device;
pub mod tracking;

use async_trait::async_trait;

use crate::{fault::Fault, time::Timestamp};

/// Storage of used-up ids and revoked sign-ins.
#[async_trait]
pub trait Sessions: Send {
    /// Marks a one-time id (of a challenge session, a secret block, a rotated refresh token) as
    /// used. Answers when it was used first, if that was before.
    async fn spend(
        &mut self,
        id: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<Timestamp>, Fault>;

    /// When a one-time id was used, if it was.
    async fn spent_at(&mut self, id: &str) -> Result<Option<Timestamp>, Fault>;

    /// Revokes all tokens that descend from a sign-in. Kept until `expires_at`, when the last of
    /// them would have expired.
    async fn revoke_origin(
        &mut self,
        user_pool_id: &str,
        origin_jti: &str,
        expires_at: Timestamp,
    ) -> Result<(), Fault>;
}
