//! Mail and text messages: what is sent, and the port that sends it.

mod compose;
mod masking;

pub use compose::{invitation, mfa_code, notice, verification};
pub use masking::Delivery;

use async_trait::async_trait;

use crate::time::Timestamp;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Code of a sign-up.
    SignUp,
    /// The same, asked for again.
    ResendCode,
    /// Code to reset a password.
    ForgotPassword,
    /// Code for an attribute that was changed or is to be verified.
    VerifyAttribute,
    /// Temporary password of a user made by an administrator.
    Invitation,
    /// Code of a second factor.
    MfaCode,
    /// Notice of a risky sign-in.
    RiskNotice,
}

/// A message, ready to be sent.
#[derive(Clone)]
pub struct Message {
    /// The pool on whose behalf it is sent.
    pub user_pool_id: String,
    /// Whom it is about.
    pub username: String,
    /// Why.
    pub kind: MessageKind,
    /// How.
    pub medium: Medium,
    /// E-mail address or telephone number.
    pub destination: String,
    /// Subject of a mail.
    pub subject: Option<String>,
    /// The text; for mail this is HTML, as templates may hold markup.
    pub body: String,
    /// The code or temporary password in it, for the inbox of `dev`.
    pub code: String,
    /// `From` of a mail, where the pool sets one.
    pub from: Option<String>,
    /// `Reply-To` of a mail, where the pool sets one.
    pub reply_to: Option<String>,
    /// When it was composed.
    pub at: Timestamp,
}

/// A message could not be handed over. The text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DeliveryFailure(pub String);

/// Delivers messages. Never called inside a write transaction.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Hands the message over to whoever delivers it.
    async fn deliver(&self, message: Message) -> Result<(), DeliveryFailure>;
}
