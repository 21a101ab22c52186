//! `PreSignUp`: a function that may refuse an account, or confirm it at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Trigger, TriggerFailed,
    call::{Call, Client, VERSION},
};
use crate::{
    attributes::Contact, fault::Ruling, granted, ports::Ports, user_pools::UserPool, users::User,
};

/// How an account comes to be: the end of the `triggerSource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// By `SignUp`, through this app client.
    SignUp(&'a str),
    /// By an administrator, or by migration. What the function says of confirming is ignored.
    Administrator,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    user_attributes: BTreeMap<&'a str, &'a str>,
    validation_data: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_metadata: Option<&'a BTreeMap<String, String>>,
}

/// What a function decides. Serialized, it is the response that the function starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Decision {
    #[serde(deserialize_with = "flag")]
    auto_confirm_user: bool,
    #[serde(deserialize_with = "flag")]
    auto_verify_email: bool,
    #[serde(deserialize_with = "flag")]
    auto_verify_phone: bool,
}

/// A flag; null is no.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

impl Decision {
    /// Whether the user is confirmed without a code.
    pub const fn confirms(self) -> bool {
        self.auto_confirm_user
    }

    /// The contacts that count as verified.
    pub fn verifies(self) -> impl Iterator<Item = Contact> {
        let email = self.auto_verify_email.then_some(Contact::Email);
        let phone = self.auto_verify_phone.then_some(Contact::PhoneNumber);
        [email, phone].into_iter().flatten()
    }
}

fn as_text<'a>((name, value): (&'a String, &'a String)) -> (&'a str, &'a str) {
    (name, value)
}

/// Whether the pool has a function for this. Who has, looks whether the names are free before they
/// ask: that the service does so too is a belief.
pub fn is_connected(pool: &UserPool) -> bool {
    Trigger::PreSignUp.function(pool).is_some()
}

/// Asks whether somebody may have an account. The user is not stored yet, so that the event has only
/// what was given: no `sub`, no status, no flag that nobody has set.
pub async fn ask(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    given: &[(String, String)],
    origin: Origin<'_>,
) -> Ruling<Decision, TriggerFailed> {
    let (source, client) = match origin {
        Origin::SignUp(client_id) => ("PreSignUp_SignUp", Client::Id(client_id)),
        Origin::Administrator => ("PreSignUp_AdminCreateUser", Client::NotApplicable),
    };
    let trigger = Trigger::PreSignUp;
    let call = Call { ports, pool, trigger, source, client, username: Some(&user.username) };
    let is_given = |(name, _): &(&String, &String)| {
        let is_flag = Contact::ALL.into_iter().any(|contact| contact.flag() == *name);
        !is_flag || given.iter().any(|(given, _)| given == *name)
    };
    let request = || Request {
        user_attributes: user.attributes.iter().filter(is_given).map(as_text).collect(),
        validation_data: ports.metadata.validation.as_ref(),
        client_metadata: ports.metadata.client.as_ref(),
    };
    let decision = call.ask::<Decision, _>(VERSION, request, &Decision::default()).await?;
    let decision = granted!(decision).unwrap_or_default();
    Ok(Ok(match origin {
        Origin::SignUp(_) => decision,
        Origin::Administrator => Decision::default(),
    }))
}
