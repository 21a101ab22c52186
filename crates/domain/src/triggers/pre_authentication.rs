//! `PreAuthentication`: a function that may refuse a sign-in before anything that was shown is looked
//! at.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Trigger, TriggerFailed,
    call::{Call, Client},
};
use crate::{
    app_clients::AppClient, auth::Person, fault::Ruling, ports::Ports, user_pools::UserPool,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    user_attributes: BTreeMap<String, String>,
    validation_data: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_not_found: Option<bool>,
}

/// Asks whether somebody may sign in; of nobody, only where the client hides who exists. Answers
/// whether a function was asked: it may have changed the user.
pub async fn ask(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    person: Person<'_>,
) -> Ruling<bool, TriggerFailed> {
    let call = Call {
        ports,
        pool,
        trigger: Trigger::PreAuthentication,
        source: "PreAuthentication_Authentication",
        client: Client::Id(client.id()),
        username: Some(person.event_username()),
    };
    let request = || Request {
        user_attributes: person.event_attributes(pool),
        validation_data: ports.metadata.validation.as_ref(),
        user_not_found: person.is_not_found(client),
    };
    call.tell(request).await
}
