//! Mail and text messages: what is sent, and the ports that take it and send it.
//!
//! ```text
//! operation ──▶ compose ──▶ Messenger ──▶ the inbox of `dev`, at once
//!                              └────────▶ outbox::PostOffice: stored, then answered
//!                                            └──▶ a courier, later ──▶ Sender: SMTP, SNS, HTTP
//! ```

mod compose;
mod finish;
mod masking;
pub mod outbox;

use std::sync::Arc;

pub use compose::{Addressee, invitation, mfa_code, notice, verification};
pub use finish::{Diverting, FunctionSender, NotHandedOver, hand_over, hand_over_notice};
pub use masking::Delivery;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    attributes::Contact,
    fault::{Fault, Ruling},
    time::Timestamp,
    triggers::Invocation,
};

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Medium {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
}

impl Medium {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The name under which it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Sms => "SMS",
        }
    }

    /// The contact that it goes to.
    pub const fn contact(self) -> Contact {
        match self {
            Self::Email => Contact::Email,
            Self::Sms => Contact::PhoneNumber,
        }
    }
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageKind {
    /// Code of a sign-up.
    SignUp,
    /// The same, asked for again.
    ResendCode,
    /// Code to reset a password.
    ForgotPassword,
    /// Code for an attribute that was changed.
    UpdateAttribute,
    /// Code for an attribute that is to be verified.
    VerifyAttribute,
    /// Temporary password of a user made by an administrator.
    Invitation,
    /// Code of a second factor, or one that stands for a password.
    MfaCode,
    /// Notice of a risky sign-in.
    RiskNotice,
}

impl MessageKind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "SignUp",
            Self::ResendCode => "ResendCode",
            Self::ForgotPassword => "ForgotPassword",
            Self::UpdateAttribute => "UpdateAttribute",
            Self::VerifyAttribute => "VerifyAttribute",
            Self::Invitation => "Invitation",
            Self::MfaCode => "MfaCode",
            Self::RiskNotice => "RiskNotice",
        }
    }
}

/// A message, ready to be sent. Never printed whole: it holds a code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The pool on whose behalf it is sent.
    pub user_pool_id: String,
    /// The `sub` of whom it is about.
    pub sub: String,
    /// Their username.
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
    /// What the pool says about text messages.
    #[serde(default)]
    pub sms: SmsSettings,
    /// The function that sends it instead of the server; then it has neither text nor code.
    #[serde(default)]
    pub invocation: Option<Invocation>,
    /// When it was composed.
    pub at: Timestamp,
    /// When what it brings stops being good. It is of no use to anybody from then on.
    pub expires_at: Timestamp,
}

/// What a pool says about its text messages (`SmsConfiguration`), as far as it has a meaning outside
/// of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsSettings {
    /// The number or name that a message comes from.
    pub origination_identity: Option<String>,
    /// Entity under which Indian authorities know the sender.
    pub entity_id: Option<String>,
    /// Template under which they know the text.
    pub template_id: Option<String>,
}

/// A message can't be sent. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeliveryFailure(pub String);

/// Takes messages that operations send: the one place where a composed message is handed over.
/// Called after the commit of what the message is about, and before the answer.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Takes a message. Once this has answered that it did, the message is not lost.
    ///
    /// What is known at once to be impossible is a refusal: no sender for the medium, or an address
    /// that makes no sense.
    ///
    /// # Errors
    /// A fault is never [`Fault::Conflict`]: the operation must not run again.
    async fn deliver(&self, message: Message) -> Ruling<(), DeliveryFailure>;

    /// Does what [`Self::deliver`] does, for a message that nobody gets, so that the time which an
    /// answer takes doesn't tell whether there is a user. Nothing to do where taking takes no time.
    async fn pretend(&self, message: Message) -> Result<(), Fault> {
        drop(message);
        Ok(())
    }
}

/// Sends messages of one medium out of the house.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Whether a message could be sent, as far as can be told without asking anybody.
    fn check(&self, message: &Message) -> Result<(), DeliveryFailure>;

    /// Tries once, within bounded time. Must be left to end: whoever drops it can't know whether the
    /// message was sent. `id` is the same in each try, so that receivers can tell doubles.
    async fn send(&self, id: &str, message: &Message) -> Result<(), NotSent>;
}

/// A try that failed. The text is for the log; it may name the destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotSent {
    /// Why.
    pub reason: String,
    /// Whether no other try can go better.
    pub is_final: bool,
    /// How often a message is tried at most that fails like this; none where only time ends it.
    pub most_tries: Option<u32>,
}

impl NotSent {
    /// A failure of either kind.
    pub fn new(reason: impl Into<String>, is_final: bool) -> Self {
        Self { reason: reason.into(), is_final, most_tries: None }
    }

    /// A later try may go better.
    pub fn for_now(reason: impl Into<String>) -> Self {
        Self::new(reason, false)
    }

    /// No try can go better.
    pub fn for_good(reason: impl Into<String>) -> Self {
        Self::new(reason, true)
    }

    /// A later try may go better, but not after so many.
    pub fn at_most(tries: u32, reason: impl Into<String>) -> Self {
        Self { most_tries: Some(tries), ..Self::for_now(reason) }
    }
}

/// The way that a message takes. Each has couriers of its own, so that a slow one holds up no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Through the mail server.
    Email,
    /// Through whatever sends text messages.
    Sms,
    /// To a function of the pool that sends it (a custom sender).
    Function,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Function];

    /// The name under which messages are stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Sms => "SMS",
            Self::Function => "FUNCTION",
        }
    }
}

impl Message {
    /// The way that it takes.
    pub const fn route(&self) -> Route {
        match (&self.invocation, self.medium) {
            (Some(_), _) => Route::Function,
            (None, Medium::Email) => Route::Email,
            (None, Medium::Sms) => Route::Sms,
        }
    }
}

/// The senders of this server.
#[derive(Clone, Default)]
pub struct Senders {
    /// Sends e-mail, if configured.
    pub email: Option<Arc<dyn Sender>>,
    /// Sends text messages, if configured.
    pub sms: Option<Arc<dyn Sender>>,
    /// Asks functions to send, if any are connected.
    pub functions: Option<Arc<dyn Sender>>,
}

impl Senders {
    /// The sender on a route.
    pub fn of(&self, route: Route) -> Result<&dyn Sender, DeliveryFailure> {
        let (sender, name) = match route {
            Route::Email => (&self.email, "e-mail"),
            Route::Sms => (&self.sms, "SMS"),
            Route::Function => (&self.functions, "custom"),
        };
        // To pretend that a code is on its way would leave users waiting for it.
        sender.as_deref().ok_or_else(|| DeliveryFailure(format!("no {name} sender configured")))
    }
}
