//! Operations on passwords: setting, changing, resetting and recovering them.

mod admin_reset_user_password;
mod admin_set_user_password;
mod change_password;
mod confirm_forgot_password;
mod forgot_password;

use poolhouse_domain::passwords::{PasswordRefused, recovery::RecoveryRefused};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, invalid_parameter, not_authorized};

/// What is said of a password that doesn't satisfy the pool's policy.
pub(crate) fn refusal<Op>(refused: PasswordRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidPasswordException>,
{
    let problem = match refused {
        PasswordRefused::TooShort => "Password not long enough",
        PasswordRefused::NoUppercase => "Password must have uppercase characters",
        PasswordRefused::NoLowercase => "Password must have lowercase characters",
        PasswordRefused::NoNumber => "Password must have numeric characters",
        PasswordRefused::NoSymbol => "Password must have symbol characters",
    };
    let message = format!("Password did not conform with policy: {problem}");
    Failure::new(codes::InvalidPasswordException, message)
}

/// What is said of a password that the user had before. (The text is a belief.)
pub(crate) fn used_before<Op>() -> Failure<Op>
where
    Op: Permits<codes::PasswordHistoryPolicyViolationException>,
{
    let message = "Password has previously been used";
    Failure::new(codes::PasswordHistoryPolicyViolationException, message)
}

/// What is said of a password that others know. (Applications in production test for the text.)
pub(crate) fn known_to_others<Op>() -> Failure<Op>
where
    Op: Permits<codes::InvalidPasswordException>,
{
    let message = "Provided password cannot be used for security reasons.";
    Failure::new(codes::InvalidPasswordException, message)
}

/// What is said of a user who gets no recovery code.
fn recovery_refused<Op>(refused: RecoveryRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException> + Permits<codes::NotAuthorizedException>,
{
    match refused {
        RecoveryRefused::AdministratorsOnly => {
            not_authorized("Contact administrator to reset password.")
        }
        RecoveryRefused::WrongState => {
            not_authorized("User password cannot be reset in the current state.")
        }
        RecoveryRefused::NoVerifiedContact => invalid_parameter(
            "Cannot reset password for the user as there is no registered/verified email or \
             phone_number",
        ),
    }
}
