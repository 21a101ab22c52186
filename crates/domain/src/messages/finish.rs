//! The last hand on a message: a function of the pool may write its text, or send it instead.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{DeliveryFailure, Medium, Message, Messenger, NotSent, Sender, compose};
use crate::{
    code_encryption::{CodeNotEncrypted, encrypt_code},
    fault::{Fault, Ruling},
    granted,
    ports::Ports,
    triggers::{
        Functions, InvocationFailed, Trigger, TriggerFailed, call::Client, custom_message,
        custom_sender,
    },
    user_pools::UserPool,
    users::User,
};

/// Why a message can't be finished.
enum NotFinished {
    /// The function that writes the text.
    Trigger(TriggerFailed),
    /// The code can't be encrypted for the function that sends it.
    NotEncrypted(CodeNotEncrypted),
}

impl From<TriggerFailed> for NotFinished {
    fn from(failed: TriggerFailed) -> Self {
        Self::Trigger(failed)
    }
}

/// Why nobody takes a message.
#[derive(Debug)]
pub enum NotHandedOver {
    /// The function that writes the text stands in the way.
    Trigger(TriggerFailed),
    /// It can't be sent, which the log tells.
    Undeliverable,
}

/// Finishes a message and hands it to whoever sends it. Everything that is sent passes here. `login`
/// is the name with which the user signs in.
///
/// May ask functions and a key service: not for inside a write transaction.
pub async fn hand_over(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    client: Client<'_>,
    login: &str,
    message: Message,
) -> Ruling<(), NotHandedOver> {
    let message = match finish(ports, pool, user, client, login, message).await? {
        Ok(message) => message,
        Err(NotFinished::Trigger(failed)) => {
            let (trigger, kind) = (Trigger::CustomMessage.name(), failed.kind());
            tracing::warn!(trigger, kind, "the text of a message was not written");
            tracing::debug!(?failed, "the text of a message was not written");
            return Ok(Err(NotHandedOver::Trigger(failed)));
        }
        Err(NotFinished::NotEncrypted(failed)) => {
            tracing::warn!(%failed, "a code was not encrypted");
            return Ok(Err(NotHandedOver::Undeliverable));
        }
    };
    deliver(ports, message).await
}

/// Hands a notice of a risky sign-in to whoever sends it. It has no code, and no function is asked for
/// its text. `facts` are what the pool's custom sender is told in place of the user's attributes.
pub async fn hand_over_notice(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    client: Client<'_>,
    facts: BTreeMap<String, String>,
    message: Message,
) -> Ruling<(), NotHandedOver> {
    let invocation = custom_sender::notice(ports, pool, user, facts, client)?;
    let message = match invocation {
        Some(_) => Message { subject: None, body: String::new(), invocation, ..message },
        None => message,
    };
    deliver(ports, message).await
}

async fn deliver(ports: &Ports, message: Message) -> Ruling<(), NotHandedOver> {
    if let Err(failure) = ports.messenger.deliver(message).await? {
        tracing::warn!(%failure, "a message was not delivered");
        return Ok(Err(NotHandedOver::Undeliverable));
    }
    Ok(Ok(()))
}

/// Makes of a message from the pool's templates what is to be sent: as it is, with the text of the
/// pool's `CustomMessage` function, or as an invocation of its custom sender, in which case no text is
/// asked for. `login` is the name with which the user signs in.
///
/// May ask functions and a key service: not for inside a write transaction.
async fn finish(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    client: Client<'_>,
    login: &str,
    message: Message,
) -> Ruling<Message, NotFinished> {
    if custom_sender::of(message.medium).function(pool).is_some() {
        return for_function(ports, pool, user, client, message).await;
    }
    let texts = granted!(custom_message::ask(ports, pool, user, message.kind, client).await?);
    let texts = texts.unwrap_or_default();
    let body = texts.body(message.medium).map(|text| compose::custom(text, &message, login));
    let subject = texts.subject().filter(|_| message.medium == Medium::Email).map(str::to_owned);
    Ok(Ok(Message {
        body: body.unwrap_or_else(|| message.body.clone()),
        subject: subject.or_else(|| message.subject.clone()),
        ..message
    }))
}

/// The message for the pool's custom sender.
async fn for_function(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    client: Client<'_>,
    message: Message,
) -> Ruling<Message, NotFinished> {
    let code = match message.code.as_str() {
        "" => None,
        code => match encrypt_code(ports, pool, code).await {
            Ok(code) => Some(code),
            Err(failed) => return Ok(Err(NotFinished::NotEncrypted(failed))),
        },
    };
    let what = (message.kind, message.medium);
    let invocation = custom_sender::invocation(ports, pool, user, what, code.as_deref(), client)?;
    let (subject, body, code) = (None, String::new(), String::new());
    Ok(Ok(Message { subject, body, code, invocation, ..message }))
}

