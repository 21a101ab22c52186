//! `CustomMessage`: a function that writes the text of a message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Trigger, TriggerFailed,
    call::{Call, Client, VERSION},
    user_attributes,
};
use crate::{
    fault::Ruling,
    granted,
    messages::{Medium, MessageKind, link},
    ports::Ports,
    user_pools::UserPool,
    users::User,
};

/// Stands for the code or temporary password.
const CODE: &str = "{####}";
/// Stands for the username, in invitations.
const USERNAME: &str = "{username}";

/// The most characters of a mail's text, of a text message, and of a subject.
const LONGEST: (usize, usize, usize) = (20_000, 140, 140);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    user_attributes: BTreeMap<String, String>,
    code_parameter: &'a str,
    link_parameter: &'a str,
    username_parameter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_metadata: Option<&'a BTreeMap<String, String>>,
}

/// What a function writes; what is absent or empty leaves the pool's template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Texts {
    sms_message: Option<String>,
    email_message: Option<String>,
    email_subject: Option<String>,
}

impl Texts {
    /// The text for a medium, with placeholders.
    pub fn body(&self, medium: Medium) -> Option<&str> {
        given(match medium {
            Medium::Email => self.email_message.as_ref(),
            Medium::Sms => self.sms_message.as_ref(),
        })
    }

    /// The subject of a mail.
    pub fn subject(&self) -> Option<&str> {
        given(self.email_subject.as_ref())
    }

    /// Whether texts are short enough and have the placeholders without which they would be useless.
    fn check(&self, kind: MessageKind, may_link: bool) -> Result<(), TriggerFailed> {
        let (mail, sms, subject) = LONGEST;
        let is_short = |text: Option<&str>, most| text.is_none_or(|t| t.chars().count() <= most);
        let fits = is_short(self.body(Medium::Email), mail)
            && is_short(self.body(Medium::Sms), sms)
            && is_short(self.subject(), subject);
        let has_places = |text: &str| match kind {
            MessageKind::Invitation => text.contains(CODE) && text.contains(USERNAME),
            _ => text.contains(CODE),
        };
        let mail_has_places = self
            .body(Medium::Email)
            .is_none_or(|text| has_places(text) || (may_link && link::has_place(text)));
        if fits && mail_has_places && self.body(Medium::Sms).is_none_or(has_places) {
            return Ok(());
        }
        // The type is on record, the text is not.
        Err(TriggerFailed::unrecognizable())
    }
}

fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// The end of a message's `triggerSource`.
pub(crate) const fn source_of(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::SignUp => "SignUp",
        MessageKind::ResendCode => "ResendCode",
        MessageKind::ForgotPassword => "ForgotPassword",
        MessageKind::UpdateAttribute => "UpdateUserAttribute",
        MessageKind::VerifyAttribute => "VerifyUserAttribute",
        MessageKind::Invitation => "AdminCreateUser",
        MessageKind::MfaCode => "Authentication",
        // Only senders are asked about these.
        MessageKind::RiskNotice => "AccountTakeOverNotification",
    }
}

/// Asks for the texts of a message; none where the pool has no function for it.
pub async fn ask(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    kind: MessageKind,
    client: Client<'_>,
) -> Ruling<Option<Texts>, TriggerFailed> {
    let source = format!("CustomMessage_{}", source_of(kind));
    let (trigger, source) = (Trigger::CustomMessage, source.as_str());
    let call = Call { ports, pool, trigger, source, client, username: Some(&user.username) };
    let request = || Request {
        user_attributes: user_attributes(pool, user),
        code_parameter: CODE,
        link_parameter: "{##Click Here##}",
        username_parameter: (kind == MessageKind::Invitation).then_some(USERNAME),
        client_metadata: ports.metadata.client.as_ref(),
    };
    let texts = granted!(call.ask::<Texts, _>(VERSION, request, &Texts::default()).await?);
    if let Some(texts) = &texts {
        granted!(texts.check(kind, link::is_wanted(&ports.identity, pool, kind)));
    }
    Ok(Ok(texts))
}
