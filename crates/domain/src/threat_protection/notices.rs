//! Telling users by mail of sign-ins that are risky, as `NotifyConfiguration` says.
//!
//! Only verified addresses are written to (belief). The texts for pools that give none are ours, and
//! that a sign-in which is blocked for want of a second factor counts as blocked is a belief.

use std::collections::BTreeMap;

use super::{configuration, events, events::Subject, feedback};
use crate::{
    attempts::{self, Attempted},
    attributes::Contact,
    fault::{Fault, retrying},
    messages,
    shapes::{
        AccountTakeoverEventActionType, NotifyConfigurationType, NotifyEmailType,
        RiskConfigurationType, RiskLevelType,
    },
    srp::client,
    triggers::call::Client,
};

/// What a user is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A sign-in was refused.
    Blocked,
    /// A sign-in was let pass.
    Passed,
    /// A sign-in was asked for a second factor, if there is one.
    SecondFactor,
}

/// What a user is to be told, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    about: About,
    action: AccountTakeoverEventActionType,
    settings: NotifyConfigurationType,
}

impl Notice {
    /// The notice of a risk of this level, if there is to be one.
    pub(super) fn at(settings: &RiskConfigurationType, level: RiskLevelType) -> Option<Self> {
        use AccountTakeoverEventActionType as Action;
        let action = configuration::action(settings, level);
        let about = match action {
            Action::Block => About::Blocked,
            Action::NoAction => About::Passed,
            Action::MfaIfConfigured | Action::MfaRequired => About::SecondFactor,
        };
        let settings = configuration::notification(settings, level)?.clone();
        Some(Self { about, action, settings })
    }

    /// The pool's own mail, if it has one, and ours.
    fn texts(&self) -> (Option<&NotifyEmailType>, (&'static str, &'static str)) {
        let settings = &self.settings;
        match self.about {
            About::Blocked => (settings.block_email.as_ref(), BLOCKED),
            About::Passed => (settings.no_action_email.as_ref(), PASSED),
            About::SecondFactor => (settings.mfa_email.as_ref(), SECOND_FACTOR),
        }
    }
}

const BLOCKED: (&str, &str) = (
    "A sign-in was blocked",
    "A sign-in as {username} was blocked. Time: {login-time}. Device: {device-name}. Address: \
     {ip-address}.",
);
const PASSED: (&str, &str) = (
    "A new sign-in",
    "Somebody signed in as {username}. Time: {login-time}. Device: {device-name}. Address: \
     {ip-address}. If it was not you, change your password.",
);
const SECOND_FACTOR: (&str, &str) = (
    "A new sign-in",
    "Somebody with your password began to sign in as {username}. Time: {login-time}. Device: \
     {device-name}. Address: {ip-address}. If it was not you, change your password.",
);

/// Tells the user of the sign-in that this event tells of. What can't be sent is only logged: it must
/// not keep anybody from signing in.
pub async fn send(
    subject: Subject<'_>,
    notice: &Notice,
    event_id: &str,
    is_blocked: bool,
) -> Result<(), Fault> {
    let Subject { ports, pool, user, .. } = subject;
    let email = Contact::Email.attribute();
    if user.attribute(email).is_none() || !user.is_verified(email) {
        return Ok(());
    }
    if !may_send_another(subject).await? {
        tracing::warn!(sub = user.sub, "no notice of a risk was sent: too many within an hour");
        return Ok(());
    }
    let mut notice = notice.clone();
    if is_blocked {
        (notice.about, notice.action) = (About::Blocked, AccountTakeoverEventActionType::Block);
    }
    let (own, (subject_line, text)) = notice.texts();
    let known = values(subject, event_id);
    let values: Vec<_> = known.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let message = messages::notice(
        pool,
        user,
        own.map_or(subject_line, |own| &own.subject),
        own.map_or((None, Some(text)), |own| (own.html_body.as_deref(), own.text_body.as_deref())),
        &values,
        (notice.settings.from.as_deref(), notice.settings.reply_to.as_deref()),
        ports.clock.now(),
    );
    let client = Client::Id(subject.client_id);
    let facts = facts(subject, &known, notice.action);
    // A refusal is logged there.
    let handed = messages::hand_over_notice(ports, pool, user, client, facts, message).await;
    if let Err(fault) = handed {
        tracing::error!(%fault, "a notice of a risk was not delivered");
    }
    Ok(())
}

/// What a function that sends notices is told, under names that are a belief.
fn facts(
    subject: Subject<'_>,
    values: &[(&'static str, String)],
    action: AccountTakeoverEventActionType,
) -> BTreeMap<String, String> {
    let names = [
        ("EVENT_ID", "{event-id}"),
        ("USER_NAME", "{username}"),
        ("IP_ADDRESS", "{ip-address}"),
        ("LOGIN_TIME", "{login-time}"),
        ("ONE_CLICK_LINK_VALID", "{one-click-link-valid}"),
        ("ONE_CLICK_LINK_INVALID", "{one-click-link-invalid}"),
        ("FEEDBACK_TOKEN", "{feedback-token}"),
    ];
    let value = |name| values.iter().find(|(of, _)| *of == name).map(|(_, value)| value.clone());
    let told = names.into_iter().filter_map(|(name, of)| Some((name.to_owned(), value(of)?)));
    let mut facts: BTreeMap<_, _> = told.collect();
    facts.insert("ACCOUNT_TAKE_OVER_ACTION".to_owned(), action.as_str().to_owned());
    if let Some(device) = events::context(&subject.ports.caller).device_name {
        facts.insert("DEVICE_NAME".to_owned(), device);
    }
    facts
}

async fn may_send_another(subject: Subject<'_>) -> Result<bool, Fault> {
    let Subject { ports, pool, user, .. } = subject;
    let count = || async {
        let mut tx = ports.store.write().await?;
        let (what, now) = (Attempted::SendNotice, ports.clock.now());
        let counted = attempts::count(&mut *tx, pool.id(), &user.sub, what, now).await?;
        tx.commit().await?;
        Ok(counted.is_ok())
    };
    retrying(count).await
}

/// What stands for the placeholders.
fn values(subject: Subject<'_>, event_id: &str) -> Vec<(&'static str, String)> {
    let Subject { ports, pool, user, .. } = subject;
    let context = events::context(&ports.caller);
    let token = feedback::token_for(ports, pool.id(), &user.sub, event_id);
    let unknown = || "unknown".to_owned();
    let link = |value: &str| {
        let base = ports.identity.user_pool_url(pool.id());
        format!("{base}/feedback/{}/{event_id}/{value}/{token}", user.sub)
    };
    vec![
        ("{username}", user.username.clone()),
        ("{ip-address}", context.ip_address.unwrap_or_else(unknown)),
        ("{city}", unknown()),
        ("{country}", unknown()),
        ("{login-time}", client::timestamp(ports.clock.now()).unwrap_or_else(unknown)),
        ("{device-name}", context.device_name.unwrap_or_else(unknown)),
        ("{event-id}", event_id.to_owned()),
        ("{one-click-link-valid}", link("Valid")),
        ("{one-click-link-invalid}", link("Invalid")),
        ("{feedback-token}", token),
    ]
}
