//! `PostAuthentication`: a function that learns of a sign-in that has come to its end, and may still
//! refuse it its tokens.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Trigger, TriggerFailed,
    call::{Call, Client},
    user_attributes,
};
use crate::{
    app_clients::AppClient, fault::Ruling, ports::Ports, user_pools::UserPool, users::User,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    user_attributes: BTreeMap<String, String>,
    new_device_used: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_metadata: Option<&'a BTreeMap<String, String>>,
}

/// Tells the function, after all challenges and before tokens are made. Answers whether a function was
/// asked: it may have changed the user.
pub async fn tell(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    user: &User,
    new_device_used: bool,
) -> Ruling<bool, TriggerFailed> {
    let call = Call {
        ports,
        pool,
        trigger: Trigger::PostAuthentication,
        source: "PostAuthentication_Authentication",
        client: Client::Id(client.id()),
        username: Some(&user.username),
    };
    let request = || Request {
        user_attributes: user_attributes(pool, user),
        new_device_used,
        client_metadata: ports.metadata.client.as_ref(),
    };
    call.tell(request).await
}
