//! Lambda triggers: functions of the operator that a pool asks at certain moments.
//!
//! | file | what |
//! |---|---|
//! | `call.rs` | the event document, the answer, and what goes wrong with it |
//! | `metadata.rs` | what the caller of an operation gives functions to know |
//! | `profile.rs` | a user as functions see them |
//! | `remembered.rs` | one answer for one question, however often an operation runs again |
//! | `pre_sign_up.rs` … | one file for each trigger: what is asked, and what the answer means |
//!
//! A function is asked outside of write transactions, and may take seconds. What it was told may have
//! changed when it answers, so that the rules check again when they write.

pub mod call;
pub mod custom_auth;
pub mod custom_message;
pub mod custom_sender;
mod metadata;
pub mod post_authentication;
pub mod post_confirmation;
pub mod pre_authentication;
pub mod pre_sign_up;
pub mod pre_token_generation;
mod profile;
mod remembered;
pub mod user_migration;

pub use metadata::Metadata;
pub use profile::user_attributes;
pub use remembered::Remembered;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{shapes::LambdaConfigType, user_pools::UserPool};

/// The moments at which a pool may ask a function: the members of `LambdaConfig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trigger {
    /// Before somebody gets an account.
    PreSignUp,
    /// After a user or a new password was confirmed.
    PostConfirmation,
    /// Before a first factor is checked.
    PreAuthentication,
    /// After all challenges, before tokens.
    PostAuthentication,
    /// What comes next in a custom sign-in.
    DefineAuthChallenge,
    /// What is asked in a custom sign-in.
    CreateAuthChallenge,
    /// Whether an answer in a custom sign-in is right.
    VerifyAuthChallengeResponse,
    /// What tokens say.
    PreTokenGeneration,
    /// Whether somebody is known elsewhere.
    UserMigration,
    /// The text of a message.
    CustomMessage,
    /// Sends text messages instead of the server.
    CustomSmsSender,
    /// Sends mail instead of the server.
    CustomEmailSender,
    /// What an identity provider's attributes become.
    InboundFederation,
}

impl Trigger {
    /// The name in `LambdaConfig`, which is also what error texts call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreSignUp => "PreSignUp",
            Self::PostConfirmation => "PostConfirmation",
            Self::PreAuthentication => "PreAuthentication",
            Self::PostAuthentication => "PostAuthentication",
            Self::DefineAuthChallenge => "DefineAuthChallenge",
            Self::CreateAuthChallenge => "CreateAuthChallenge",
            Self::VerifyAuthChallengeResponse => "VerifyAuthChallengeResponse",
            Self::PreTokenGeneration => "PreTokenGeneration",
            Self::UserMigration => "UserMigration",
            Self::CustomMessage => "CustomMessage",
            Self::CustomSmsSender => "CustomSMSSender",
            Self::CustomEmailSender => "CustomEmailSender",
            Self::InboundFederation => "InboundFederation",
        }
    }

    /// The ARN of the function that a pool has for it.
    pub fn function(self, pool: &UserPool) -> Option<&str> {
        self.of(pool.settings.lambda_config.as_ref()?)
    }

    fn of(self, config: &LambdaConfigType) -> Option<&str> {
        let arn = match self {
            Self::PreSignUp => config.pre_sign_up.as_ref(),
            Self::PostConfirmation => config.post_confirmation.as_ref(),
            Self::PreAuthentication => config.pre_authentication.as_ref(),
            Self::PostAuthentication => config.post_authentication.as_ref(),
            Self::DefineAuthChallenge => config.define_auth_challenge.as_ref(),
            Self::CreateAuthChallenge => config.create_auth_challenge.as_ref(),
            Self::VerifyAuthChallengeResponse => config.verify_auth_challenge_response.as_ref(),
            Self::PreTokenGeneration => config.pre_token_generation.as_ref(),
            Self::UserMigration => config.user_migration.as_ref(),
            Self::CustomMessage => config.custom_message.as_ref(),
            Self::CustomSmsSender => config.custom_sms_sender.as_ref().map(|c| &c.lambda_arn),
            Self::CustomEmailSender => config.custom_email_sender.as_ref().map(|c| &c.lambda_arn),
            Self::InboundFederation => config.inbound_federation.as_ref().map(|c| &c.lambda_arn),
        };
        arn.map(String::as_str)
    }
}

/// One question to one function.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// The function's ARN, with a version or an alias behind it if the pool names one.
    pub function: String,
    /// The moment.
    pub trigger: Trigger,
    /// The pool that asks.
    pub user_pool_id: String,
    /// Names the question: the same in every attempt, so that a function can tell repeats.
    pub id: String,
    /// The event, a JSON object. May hold passwords: never to be logged.
    pub event: String,
    /// Whether nobody waits for the answer (`InvocationType` `Event`), as for custom senders.
    pub is_queued: bool,
}

/// Why there is no answer of a function. The texts are shown to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvocationFailed {
    /// It ran and failed: its `errorMessage`.
    Function(String),
    /// It was not run, or refused: an error's name or sentence, which follows "invocation failed due
    /// to error ".
    Unreachable(String),
    /// It was asked and may have run, but nothing came back: a sentence for the same place.
    Unanswered(String),
    /// Its answer is no JSON.
    NotJson,
}

/// Asks functions. Never called inside a write transaction.
#[async_trait]
pub trait Functions: Send + Sync {
    /// Asks, and answers the JSON that the function gave back; for a queued invocation, whatever came
    /// back when it was accepted. Ends within bounded time and with bounded memory.
    async fn invoke(&self, invocation: &Invocation) -> Result<Vec<u8>, InvocationFailed>;
}

/// Where no functions are connected.
pub struct Unconnected;

#[async_trait]
impl Functions for Unconnected {
    async fn invoke(&self, invocation: &Invocation) -> Result<Vec<u8>, InvocationFailed> {
        tracing::warn!(function = invocation.function, "no target is configured for a function");
        Err(InvocationFailed::Unreachable("ResourceNotFoundException.".to_owned()))
    }
}

/// A `response` that tells nothing, asked and answered.
#[derive(Serialize, Deserialize)]
struct Nothing {}

/// A trigger stands in the way of what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerFailed {
    /// The function failed, or says no: `UserLambdaValidationException`.
    Validation(String),
    /// It could not be asked: `UnexpectedLambdaException`.
    Unexpected(String),
    /// Its answer makes no sense: `InvalidLambdaResponseException`.
    InvalidResponse(String),
}

impl TriggerFailed {
    /// What is said of it.
    pub fn text(&self) -> &str {
        match self {
            Self::Validation(text) | Self::Unexpected(text) | Self::InvalidResponse(text) => text,
        }
    }

    /// The kind of failure in a word, for the log: the text may tell of users.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Validation(_) => "the function failed",
            Self::Unexpected(_) => "no answer",
            Self::InvalidResponse(_) => "senseless answer",
        }
    }

    /// What is said of an answer that is JSON, but not of the trigger's shape.
    pub fn unrecognizable() -> Self {
        Self::InvalidResponse("Unrecognizable lambda output".to_owned())
    }
}
