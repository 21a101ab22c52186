//! Operations that sign users in. The public and the administrators' operations share their flow;
//! they differ in who may call them and in what they say about flows.

mod admin_initiate_auth;
mod admin_respond_to_auth_challenge;
#[cfg(test)]
mod choice_tests;
#[cfg(test)]
mod existence_answer_tests;
#[cfg(test)]
mod existence_tests;
mod initiate_auth;
#[cfg(test)]
mod lock_tests;
mod respond_to_auth_challenge;
#[cfg(test)]
mod second_factor_tests;
#[cfg(test)]
mod step_up_tests;
#[cfg(test)]
mod trigger_tests;

use poolhouse_domain::{
    auth::{
        Missing, Outcome, answer::AnswerRefused, first_factor::SignInRefused,
        new_password::NewPasswordRefused, session::SessionRefused, start::StartRefused,
        step_up::LevelsRefused,
    },
    secret_hash::SecretHashRefused,
    shapes::{AuthenticationResultType, ChallengeNameType, NewDeviceMetadataType},
    tokens::{issue::Tokens, refresh::RefreshRefused},
};
use poolhouse_wire::{Operation, Permits, codes};

use crate::{
    failure::{Failure, invalid_parameter, not_authorized, trigger_failed, unavailable_in_tier},
    subject::token_refused,
};

/// What the four operations answer.
#[derive(Default)]
struct Step {
    challenge_name: Option<ChallengeNameType>,
    session: Option<String>,
    parameters: std::collections::BTreeMap<String, String>,
    result: Option<AuthenticationResultType>,
    available: Option<Vec<ChallengeNameType>>,
}

impl From<Outcome> for Step {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::SignedIn(tokens) => {
                Self { result: Some(authentication_result(tokens)), ..Self::default() }
            }
            // The end of sign-ins at the pages, which the operations never start.
            Outcome::Proved(_) => Self::default(),
            Outcome::Challenged(challenge) => Self {
                challenge_name: Some(challenge.name),
                session: challenge.session,
                parameters: challenge.parameters,
                ..Self::default()
            },
            Outcome::Offered(challenge, available) => {
                Self { available: Some(available), ..Outcome::Challenged(challenge).into() }
            }
        }
    }
}

/// Tokens as the protocol shows them.
pub(crate) fn authentication_result(tokens: Tokens) -> AuthenticationResultType {
    AuthenticationResultType {
        access_token: Some(tokens.access.into()),
        expires_in: i32::try_from(tokens.expires_in).ok(),
        token_type: Some("Bearer".to_owned()),
        refresh_token: tokens.refresh.map(Into::into),
        id_token: tokens.id.map(Into::into),
        new_device_metadata: tokens.new_device.map(|device| NewDeviceMetadataType {
            device_key: Some(device.key),
            device_group_key: Some(device.group_key),
        }),
    }
}

/// What is said when a sign-in can't start. `disabled_flow` is the operation's text for a flow that
/// the client doesn't allow.
fn start_refused<Op>(refused: StartRefused, client_id: &str, disabled_flow: String) -> Failure<Op>
where
    Op: Operation
        + Permits<codes::FeatureUnavailableInTierException>
        + Permits<codes::InvalidParameterException>
        + Permits<codes::MFAMethodNotFoundException>
        + Permits<codes::NotAuthorizedException>
        + Permits<codes::InvalidLambdaResponseException>
        + Permits<codes::PasswordResetRequiredException>
        + Permits<codes::ResourceNotFoundException>
        + Permits<codes::UnexpectedLambdaException>
        + Permits<codes::UnsupportedOperationException>
        + Permits<codes::UserLambdaValidationException>
        + Permits<codes::UserNotConfirmedException>
        + Permits<codes::UserNotFoundException>,
{
    match refused {
        StartRefused::Levels(refused) => levels_refused(refused),
        StartRefused::FlowNotEnabled(_) => invalid_parameter(disabled_flow),
        StartRefused::WrongOperation => invalid_parameter("Initiate Auth method not supported."),
        StartRefused::NoCustomAuthTrigger => no_custom_auth_trigger(),
        // Belief: the service's text for this is not on record.
        StartRefused::UnknownPreference => invalid_parameter("Invalid PREFERRED_CHALLENGE."),
        StartRefused::Session(refused) => session_refused(refused),
        StartRefused::Missing(missing) => missing_parameter(missing),
        // Belief: the service's text for this is not on record.
        StartRefused::BadSrpA => invalid_parameter("SRP_A is not a hexadecimal number."),
        StartRefused::SecretHash(refused) => secret_hash_refused(refused, client_id),
        StartRefused::RefreshSecretHash => {
            not_authorized(format!("SecretHash does not match for the client: {client_id}"))
        }
        StartRefused::RotationOn => Failure::new(
            codes::UnsupportedOperationException,
            "This API does not support refresh token rotation",
        ),
        StartRefused::Refresh(RefreshRefused::UserGone) => crate::failure::user_not_found(),
        StartRefused::Refresh(refused) => refresh_refused(refused),
        StartRefused::SignIn(refused) => sign_in_refused(refused, client_id),
    }
}

