//! Puts messages together from a pool's templates.
//!
//! Default texts are beliefs, except that of the invitation, which infrastructure tools spell out;
//! no client depends on them.

use crate::{
    attributes::{Contact, is_email},
    codes::SentCode,
    messages::{Medium, Message, MessageKind, SmsSettings},
    shapes::{EmailConfigurationType, UserPoolMfaType},
    time::Timestamp,
    user_pools::UserPool,
    users::User,
};

/// Stands for the code or temporary password in templates.
const CODE: &str = "{####}";
/// Stands for the username in invitations.
const USERNAME: &str = "{username}";

/// For how many seconds a notice of a risky sign-in is news.
const NOTICE_SECONDS: i64 = 86_400;

/// About whom a message is.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    sub: &'a str,
    username: &'a str,
}

impl<'a> From<&'a User> for Addressee<'a> {
    fn from(user: &'a User) -> Self {
        Self { sub: &user.sub, username: &user.username }
    }
}

impl<'a> Addressee<'a> {
    /// Nobody, called by a name that was typed: for [`super::Messenger::pretend`].
    pub const fn nobody(name: &'a str) -> Self {
        Self { sub: "", username: name }
    }
}

/// The message that brings a user a code.
///
/// Links in place of codes come later ([`super::link`]).
pub fn verification<'a>(
    pool: &UserPool,
    to: impl Into<Addressee<'a>>,
    kind: MessageKind,
    sent: &SentCode,
    now: Timestamp,
) -> Message {
    let (subject, template) = match sent.contact.medium() {
        Medium::Email => (Some(email_subject(pool)), email_template(pool, kind)),
        Medium::Sms => (None, sms_template(pool)),
    };
    let body = fill(&template, &[(CODE, &sent.code)]);
    envelope(pool, to.into(), kind, sent, (subject, body), now)
}

/// The message that brings a code of a second factor, or one that stands for a password.
pub fn mfa_code<'a>(
    pool: &UserPool,
    to: impl Into<Addressee<'a>>,
    sent: &SentCode,
    now: Timestamp,
) -> Message {
    let mail = pool.factors.email.as_ref();
    let (subject, text) = match sent.contact {
        Contact::Email => {
            let subject = mail.and_then(|mail| mail.subject.as_deref());
            (Some(subject.unwrap_or("Your sign-in code")), mail.and_then(|m| m.message.as_deref()))
        }
        Contact::PhoneNumber => {
            // Where codes are only a way to sign in, the text is not the pool's to choose.
            let is_chosen = pool.mfa() != UserPoolMfaType::Off;
            let text = pool.settings.sms_authentication_message.as_deref();
            (None, text.filter(|_| is_chosen))
        }
    };
    let body = fill(text.unwrap_or("Your authentication code is {####}"), &[(CODE, &sent.code)]);
    let text = (subject.map(str::to_owned), body);
    envelope(pool, to.into(), MessageKind::MfaCode, sent, text, now)
}

/// The message that brings a new user a temporary password; none if there is a password and the
/// pool's template has no place for it, in which case the service sends nothing.
pub fn invitation(
    pool: &UserPool,
    user: &User,
    contact: Contact,
    login: &str,
    temporary_password: Option<&str>,
    now: Timestamp,
) -> Option<Message> {
    let destination = user.attribute(contact.attribute())?;
    let config = pool.settings.admin_create_user_config.as_ref();
    let template = config.and_then(|config| config.invite_message_template.as_ref());
    let medium = contact.medium();
    let (subject, text) = match medium {
        Medium::Email => {
            let subject = template.and_then(|t| t.email_subject.clone());
            let subject = subject.unwrap_or_else(|| "Your temporary password".to_owned());
            (Some(subject), template.and_then(|t| t.email_message.as_deref()))
        }
        Medium::Sms => (None, template.and_then(|t| t.sms_message.as_deref())),
    };
    let text = text.unwrap_or(match temporary_password {
        Some(_) => "Your username is {username} and temporary password is {####}.",
        None => "Your username is {username}.",
    });
    if temporary_password.is_some() && !text.contains(CODE) {
        return None;
    }
    let password = temporary_password.unwrap_or_default();
    let body = match medium {
        Medium::Email => fill(text, &[(CODE, &escaped(password)), (USERNAME, &escaped(login))]),
        Medium::Sms => fill(text, &[(CODE, password), (USERNAME, login)]),
    };
    let sent = SentCode {
        code: password.to_owned().into(),
        contact,
        destination: destination.to_owned(),
        expires_at: now.plus_seconds(pool.temporary_password_days() * 86_400),
    };
    Some(envelope(pool, user.into(), MessageKind::Invitation, &sent, (subject, body), now))
}

/// The text that a function wrote for a message, with what belongs into its places.
pub(super) fn custom(text: &str, message: &Message, login: &str) -> String {
    match message.medium {
        Medium::Email => {
            fill(text, &[(CODE, &escaped(&message.code)), (USERNAME, &escaped(login))])
        }
        Medium::Sms => fill(text, &[(CODE, &message.code), (USERNAME, login)]),
    }
}

