//! What stands in the way of deleting a user pool.

use super::UserPool;
use crate::shapes::DeletionProtectionType;

/// Why a pool can't be deleted. The texts are the service's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeletionRefused {
    /// The pool is protected. (The text is a belief that other implementations share.)
    #[error(
        "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first."
    )]
    Protected,
    /// People may be signing in at the pool's domain.
    #[error(
        "User pool cannot be deleted. It has a domain configured that should be deleted first."
    )]
    HasDomain,
    /// The pool has a replica in another region. (That it is in the way, and the text, are
    /// beliefs.)
    #[error("User pool cannot be deleted. It has a replica that should be deleted first.")]
    HasReplica,
}

impl UserPool {
    /// Whether the pool may be deleted now.
    pub fn check_deletion(&self, has_replica: bool) -> Result<(), DeletionRefused> {
        if self.settings.deletion_protection == Some(DeletionProtectionType::Active) {
            return Err(DeletionRefused::Protected);
        }
        if self.has_domain() {
            return Err(DeletionRefused::HasDomain);
        }
        if has_replica {
            return Err(DeletionRefused::HasReplica);
        }
        Ok(())
    }
}