/// What is said of levels that can't be aimed at. All texts are beliefs, but for those of tokens.
fn levels_refused<Op>(refused: LevelsRefused) -> Failure<Op>
where
    Op: Operation
        + Permits<codes::FeatureUnavailableInTierException>
        + Permits<codes::InvalidParameterException>
        + Permits<codes::NotAuthorizedException>,
{
    match refused {
        LevelsRefused::Tier(refused) => unavailable_in_tier(&refused),
        LevelsRefused::NoneValid => {
            invalid_parameter("None of the TARGET_ACR_VALUES is valid for the user pool.")
        }
        LevelsRefused::NoTarget => {
            invalid_parameter("Missing required parameter TARGET_ACR_VALUES")
        }
        LevelsRefused::BadMaxAge => invalid_parameter("MAX_AGE is not a number of seconds."),
        LevelsRefused::Token(refused) => token_refused(refused),
        LevelsRefused::OtherUser => not_authorized("Invalid Access Token"),
    }
}

/// What is said of an answer to a challenge that is not accepted.
fn answer_refused<Op>(refused: AnswerRefused, client_id: &str) -> Failure<Op>
where
    Op: Permits<codes::AliasExistsException>
        + Permits<codes::CodeMismatchException>
        + Permits<codes::ExpiredCodeException>
        + Permits<codes::InvalidLambdaResponseException>
        + Permits<codes::InvalidParameterException>
        + Permits<codes::InvalidPasswordException>
        + Permits<codes::MFAMethodNotFoundException>
        + Permits<codes::NotAuthorizedException>
        + Permits<codes::PasswordHistoryPolicyViolationException>
        + Permits<codes::PasswordResetRequiredException>
        + Permits<codes::ResourceNotFoundException>
        + Permits<codes::SoftwareTokenMFANotFoundException>
        + Permits<codes::TooManyRequestsException>
        + Permits<codes::UnexpectedLambdaException>
        + Permits<codes::UserLambdaValidationException>
        + Permits<codes::UserNotConfirmedException>
        + Permits<codes::UserNotFoundException>,
{
    match refused {
        AnswerRefused::Missing(missing) => missing_parameter(missing),
        AnswerRefused::SecretHash(refused) => secret_hash_refused(refused, client_id),
        AnswerRefused::Session(refused) => session_refused(refused),
        AnswerRefused::SignIn(refused) => sign_in_refused(refused, client_id),
        AnswerRefused::NewPassword(refused) => new_password_refused(refused),
        AnswerRefused::WrongTotpCode => {
            Failure::new(codes::CodeMismatchException, "Invalid code received for user")
        }
        AnswerRefused::UsedTotpCode => Failure::new(
            codes::ExpiredCodeException,
            "Your software token has already been used once.",
        ),
        AnswerRefused::NoSoftwareToken => Failure::new(
            codes::SoftwareTokenMFANotFoundException,
            "Software Token MFA does not exist for the user.",
        ),
        AnswerRefused::WrongSentCode => {
            Failure::new(codes::CodeMismatchException, "Invalid code or auth state for the user.")
        }
        AnswerRefused::TooManyWrongCodes => too_many_codes(),
        // Belief: the service's text for this is not on record.
        AnswerRefused::BadSrpA => invalid_parameter("SRP_A is not a hexadecimal number."),
        AnswerRefused::BadAddress => invalid_parameter("Invalid email address format."),
        AnswerRefused::AliasTaken(taken) => crate::attributes::alias_taken(&taken),
        // Belief: the service's text for this is not on record.
        AnswerRefused::NotOffered => invalid_parameter("Invalid MFA type selected."),
        // Beliefs, too, but for the text of bad data, which is that of registrations.
        AnswerRefused::NotAvailable => invalid_parameter("Selected challenge is not available."),
        AnswerRefused::BadCredential => invalid_parameter("Credential data is not valid"),
        AnswerRefused::UnknownChallenge(name) => {
            invalid_parameter(format!("Poolhouse does not offer the challenge {name} yet."))
        }
    }
}

/// Too many wrong codes within an hour. The operations that check codes of software tokens don't
/// list `LimitExceededException`, so this is the type for requests that come too often.
pub(crate) fn too_many_codes<Op>() -> Failure<Op>
where
    Op: Permits<codes::TooManyRequestsException>,
{
    Failure::new(
        codes::TooManyRequestsException,
        "Attempt limit exceeded, please try after some time.",
    )
}

fn missing_parameter<Op>(Missing(name): Missing) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    invalid_parameter(format!("Missing required parameter {name}"))
}

fn secret_hash_refused<Op>(refused: SecretHashRefused, client_id: &str) -> Failure<Op>
where
    Op: Permits<codes::NotAuthorizedException>,
{
    not_authorized(match refused {
        SecretHashRefused::Missing => {
            format!("Client {client_id} is configured with secret but SECRET_HASH was not received")
        }
        SecretHashRefused::Wrong => format!("Unable to verify secret hash for client {client_id}"),
    })
}

