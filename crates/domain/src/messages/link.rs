//! Links by which a sign-up is confirmed, in mails of pools with `CONFIRM_WITH_LINK`. They lead to the
//! pool's domain; a pool without one sends the code.

use url::Url;

use super::{Medium, Message, MessageKind};
use crate::{
    oauth::mount, ports::Identity, shapes::DefaultEmailOptionType, triggers::call::Client,
    user_pools::UserPool,
};

/// What stands before and after the text of a link in templates.
const MARKS: (&str, &str) = ("{##", "##}");

/// The page that such links lead to.
const PAGE: &str = "confirmUser";

/// Whether mails of this kind carry a link in place of the code: those of sign-ups only.
pub fn is_wanted(identity: &Identity, pool: &UserPool, kind: MessageKind) -> bool {
    let template = pool.settings.verification_message_template.as_ref();
    let option = template.and_then(|template| template.default_email_option);
    matches!(kind, MessageKind::SignUp | MessageKind::ResendCode)
        && option == Some(DefaultEmailOptionType::ConfirmWithLink)
        && mount::told_url(identity, pool).is_some()
}

/// Whether a text has a place for a link.
pub fn has_place(text: &str) -> bool {
    let places = text.split(MARKS.0).skip(1);
    places.filter_map(|rest| rest.split_once(MARKS.1)).any(|(text, _)| !text.is_empty())
}

/// The link of a message, if it is to carry one.
pub(super) fn of(
    identity: &Identity,
    pool: &UserPool,
    client: Client<'_>,
    message: &Message,
) -> Option<String> {
    let Client::Id(client_id) = client else { return None };
    if message.medium != Medium::Email || !is_wanted(identity, pool, message.kind) {
        return None;
    }
    let domain = mount::told_url(identity, pool)?;
    let mut url = Url::parse(&format!("{domain}/{PAGE}")).ok()?;
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("user_name", &message.username)
        .append_pair("confirmation_code", &message.code);
    Some(url.into())
}

/// Subject and text of the pool's mails with links. The default texts are those that infrastructure
/// tools spell out.
pub(super) fn template(pool: &UserPool) -> (&str, &str) {
    let template = pool.settings.verification_message_template.as_ref();
    let subject = template.and_then(|template| template.email_subject_by_link.as_deref());
    let text = template.and_then(|template| template.email_message_by_link.as_deref());
    let default = "Please click the link below to verify your email address. {##Verify Email##}";
    (subject.unwrap_or("Your verification link"), text.unwrap_or(default))
}

/// Puts a link into each place for one. The text is the administrator's, and may hold markup.
pub(super) fn fill(text: &str, url: &str) -> String {
    let href = url.replace('&', "&amp;").replace('"', "&quot;");
    let mut filled = String::with_capacity(text.len() + href.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARKS.0) {
        filled.push_str(before);
        rest = match after.split_once(MARKS.1) {
            Some((label, after)) if !label.is_empty() => {
                filled.push_str("<a href=\"");
                filled.push_str(&href);
                filled.push_str("\">");
                filled.push_str(label);
                filled.push_str("</a>");
                after
            }
            _ => {
                filled.push_str(MARKS.0);
                after
            }
        };
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_take_the_places_that_have_a_text() {
        let url = "https://a.example/confirmUser?client_id=1&user_name=%22";
        let filled = fill("<b>{##Verify##}</b> or {##here##}: {####} {##", url);
        let link = |text| {
            format!(
                "<a href=\"https://a.example/confirmUser?client_id=1&amp;user_name=%22\">{text}</a>"
            )
        };
        let expected = format!("<b>{}</b> or {}: {{####}} {{##", link("Verify"), link("here"));
        assert_eq!(filled, expected);
        assert!(has_place("a {##b##} c"));
        for none in ["", "{####}", "{##", "##}{##", "{## "] {
            assert!(!has_place(none), "{none}");
        }
    }
}
