//! `UserMigration`: a function that may know somebody whom the pool doesn't.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Trigger, TriggerFailed,
    call::{Call, Client, VERSION},
};
use crate::{
    app_clients::AppClient,
    attributes::Contact,
    fault::Ruling,
    granted,
    ports::Ports,
    shapes::{DeliveryMediumType, MessageActionType},
    user_pools::UserPool,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    validation_data: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_metadata: Option<&'a BTreeMap<String, String>>,
}

/// Somebody whom a function knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Known {
    user_attributes: Option<BTreeMap<String, String>>,
    final_user_status: Option<String>,
    message_action: Option<String>,
    desired_delivery_mediums: Option<Vec<String>>,
    force_alias_creation: Option<bool>,
    #[serde(rename = "enableSMSMFA")]
    enable_sms_mfa: Option<bool>,
}

impl Known {
    /// The attributes, among them perhaps a `username`.
    pub fn attributes(&self) -> BTreeMap<String, String> {
        self.user_attributes.clone().unwrap_or_default()
    }

    /// Whether the password that was typed is theirs, and stays it.
    pub fn keeps_password(&self) -> bool {
        self.final_user_status.as_deref() == Some("CONFIRMED")
    }

    /// Whether they are welcomed by a message.
    pub fn is_welcomed(&self) -> bool {
        self.message_action.as_deref() != Some(MessageActionType::Suppress.as_str())
    }

    /// Whether a message may go to this contact: to the telephone number, if nothing is said.
    pub fn is_reached_by(&self, contact: Contact) -> bool {
        let medium = match contact {
            Contact::Email => DeliveryMediumType::Email,
            Contact::PhoneNumber => DeliveryMediumType::Sms,
        };
        match self.desired_delivery_mediums.as_deref() {
            None | Some([]) => contact == Contact::PhoneNumber,
            Some(mediums) => mediums.iter().any(|wanted| wanted == medium.as_str()),
        }
    }

    /// Whether they get aliases that others hold.
    pub fn takes_aliases(&self) -> bool {
        self.force_alias_creation == Some(true)
    }

    /// Whether they are asked for a code by text message from now on.
    pub fn has_sms_mfa(&self) -> bool {
        self.enable_sms_mfa == Some(true)
    }
}

/// Whether the pool has a function for this.
pub fn is_connected(pool: &UserPool) -> bool {
    Trigger::UserMigration.function(pool).is_some()
}

/// Asks whether somebody is known under the name that was typed; with the password at a sign-in, and
/// without where it is forgotten. None if the function names no attributes.
pub async fn ask(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    login: &str,
    password: Option<&str>,
) -> Ruling<Option<Known>, TriggerFailed> {
    let call = Call {
        ports,
        pool,
        trigger: Trigger::UserMigration,
        source: match password {
            Some(_) => "UserMigration_Authentication",
            None => "UserMigration_ForgotPassword",
        },
        client: Client::Id(client.id()),
        username: Some(login),
    };
    let request = || Request {
        password,
        validation_data: ports.metadata.validation.as_ref(),
        client_metadata: ports.metadata.client.as_ref(),
    };
    let response = json!({
        "userAttributes": null, "finalUserStatus": null, "messageAction": null,
        "desiredDeliveryMediums": null, "forceAliasCreation": null, "enableSMSMFA": null,
    });
    let known = granted!(call.ask::<Known, _>(VERSION, request, &response).await?);
    Ok(Ok(known.filter(|known| !known.attributes().is_empty())))
}