fn sign_in_refused<Op>(refused: SignInRefused, client_id: &str) -> Failure<Op>
where
    Op: Permits<codes::InvalidLambdaResponseException>
        + Permits<codes::InvalidParameterException>
        + Permits<codes::MFAMethodNotFoundException>
        + Permits<codes::NotAuthorizedException>
        + Permits<codes::PasswordResetRequiredException>
        + Permits<codes::ResourceNotFoundException>
        + Permits<codes::UnexpectedLambdaException>
        + Permits<codes::UserLambdaValidationException>
        + Permits<codes::UserNotConfirmedException>
        + Permits<codes::UserNotFoundException>,
{
    match refused {
        SignInRefused::UnknownUser => crate::failure::user_not_found(),
        SignInRefused::WrongPassword => not_authorized("Incorrect username or password."),
        SignInRefused::Locked => not_authorized("Password attempts exceeded"),
        SignInRefused::Disabled => not_authorized("User is disabled."),
        SignInRefused::NotConfirmed => {
            Failure::new(codes::UserNotConfirmedException, "User is not confirmed.")
        }
        SignInRefused::ResetRequired => Failure::new(
            codes::PasswordResetRequiredException,
            "Password reset required for the user",
        ),
        // Belief: the service's text for this is not on record.
        SignInRefused::Blocked => not_authorized("Unable to login because of security reasons."),
        SignInRefused::TemporaryPasswordExpired => {
            not_authorized("Temporary password has expired and must be reset by an administrator.")
        }
        SignInRefused::NoSecondFactor => Failure::new(
            codes::MFAMethodNotFoundException,
            // As the service spells it.
            "No MFA mechanism registerd in the account.",
        ),
        SignInRefused::UnknownDevice => crate::devices::no_device(),
        SignInRefused::Trigger(failed) => trigger_failed(failed),
        SignInRefused::NoCustomAuthTrigger => no_custom_auth_trigger(),
        SignInRefused::MigrationFailed => migration_failed(client_id),
    }
}

fn no_custom_auth_trigger<Op>() -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    invalid_parameter("Custom auth lambda trigger is not configured for the user pool.")
}

/// What is said when somebody unknown might have been brought over, and wasn't.
pub(crate) fn migration_failed<Op>(client_id: &str) -> Failure<Op>
where
    Op: Permits<codes::UserNotFoundException>,
{
    let text = format!("Exception migrating user in app client {client_id}");
    Failure::new(codes::UserNotFoundException, text)
}

/// What is said of a challenge session that is not accepted.
pub(crate) fn session_refused<Op>(refused: SessionRefused) -> Failure<Op>
where
    Op: Permits<codes::NotAuthorizedException>,
{
    not_authorized(match refused {
        SessionRefused::Invalid => "Invalid session for the user.",
        SessionRefused::Expired => "Invalid session for the user, session is expired.",
        SessionRefused::Spent => "Invalid session for the user, session can only be used once.",
    })
}

/// What is said of a refresh token that is not accepted. `Reused` belongs to rotation, which only
/// `GetTokensFromRefreshToken` does; it maps that itself.
pub(crate) fn refresh_refused<Op>(refused: RefreshRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidLambdaResponseException>
        + Permits<codes::NotAuthorizedException>
        + Permits<codes::UnexpectedLambdaException>
        + Permits<codes::UserLambdaValidationException>,
{
    not_authorized(match refused {
        RefreshRefused::Trigger(failed) => return trigger_failed(failed),
        RefreshRefused::Invalid | RefreshRefused::UserGone => "Invalid Refresh Token.",
        RefreshRefused::Expired => "Refresh Token has expired",
        RefreshRefused::Revoked | RefreshRefused::Reused => "Refresh Token has been revoked",
        RefreshRefused::UserDisabled => "User is disabled.",
    })
}

/// What is said of a new password, or of the attributes that came with it.
fn new_password_refused<Op>(refused: NewPasswordRefused) -> Failure<Op>
where
    Op: Permits<codes::AliasExistsException>
        + Permits<codes::InvalidParameterException>
        + Permits<codes::InvalidPasswordException>
        + Permits<codes::NotAuthorizedException>
        + Permits<codes::PasswordHistoryPolicyViolationException>,
{
    match refused {
        NewPasswordRefused::Password(refused) => crate::passwords::refusal(refused),
        NewPasswordRefused::PasswordKnown => crate::passwords::known_to_others(),
        NewPasswordRefused::PasswordUsed => crate::passwords::used_before(),
        NewPasswordRefused::AttributeMissing(name) => {
            invalid_parameter(format!("Invalid attributes given, {name} is missing"))
        }
        NewPasswordRefused::AlreadyProvided(name) => {
            not_authorized(format!("Cannot modify an already provided {name}"))
        }
        NewPasswordRefused::NotMutable(name) => {
            invalid_parameter(format!("Cannot modify the non-mutable attribute {name}"))
        }
        NewPasswordRefused::Attribute(refused) => crate::attributes::refusal(refused),
        NewPasswordRefused::AliasTaken(taken) => crate::attributes::alias_taken(&taken),
    }
}
