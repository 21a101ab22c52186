//! Sending messages after a commit, and telling the caller where they went.

use poolhouse_domain::{
    attributes::Contact,
    codes::SentCode,
    messages::{self, Delivery, Message, MessageKind},
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
    if let Err(failure) = ports.messenger.deliver(message).await {
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