/// How often a function runs for a message at most, if it fails: as for asynchronous invocations of
/// Lambda.
const RUNS: u32 = 3;
/// The pause before another try where there is no outbox; it doubles.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends messages by asking functions to.
pub struct FunctionSender(pub Arc<dyn Functions>);

#[async_trait]
impl Sender for FunctionSender {
    fn check(&self, _: &Message) -> Result<(), DeliveryFailure> {
        Ok(())
    }

    async fn send(&self, _: &str, message: &Message) -> Result<(), NotSent> {
        let Some(invocation) = &message.invocation else {
            return Err(NotSent::for_good("the message names no function"));
        };
        let Err(failed) = self.0.invoke(invocation).await else { return Ok(()) };
        Err(match failed {
            // What it says may name the user, or the code. Its kind is logged with the invocation.
            InvocationFailed::Function(message) => {
                tracing::debug!(id = invocation.id, message, "a custom sender failed");
                NotSent::at_most(RUNS, "the function failed")
            }
            InvocationFailed::Unanswered(reason) => {
                NotSent::at_most(RUNS, format!("the function did not answer: {reason}"))
            }
            InvocationFailed::Unreachable(reason) => {
                NotSent::for_now(format!("the function was not asked: {reason}"))
            }
            // Nobody reads what a function says that is not waited for.
            InvocationFailed::NotJson => return Ok(()),
        })
    }
}

/// A messenger for those messages only that the server sends; functions are asked at once, without
/// waiting for them.
pub struct Diverting {
    /// Takes the messages that the server sends.
    pub messenger: Arc<dyn Messenger>,
    /// The functions that send the others.
    pub functions: Arc<dyn Functions>,
}

#[async_trait]
impl Messenger for Diverting {
    async fn deliver(&self, message: Message) -> Ruling<(), DeliveryFailure> {
        if message.invocation.is_none() {
            return self.messenger.deliver(message).await;
        }
        let sender = FunctionSender(Arc::clone(&self.functions));
        tokio::spawn(async move {
            let mut pause = PAUSE;
            for _ in 0..RUNS {
                let Err(failure) = sender.send("", &message).await else { return };
                tracing::warn!(%failure, "a custom sender did not take a message");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        });
        Ok(Ok(()))
    }

    async fn pretend(&self, message: Message) -> Result<(), Fault> {
        self.messenger.pretend(message).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        messages::{MessageKind, SmsSettings},
        time::Timestamp,
        triggers::Invocation,
    };

    /// Fails like this, always.
    struct Failing(InvocationFailed);

    #[async_trait]
    impl Functions for Failing {
        async fn invoke(&self, _: &Invocation) -> Result<Vec<u8>, InvocationFailed> {
            Err(self.0.clone())
        }
    }

    fn message() -> Message {
        Message {
            user_pool_id: "us-east-1_AAAAAAAAA".into(),
            sub: "s".into(),
            username: "ada".into(),
            kind: MessageKind::SignUp,
            medium: Medium::Email,
            destination: "ada@example.com".into(),
            subject: None,
            body: String::new(),
            code: String::new(),
            from: None,
            reply_to: None,
            sms: SmsSettings::default(),
            invocation: Some(Invocation {
                function: "arn".into(),
                trigger: Trigger::CustomEmailSender,
                user_pool_id: "us-east-1_AAAAAAAAA".into(),
                id: "i".into(),
                event: "{}".into(),
                is_queued: true,
            }),
            at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(600),
        }
    }

    async fn outcome(failed: InvocationFailed) -> Result<(), NotSent> {
        FunctionSender(Arc::new(Failing(failed))).send("m", &message()).await
    }

    #[tokio::test]
    async fn what_a_function_says_stays_out_of_reasons() {
        let said = InvocationFailed::Function("no mailbox ada@example.com".into());
        assert_eq!(outcome(said).await.unwrap_err().reason, "the function failed");
    }

    #[tokio::test]
    async fn a_function_that_may_have_run_is_tried_three_times_one_that_has_not_until_it_does() {
        let most = |outcome: Result<(), NotSent>| outcome.unwrap_err().most_tries;
        assert_eq!(most(outcome(InvocationFailed::Function("no".into())).await), Some(3));
        assert_eq!(most(outcome(InvocationFailed::Unanswered("late".into())).await), Some(3));
        assert_eq!(most(outcome(InvocationFailed::Unreachable("busy".into())).await), None);
        assert_eq!(outcome(InvocationFailed::NotJson).await, Ok(()));
    }
}
