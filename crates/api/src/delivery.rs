//! Handing messages over after a commit and before the answer, and telling the caller where they go.

use poolhouse_domain::{
    Fault,
    attributes::Contact,
    codes::SentCode,
    messages::{self, Addressee, Delivery, Message, MessageKind, NotHandedOver, hand_over},
    ports::Ports,
    shapes::{CodeDeliveryDetailsType, DeliveryMediumType},
    triggers::call::Client,
    user_pools::UserPool,
    users::User,
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, Unanswered, trigger_failed};

/// Hands a code over, and answers where it goes.
pub(crate) async fn code<Op>(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    client: Client<'_>,
    kind: MessageKind,
    sent: &SentCode,
) -> Result<CodeDeliveryDetailsType, Unanswered<Op>>
where
    Op: Permits<codes::CodeDeliveryFailureException>
        + Permits<codes::UserLambdaValidationException>
        + Permits<codes::UnexpectedLambdaException>
        + Permits<codes::InvalidLambdaResponseException>,
{
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    deliver(ports, pool, user, client, &user.username, message).await?;
    Ok(details(sent.into()))
}

/// Hands a code over in an operation that doesn't list `CodeDeliveryFailureException`: that it can't
/// be sent is only logged.
pub(crate) async fn code_quietly<Op>(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    kind: MessageKind,
    sent: &SentCode,
) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::UserLambdaValidationException>
        + Permits<codes::UnexpectedLambdaException>
        + Permits<codes::InvalidLambdaResponseException>,
{
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    let client = Client::NotApplicable;
    let handed = hand_over(ports, pool, user, client, &user.username, message).await?;
    match handed {
        Err(NotHandedOver::Trigger(failed)) => Err(trigger_failed::<Op>(failed).into()),
        Err(NotHandedOver::Undeliverable) | Ok(()) => Ok(()),
    }
}

/// Hands a code over for a client that may not be told who exists, and answers where it goes: also
/// when it can't be sent. Costs what [`code_to_nobody`] costs.
///
/// A function that writes the text is asked after the answer, as it is not asked for nobody, and the
/// code for a function that sends it is encrypted then: a server that stops meanwhile loses the message,
/// and the user asks again.
pub(crate) async fn code_in_secret(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    client_id: &str,
    kind: MessageKind,
    sent: &SentCode,
) -> Result<CodeDeliveryDetailsType, Fault> {
    let message = messages::verification(pool, user, kind, sent, ports.clock.now());
    if messages::asks_others(pool, message.medium) {
        code_to_nobody(ports, pool, &user.username, kind, sent).await?;
        let (ports, pool, user) = (ports.clone(), pool.clone(), user.clone());
        let client_id = client_id.to_owned();
        tokio::spawn(async move {
            let client = Client::Id(&client_id);
            let handed = hand_over(&ports, &pool, &user, client, &user.username, message).await;
            if let Err(fault) = handed {
                tracing::error!(%fault, "a code was not handed over");
            }
        });
        return Ok(details(sent.into()));
    }
    let client = Client::Id(client_id);
    let handed = hand_over(ports, pool, user, client, &user.username, message).await?;
    if handed.is_err() {
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

/// Hands a message over to whoever sends it.
pub(crate) async fn deliver<Op>(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    client: Client<'_>,
    login: &str,
    message: Message,
) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::CodeDeliveryFailureException>
        + Permits<codes::UserLambdaValidationException>
        + Permits<codes::UnexpectedLambdaException>
        + Permits<codes::InvalidLambdaResponseException>,
{
    match hand_over(ports, pool, user, client, login, message).await? {
        Ok(()) => Ok(()),
        Err(NotHandedOver::Trigger(failed)) => Err(trigger_failed::<Op>(failed).into()),
        Err(NotHandedOver::Undeliverable) => Err(not_delivered::<Op>().into()),
    }
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
