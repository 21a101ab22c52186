//! What an operation answers when it doesn't answer its output.

use std::{fmt, marker::PhantomData};

use poolhouse_domain::{
    Fault, attempts::LimitExceeded, triggers::TriggerFailed, user_pools::TierRefused,
};
use poolhouse_wire::{Code, Operation, Permits, codes};

/// An error answer of the operation `Op`: one of the codes that the model lists for it.
///
/// A code that the model does not list does not compile: typed SDKs would turn it into a generic
/// error.
pub struct Failure<Op> {
    name: &'static str,
    status: u16,
    message: String,
    operation: PhantomData<fn() -> Op>,
}

impl<Op> Failure<Op> {
    /// An error answer with its message, word for word as the service says it.
    pub fn new<C: Code>(_code: C, message: impl Into<String>) -> Self
    where
        Op: Permits<C>,
    {
        Self { name: C::NAME, status: C::STATUS, message: message.into(), operation: PhantomData }
    }

    /// The name of the error type.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl<Op> fmt::Debug for Failure<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// Why an operation has no output.
#[derive(Debug)]
pub enum Unanswered<Op> {
    /// An expected no.
    Refused(Failure<Op>),
    /// A failure of ours.
    Fault(Fault),
}

impl<Op> From<Failure<Op>> for Unanswered<Op> {
    fn from(failure: Failure<Op>) -> Self {
        Self::Refused(failure)
    }
}

impl<Op> From<Fault> for Unanswered<Op> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What an operation's `handle` returns.
pub type Answer<Op> = Result<<Op as Operation>::Output, Unanswered<Op>>;

/// `InvalidParameterException` with this message.
pub fn invalid_parameter<Op>(message: impl Into<String>) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    Failure::new(codes::InvalidParameterException, message)
}

/// `NotAuthorizedException` with this message.
pub fn not_authorized<Op>(message: impl Into<String>) -> Failure<Op>
where
    Op: Permits<codes::NotAuthorizedException>,
{
    Failure::new(codes::NotAuthorizedException, message)
}

/// What is said where a client with a secret sends neither it nor a hash made with it. Sign-in has
/// words of its own.
pub fn secret_missing<Op>(client_id: &str) -> Failure<Op>
where
    Op: Permits<codes::NotAuthorizedException>,
{
    not_authorized(format!(
        "Client {client_id} is configured for secret but secret was not received"
    ))
}

/// A feature and the pool's tier don't go together.
pub fn unavailable_in_tier<Op>(refused: &TierRefused) -> Failure<Op>
where
    Op: Permits<codes::FeatureUnavailableInTierException>,
{
    Failure::new(codes::FeatureUnavailableInTierException, refused.to_string())
}

/// `LimitExceededException` of the limits per user and hour. (Signature fits `map_err`.)
pub fn limit_exceeded<Op>(_: LimitExceeded) -> Failure<Op>
where
    Op: Permits<codes::LimitExceededException>,
{
    Failure::new(
        codes::LimitExceededException,
        "Attempt limit exceeded, please try after some time.",
    )
}

/// A trigger stands in the way. (Signature fits `map_err`.)
pub fn trigger_failed<Op>(failed: TriggerFailed) -> Failure<Op>
where
    Op: Permits<codes::UserLambdaValidationException>
        + Permits<codes::UnexpectedLambdaException>
        + Permits<codes::InvalidLambdaResponseException>,
{
    match failed {
        TriggerFailed::Validation(text) => Failure::new(codes::UserLambdaValidationException, text),
        TriggerFailed::Unexpected(text) => Failure::new(codes::UnexpectedLambdaException, text),
        TriggerFailed::InvalidResponse(text) => {
            Failure::new(codes::InvalidLambdaResponseException, text)
        }
    }
}

/// `UserNotFoundException` where an operation names a user that isn't there.
pub fn user_not_found<Op>() -> Failure<Op>
where
    Op: Permits<codes::UserNotFoundException>,
{
    Failure::new(codes::UserNotFoundException, "User does not exist.")
}

impl<Op> Failure<Op>
where
    Op: Operation + Permits<codes::NotAuthorizedException>,
{
    /// The user of a valid token was deleted meanwhile: `UserNotFoundException`, or, in the few
    /// operations that don't list it, the answer for a revoked token.
    pub fn user_gone() -> Self {
        let name = <codes::UserNotFoundException as Code>::NAME;
        if Op::NAME_ENUM.errors().contains(&name) {
            let status = <codes::UserNotFoundException as Code>::STATUS;
            let message = "User does not exist.".to_owned();
            return Self { name, status, message, operation: PhantomData };
        }
        not_authorized("Access Token has been revoked")
    }
}
