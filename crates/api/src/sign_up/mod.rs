//! Operations with which users make and confirm their own accounts.

mod admin_confirm_sign_up;
mod confirm_sign_up;
mod resend_confirmation_code;
#[expect(clippy::module_inception, reason = "a file has the name of its operation")]
mod sign_up;

use poolhouse_domain::{
    ports::Ports, sealing::Purpose, shapes::UserStatusType, user_pools::UserPool, users::User,
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, not_authorized};

/// Under which name attempts are counted: the user's `sub`; for nobody, a keyed hash of what was
/// typed, which may be anything.
pub(crate) fn counted_subject(
    ports: &Ports,
    pool: &UserPool,
    user: Option<&User>,
    name: &str,
) -> String {
    let hash_of = |name: &str| {
        let key = pool.name_key(name);
        hex::encode(ports.keyring.stable_mac(Purpose::SimulatedUser, key.as_bytes()))
    };
    user.map_or_else(|| hash_of(name), |user| user.sub.clone())
}

/// What is said of a name that nobody has in operations without sign-in.
pub(crate) fn no_such_user<Op>() -> Failure<Op>
where
    Op: Permits<codes::UserNotFoundException>,
{
    Failure::new(codes::UserNotFoundException, "Username/client id combination not found.")
}

/// What is said of a user who is past confirmation.
fn not_unconfirmed<Op>(status: UserStatusType) -> Failure<Op>
where
    Op: Permits<codes::NotAuthorizedException>,
{
    not_authorized(format!("User cannot be confirmed. Current status is {status}"))
}
