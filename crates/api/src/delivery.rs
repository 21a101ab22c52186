//! Sending messages after a commit, and telling the caller where they went.

use std::sync::Arc;

use poolhouse_domain::{
    attributes::Contact,
    codes::SentCode,
    messages::{self, Delivery, Message, MessageKind, Messenger},
    ports::Ports,
    shapes::{CodeDeliveryDetailsType, DeliveryMediumType},
    user_pools::UserPool,
    users::User,
};
use poolhouse_wire::{Permits, codes};

use crate::failure::Failure;

/// Sends a code, and answers where it went.
pub(crate) async fn code<Op>(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    kind: MessageKind,
    sent: &SentCode,
) -> Result<CodeDeliveryDetailsType, Failure<Op>>
where
    Op: Permits<codes::CodeDeliveryFailureException>,
{
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    deliver(ports, message).await?;
    Ok(details(sent.into()))
}

/// Sends a code in an operation that doesn't list `CodeDeliveryFailureException`: a failure is only
/// logged.
pub(crate) async fn code_quietly(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    kind: MessageKind,
    sent: &SentCode,
) {
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    deliver_quietly(&*ports.messenger, message).await;
}

/// Sends a code after the answer, which is the one for a code that has been sent; a failure is only
/// logged.
///
/// For clients that may not be told who exists: nothing is sent to nobody, so that neither the time
/// that sending takes nor its failure may show. What is on its way when the server stops is lost;
/// the user asks again.
pub(crate) fn code_in_background(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    kind: MessageKind,
    sent: &SentCode,
) -> CodeDeliveryDetailsType {
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    let messenger = Arc::clone(&ports.messenger);
    tokio::spawn(async move { deliver_quietly(&*messenger, message).await });
    details(sent.into())
}

async fn deliver_quietly(messenger: &dyn Messenger, message: Message) {
    if let Err(failure) = messenger.deliver(message).await {
        tracing::warn!(%failure, "a code was not delivered");
    }
}

/// Sends a message.
pub(crate) async fn deliver<Op>(ports: &Ports, message: Message) -> Result<(), Failure<Op>>
where
    Op: Permits<codes::CodeDeliveryFailureException>,
{
    ports.messenger.deliver(message).await.map_err(|failure| {
        tracing::warn!(%failure, "a message was not delivered");
        not_delivered()
    })
}

/// The error for a message that can't be delivered. The text is a belief.
pub(crate) fn not_delivered<Op>() -> Failure<Op>
where
    Op: Permits<codes::CodeDeliveryFailureException>,
{
    Failure::new(codes::CodeDeliveryFailureException, "Message could not be delivered.")
}

/// Where a code went, as the protocol shows it.
pub(crate) fn details(delivery: Delivery) -> CodeDeliveryDetailsType {
    let medium = match delivery.contact {
        Contact::Email => DeliveryMediumType::Email,
        Contact::PhoneNumber => DeliveryMediumType::Sms,
    };
    CodeDeliveryDetailsType {
        destination: Some(delivery.destination),
        delivery_medium: Some(medium),
        attribute_name: Some(delivery.contact.attribute().to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! For tests of what is sent after the answer.

    use async_trait::async_trait;
    use poolhouse_domain::messages::{DeliveryFailure, Message, Messenger};

    use crate::testing::Stack;

    /// A messenger that never comes to an end.
    pub(crate) struct Stuck;

    #[async_trait]
    impl Messenger for Stuck {
        async fn deliver(&self, _: Message) -> Result<(), DeliveryFailure> {
            std::future::pending().await
        }
    }

    /// Lets messages on their way arrive: this many in all. Fails if there are fewer or more.
    pub(crate) async fn arrived(stack: &Stack, count: usize) {
        // A delivery to the recording messenger takes one step; the others are for good measure.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(stack.messenger().messages().len(), count);
    }
}
