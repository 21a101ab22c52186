//! Refusals as pages say them.

use poolhouse_domain::{
    auth::{
        answer::AnswerRefused, first_factor::SignInRefused, new_password::NewPasswordRefused,
        start::StartRefused,
    },
    self_service::Refusal,
};

use crate::pages::{Problem, field};

/// What is said of an operation that refuses. Where pages have no words of their own for it, those of
/// the operation are shown.
pub(super) fn of_operation(refusal: Refusal) -> Problem {
    match refusal.name.as_str() {
        "CodeMismatchException" | "EnableSoftwareTokenMFAException" => Problem::WrongCode,
        "ExpiredCodeException" => Problem::ExpiredCode,
        "LimitExceededException"
        | "TooManyRequestsException"
        | "TooManyFailedAttemptsException" => Problem::TooManyAttempts,
        "UsernameExistsException" => Problem::UsernameExists,
        "AliasExistsException" => Problem::AliasExists,
        "InvalidPasswordException" => Problem::PasswordPolicy,
        "PasswordHistoryPolicyViolationException" => Problem::PasswordReused,
        "CodeDeliveryFailureException" => Problem::NotDelivered,
        _ => Problem::Text(refusal.message),
    }
}

/// What is said to somebody who can't begin to sign in.
pub(super) fn of_start(refused: &StartRefused) -> Problem {
    match refused {
        StartRefused::SignIn(refused) => of_sign_in(refused),
        StartRefused::Session(_) => Problem::Expired,
        _ => Problem::Credentials,
    }
}

/// What is said to somebody who can't sign in.
pub(super) fn of_sign_in(refused: &SignInRefused) -> Problem {
    match refused {
        SignInRefused::UnknownUser => Problem::Text("User does not exist.".to_owned()),
        SignInRefused::WrongPassword
        | SignInRefused::MigrationFailed
        | SignInRefused::NoSecondFactor
        | SignInRefused::UnknownDevice
        | SignInRefused::NoCustomAuthTrigger => Problem::Credentials,
        SignInRefused::Locked => Problem::TooManyAttempts,
        SignInRefused::Disabled => Problem::Disabled,
        SignInRefused::NotConfirmed => Problem::NotConfirmed,
        SignInRefused::ResetRequired => Problem::ResetRequired,
        SignInRefused::TemporaryPasswordExpired => Problem::Text(
            "Temporary password has expired and must be reset by an administrator.".to_owned(),
        ),
        SignInRefused::Blocked => {
            Problem::Text("Unable to login because of security reasons.".to_owned())
        }
        SignInRefused::Trigger(failed) => Problem::Text(failed.text().to_owned()),
    }
}

/// What is said of an answer after which another may follow; none where the sign-in has to start
/// again.
pub(super) fn of_answer(refused: &AnswerRefused) -> Option<Problem> {
    match refused {
        AnswerRefused::WrongTotpCode | AnswerRefused::WrongSentCode => Some(Problem::WrongCode),
        AnswerRefused::UsedTotpCode => Some(Problem::ExpiredCode),
        AnswerRefused::TooManyWrongCodes => Some(Problem::TooManyAttempts),
        AnswerRefused::NewPassword(refused) => Some(of_new_password(refused)),
        AnswerRefused::AliasTaken(_) => Some(Problem::AliasExists),
        AnswerRefused::SignIn(refused @ (SignInRefused::WrongPassword | SignInRefused::Locked)) => {
            Some(of_sign_in(refused))
        }
        _ => None,
    }
}

fn of_new_password(refused: &NewPasswordRefused) -> Problem {
    match refused {
        NewPasswordRefused::Password(_) => Problem::PasswordPolicy,
        NewPasswordRefused::PasswordUsed => Problem::PasswordReused,
        NewPasswordRefused::PasswordKnown => Problem::PasswordCompromised,
        NewPasswordRefused::AttributeMissing(name) => Problem::Missing(field::attribute(name)),
        NewPasswordRefused::AlreadyProvided(name) | NewPasswordRefused::NotMutable(name) => {
            Problem::InvalidAttribute(name.clone())
        }
        NewPasswordRefused::Attribute(_) => {
            Problem::Text("An attribute has a value that it can't have.".to_owned())
        }
        NewPasswordRefused::AliasTaken(_) => Problem::AliasExists,
    }
}