/// The mail that tells a user of a risky sign-in: HTML, or text where there is none. `values` stand for
/// placeholders, `senders` are `From` and `Reply-To`.
pub fn notice(
    pool: &UserPool,
    user: &User,
    subject: &str,
    (html, text): (Option<&str>, Option<&str>),
    values: &[(&str, &str)],
    (from, reply_to): (Option<&str>, Option<&str>),
    now: Timestamp,
) -> Message {
    // Devices name themselves, and users too.
    let safe: Vec<(&str, String)> =
        values.iter().map(|(name, value)| (*name, escaped(value))).collect();
    let safe: Vec<(&str, &str)> =
        safe.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = match html {
        Some(html) => fill(html, &safe),
        None => fill(&escaped(text.unwrap_or_default()).replace('\n', "<br>"), &safe),
    };
    let destination = user.attribute(Contact::Email.attribute()).unwrap_or_default();
    let sent = SentCode {
        code: String::new().into(),
        contact: Contact::Email,
        destination: destination.to_owned(),
        expires_at: now.plus_seconds(NOTICE_SECONDS),
    };
    // Without line ends, with which a value could make up headers.
    let subject = fill(subject, values).replace(['\r', '\n'], " ");
    let content = (Some(subject), body);
    let kind = MessageKind::RiskNotice;
    let message = envelope(pool, user.into(), kind, &sent, content, now);
    Message {
        from: from.map(str::to_owned).or(message.from),
        reply_to: reply_to.map(str::to_owned).or(message.reply_to),
        ..message
    }
}

/// A message with the pool's senders.
fn envelope(
    pool: &UserPool,
    to: Addressee<'_>,
    kind: MessageKind,
    sent: &SentCode,
    (subject, body): (Option<String>, String),
    now: Timestamp,
) -> Message {
    let medium = sent.contact.medium();
    let mail = pool.settings.email_configuration.as_ref().filter(|_| medium == Medium::Email);
    Message {
        user_pool_id: pool.id().to_owned(),
        sub: to.sub.to_owned(),
        username: to.username.to_owned(),
        kind,
        medium,
        destination: sent.destination.clone(),
        subject,
        body,
        code: sent.code.to_string(),
        from: mail.and_then(sender),
        reply_to: mail.and_then(|mail| mail.reply_to_email_address.clone()),
        invocation: None,
        sms: if medium == Medium::Sms { sms_settings(pool) } else { SmsSettings::default() },
        at: now,
        expires_at: sent.expires_at,
    }
}

/// `From` of a pool's mails: what the pool says, or else the address in the ARN of its identity for
/// sending, if that names an address and not a domain.
fn sender(mail: &EmailConfigurationType) -> Option<String> {
    let identity = mail.source_arn.as_deref().and_then(|arn| arn.split_once(":identity/"));
    let address = identity.map(|(_, identity)| identity).filter(|identity| is_email(identity));
    mail.from.clone().filter(|from| !from.is_empty()).or_else(|| address.map(str::to_owned))
}

/// What the pool says about its text messages, as far as it has a meaning elsewhere.
fn sms_settings(pool: &UserPool) -> SmsSettings {
    let config = pool.settings.sms_configuration.as_ref();
    let Some(eums) = config.and_then(|config| config.eums_sms.as_ref()) else {
        return SmsSettings::default();
    };
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    SmsSettings {
        origination_identity: given(&eums.origination_identity),
        entity_id: given(&eums.in_entity_id),
        template_id: given(&eums.in_template_id),
    }
}

/// The subject of mails with codes. The members outside the template are its older form.
fn email_subject(pool: &UserPool) -> String {
    let template = pool.settings.verification_message_template.as_ref();
    let subject = template.and_then(|template| template.email_subject.clone());
    let subject = subject.or_else(|| pool.settings.email_verification_subject.clone());
    subject.unwrap_or_else(|| "Your verification code".to_owned())
}

/// The text of mails with codes.
fn email_template(pool: &UserPool, kind: MessageKind) -> String {
    let template = pool.settings.verification_message_template.as_ref();
    let text = template.and_then(|template| template.email_message.clone());
    let text = text.or_else(|| pool.settings.email_verification_message.clone());
    text.unwrap_or_else(|| {
        let default = match kind {
            MessageKind::ForgotPassword => "Your password reset code is {####}",
            _ => "Your confirmation code is {####}",
        };
        default.to_owned()
    })
}

/// The text of text messages with codes.
fn sms_template(pool: &UserPool) -> String {
    let template = pool.settings.verification_message_template.as_ref();
    let text = template.and_then(|template| template.sms_message.clone());
    let text = text.or_else(|| pool.settings.sms_verification_message.clone());
    text.unwrap_or_else(|| "Your verification code is {####}".to_owned())
}

/// Replaces placeholders in one pass, so that nothing in a value is taken for a placeholder.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, here) = rest.split_at(at);
        filled.push_str(before);
        let found = values.iter().find_map(|(placeholder, value)| {
            here.strip_prefix(placeholder).map(|after| (*value, after))
        });
        let (text, after) = found.unwrap_or_else(|| here.split_at(1));
        filled.push_str(text);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Text as it must be written in HTML.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_in_values_stay_as_they_are() {
        let filled = fill("{x} {username}: {####}{", &[(USERNAME, "{####}"), (CODE, "123456")]);
        assert_eq!(filled, "{x} {####}: 123456{");
    }

    #[test]
    fn the_sender_is_the_pools_or_the_address_in_its_identity() {
        let sender_of = |from: Option<&str>, arn: Option<&str>| {
            let (from, source_arn) = (from.map(str::to_owned), arn.map(str::to_owned));
            sender(&EmailConfigurationType {
                from,
                source_arn,
                ..EmailConfigurationType::default()
            })
        };
        let address = "arn:aws:ses:us-east-1:123456789012:identity/no-reply@example.com";
        let domain = "arn:aws:ses:us-east-1:123456789012:identity/example.com";
        assert_eq!(sender_of(None, Some(address)).as_deref(), Some("no-reply@example.com"));
        assert_eq!(sender_of(Some("A <a@b.c>"), Some(address)).as_deref(), Some("A <a@b.c>"));
        assert_eq!(sender_of(None, Some(domain)), None);
        assert_eq!(sender_of(None, None), None);
    }

    #[test]
    fn markup_in_values_is_escaped() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
