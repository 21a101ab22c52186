//! Handing messages over after a commit and before the answer, and telling the caller where they go.

use poolhouse_domain::{
    Fault,
    attributes::Contact,
    codes::SentCode,
    messages::{self, Addressee, Delivery, Message, MessageKind},
    ports::Ports,
    shapes::{CodeDeliveryDetailsType, DeliveryMediumType},
    user_pools::UserPool,
    users::User,
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, Unanswered};

/// Hands a code over, and answers where it goes.
pub(crate) async fn code<Op>(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    kind: MessageKind,
    sent: &SentCode,
) -> Result<CodeDeliveryDetailsType, Unanswered<Op>>
where
    Op: Permits<codes::CodeDeliveryFailureException>,
{
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    deliver(ports, message).await?;
    Ok(details(sent.into()))
}

/// Hands a code over in an operation that doesn't list `CodeDeliveryFailureException`: that it can't
/// be sent is only logged.
pub(crate) async fn code_quietly(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    kind: MessageKind,
    sent: &SentCode,
) -> Result<(), Fault> {
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    if let Err(failure) = ports.messenger.deliver(message).await? {
        tracing::warn!(%failure, "a code was not delivered");
    }
    Ok(())
}

/// Hands a code over for a client that may not be told who exists, and answers where it goes: also
/// when it can't be sent. Costs what [`code_to_nobody`] costs.
pub(crate) async fn code_in_secret(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    kind: MessageKind,
    sent: &SentCode,
) -> Result<CodeDeliveryDetailsType, Fault> {
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    if let Err(failure) = ports.messenger.deliver(message).await? {
        tracing::warn!(%failure, "a code was not delivered");
        code_to_nobody(ports, pool, &user.username, kind, sent).await?;
    }
    Ok(details(sent.into()))
}

/// Does as if a code was handed over.
pub(crate) async fn code_to_nobody(
    ports: &Ports,
    pool: &UserPool,
    name: &str,
    kind: MessageKind,
    sent: &SentCode,
) -> Result<(), Fault> {
    let nobody = Addressee::nobody(name);
    let message = messages::verification(pool, nobody, kind, sent, ports.clock.now());
    ports.messenger.pretend(message).await
}

/// Hands a message over. Everything that an operation sends passes here, or one of the functions
/// above.
pub(crate) async fn deliver<Op>(ports: &Ports, message: Message) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::CodeDeliveryFailureException>,
{
    if let Err(failure) = ports.messenger.deliver(message).await? {
        tracing::warn!(%failure, "a message was not delivered");
        return Err(not_delivered::<Op>().into());
    }
    Ok(())
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
