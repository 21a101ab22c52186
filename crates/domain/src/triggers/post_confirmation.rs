//! `PostConfirmation`: a function that learns of a confirmed user, or of a confirmed new password.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Trigger, TriggerFailed,
    call::{Call, Client},
    user_attributes,
};
use crate::{fault::Ruling, ports::Ports, user_pools::UserPool, users::User};

/// What was confirmed: the end of the `triggerSource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// A sign-up.
    SignUp,
    /// A new password, by a code.
    Password,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    user_attributes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_metadata: Option<&'a BTreeMap<String, String>>,
}

/// Tells the function, after the change was committed: when it fails, the caller learns that, and the
/// user stays confirmed.
pub async fn tell(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    confirmed: Confirmed,
    client: Client<'_>,
) -> Ruling<(), TriggerFailed> {
    let trigger = Trigger::PostConfirmation;
    let source = match confirmed {
        Confirmed::SignUp => "PostConfirmation_ConfirmSignUp",
        Confirmed::Password => "PostConfirmation_ConfirmForgotPassword",
    };
    let call = Call { ports, pool, trigger, source, client, username: Some(&user.username) };
    let request = || Request {
        user_attributes: user_attributes(pool, user),
        client_metadata: ports.metadata.client.as_ref(),
    };
    Ok(call.tell(request).await?.map(|_| ()))
}
