//! `CustomEmailSender` and `CustomSMSSender`: functions that send messages instead of the server. They
//! get the code encrypted, and nobody waits for them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Invocation, Trigger,
    call::{Call, Client},
    custom_message::source_of,
    user_attributes,
};
use crate::{
    fault::Fault,
    messages::{Medium, MessageKind},
    ports::Ports,
    user_pools::UserPool,
    users::User,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    r#type: &'a str,
    /// An AWS Encryption SDK message in base64; null if there is no secret.
    code: Option<&'a str>,
    /// Null where nothing was sent, unlike in other events.
    client_metadata: Option<&'a BTreeMap<String, String>>,
    user_attributes: BTreeMap<String, String>,
}

/// The trigger that sends a medium's messages.
pub const fn of(medium: Medium) -> Trigger {
    match medium {
        Medium::Email => Trigger::CustomEmailSender,
        Medium::Sms => Trigger::CustomSmsSender,
    }
}

/// The invocation of a pool's sender for a message whose code was encrypted; none where the pool has
/// no sender for the medium.
pub fn invocation(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    (kind, medium): (MessageKind, Medium),
    encrypted_code: Option<&str>,
    client: Client<'_>,
) -> Result<Option<Invocation>, Fault> {
    let attributes = user_attributes(pool, user);
    let metadata = ports.metadata.client.as_ref();
    about(ports, pool, user, (kind, medium), encrypted_code, (attributes, metadata), client)
}

/// The invocation of a pool's sender for a notice of a risky sign-in, which gets facts of the sign-in
/// as attributes and no metadata; none where the pool has no sender for mail.
pub fn notice(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    facts: BTreeMap<String, String>,
    client: Client<'_>,
) -> Result<Option<Invocation>, Fault> {
    let what = (MessageKind::RiskNotice, Medium::Email);
    about(ports, pool, user, what, None, (facts, None), client)
}

fn about(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    (kind, medium): (MessageKind, Medium),
    encrypted_code: Option<&str>,
    (user_attributes, client_metadata): (
        BTreeMap<String, String>,
        Option<&BTreeMap<String, String>>,
    ),
    client: Client<'_>,
) -> Result<Option<Invocation>, Fault> {
    let trigger = of(medium);
    let (sender, r#type) = match medium {
        Medium::Email => ("CustomEmailSender", "customEmailSenderRequestV1"),
        Medium::Sms => ("CustomSMSSender", "customSMSSenderRequestV1"),
    };
    let source = &format!("{sender}_{}", source_of(kind));
    let call = Call { ports, pool, trigger, source, client, username: Some(&user.username) };
    call.queued(&Request { r#type, code: encrypted_code, client_metadata, user_attributes })
}
