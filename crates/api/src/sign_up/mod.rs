//! Operations with which users make and confirm their own accounts.

mod admin_confirm_sign_up;
mod confirm_sign_up;
mod resend_confirmation_code;
#[expect(clippy::module_inception, reason = "a file has the name of its operation")]
mod sign_up;

use poolhouse_domain::shapes::UserStatusType;
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, not_authorized};

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
