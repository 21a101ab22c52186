//! How risky a sign-in is.
//!
//! Four signs are looked for, against the sign-ins that the user completed before: a device and a
//! network that none of them came from, wrong passwords within the last hour, and a sign-in from
//! another network minutes ago. Two of them make a low risk, three a medium, four a high one. A
//! device on a network about which somebody said "that was not the user" is a high risk by itself.
//! Whoever has no history is no risk. The service's own model is not public; this one is meant to be
//! understood. `docs/threat-protection.md` tells it to administrators.

use std::net::IpAddr;

use super::{AuthEvent, configuration, notices::Notice};
use crate::{
    network::Network,
    shapes::{
        AccountTakeoverEventActionType, EventResponseType, EventRiskType, EventType,
        FeedbackValueType, RiskConfigurationType, RiskDecisionType, RiskLevelType,
    },
    time::Timestamp,
};

/// How many completed sign-ins a new one is compared with.
pub(super) const REMEMBERED: u32 = 30;
/// How many events are looked at for wrong passwords.
pub(super) const RECENT: u32 = 10;
/// So many wrong passwords within an hour are a sign.
const MANY_FAILURES: usize = 3;
/// Within so many seconds nobody goes elsewhere.
const HURRY: i64 = 600;
const HOUR: i64 = 3_600;

/// Where a sign-in comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) ip: Option<IpAddr>,
    pub(super) device: Option<&'a str>,
}

/// What a list of addresses says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkRule {
    /// Always blocked.
    Blocked,
    /// Never blocked.
    Skipped,
    /// In no list.
    Judged,
}

/// What is done with a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing.
    Pass,
    /// A second factor; whoever has none is blocked.
    SecondFactor,
    /// It is refused.
    Block,
}

/// How risky a sign-in is, and what is to be done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The risk as events show it.
    pub risk: EventRiskType,
    /// What is to be done where protection is enforced.
    pub demand: Demand,
    /// What the user is to be told then.
    pub notice: Option<Notice>,
}

/// What the lists of addresses say. The one of blocked addresses wins.
pub(super) fn network_rule(settings: &RiskConfigurationType, ip: Option<IpAddr>) -> NetworkRule {
    let (Some(ip), Some(lists)) = (ip, &settings.risk_exception_configuration) else {
        return NetworkRule::Judged;
    };
    let is_in = |list: &Option<Vec<String>>| {
        let networks = list.iter().flatten().filter_map(|range| Network::parse(range));
        networks.into_iter().any(|network| network.contains(ip))
    };
    if is_in(&lists.blocked_ip_range_list) {
        NetworkRule::Blocked
    } else if is_in(&lists.skipped_ip_range_list) {
        NetworkRule::Skipped
    } else {
        NetworkRule::Judged
    }
}

/// The risk of a sign-in, if there is any: `completed` are the user's completed sign-ins, `recent`
/// the latest events of any kind, newest first each.
pub(super) fn level(
    completed: &[AuthEvent],
    recent: &[AuthEvent],
    origin: Origin<'_>,
    now: Timestamp,
) -> Option<RiskLevelType> {
    let (disowned, own): (Vec<_>, Vec<_>) = completed.iter().partition(|event| is_disowned(event));
    if disowned.iter().any(|event| is_alike(event, origin)) {
        return Some(RiskLevelType::High);
    }
    let has_history = !own.is_empty();
    let is_new_device = has_history && !own.iter().any(|event| is_of_device(event, origin));
    let is_new_network = has_history && !own.iter().any(|event| is_near(event, origin));
    let failures = recent.iter().filter(|event| is_failure(event, now)).count();
    let hurries = own
        .first()
        .is_some_and(|last| now.seconds_since(last.at) < HURRY && !is_near(last, origin));
    let signs = [is_new_device, is_new_network, failures >= MANY_FAILURES, hurries];
    match signs.into_iter().filter(|sign| *sign).count() {
        0 | 1 => None,
        2 => Some(RiskLevelType::Low),
        3 => Some(RiskLevelType::Medium),
        _ => Some(RiskLevelType::High),
    }
}

fn is_disowned(event: &AuthEvent) -> bool {
    let feedback = event.shown.event_feedback.as_ref();
    feedback.is_some_and(|feedback| feedback.feedback_value == FeedbackValueType::Invalid)
}

/// Both device and network are the event's, and known.
fn is_alike(event: &AuthEvent, origin: Origin<'_>) -> bool {
    let is_known = origin.ip.is_some() && origin.device.is_some();
    is_known && is_of_device(event, origin) && is_near(event, origin)
}

/// Whether the device may be the event's. An unknown one may be any.
fn is_of_device(event: &AuthEvent, origin: Origin<'_>) -> bool {
    let seen = event.shown.event_context_data.as_ref().and_then(|c| c.device_name.as_deref());
    origin.device.is_none_or(|device| seen == Some(device))
}

/// Whether the address may be of the event's network. An unknown one may be of any.
fn is_near(event: &AuthEvent, origin: Origin<'_>) -> bool {
    let seen = event.shown.event_context_data.as_ref().and_then(|c| c.ip_address.as_deref());
    let seen = seen.and_then(|address| address.parse().ok()).map(Network::around);
    origin.ip.is_none_or(|ip| seen.is_some_and(|network| network.contains(ip)))
}

/// Whether somebody failed to sign in within the last hour.
fn is_failure(event: &AuthEvent, now: Timestamp) -> bool {
    event.shown.event_type == Some(EventType::SignIn)
        && event.shown.event_response == Some(EventResponseType::Fail)
        && now.seconds_since(event.at) < HOUR
}

/// What is to be done at a risk.
pub(super) fn judge(settings: &RiskConfigurationType, level: Option<RiskLevelType>) -> Verdict {
    use AccountTakeoverEventActionType as Action;
    let Some(level) = level else { return Verdict::no_risk() };
    let action = configuration::action(settings, level);
    let (decision, demand) = match action {
        Action::NoAction | Action::MfaIfConfigured => {
            // Who has a second factor is asked for it at every sign-in.
            (RiskDecisionType::AccountTakeover, Demand::Pass)
        }
        Action::MfaRequired => (RiskDecisionType::AccountTakeover, Demand::SecondFactor),
        Action::Block => (RiskDecisionType::Block, Demand::Block),
    };
    let notice = Notice::at(settings, level);
    Verdict { risk: risk(decision, Some(level)), demand, notice }
}

impl Verdict {
    /// Nothing is wrong.
    pub(super) const fn no_risk() -> Self {
        Self { risk: risk(RiskDecisionType::NoRisk, None), demand: Demand::Pass, notice: None }
    }

    /// The address is one of the always blocked: no level is found.
    pub(super) const fn blocked_network() -> Self {
        Self { risk: risk(RiskDecisionType::Block, None), demand: Demand::Block, notice: None }
    }
}

/// A risk as events show it, where no password is known to have come out.
pub(super) const fn risk(
    decision: RiskDecisionType,
    level: Option<RiskLevelType>,
) -> EventRiskType {
    EventRiskType {
        risk_decision: Some(decision),
        risk_level: level,
        compromised_credentials_detected: Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{AuthEventType, EventContextDataType, EventFeedbackType};

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn event(response: EventResponseType, ip: &str, device: &str, age: i64) -> AuthEvent {
        AuthEvent {
            user_pool_id: String::new(),
            sub: String::new(),
            at: NOW.plus_seconds(-age),
            shown: AuthEventType {
                event_type: Some(EventType::SignIn),
                event_response: Some(response),
                event_context_data: Some(EventContextDataType {
                    ip_address: Some(ip.to_owned()),
                    device_name: Some(device.to_owned()),
                    ..EventContextDataType::default()
                }),
                ..AuthEventType::default()
            },
        }
    }

    fn passed(age: i64) -> AuthEvent {
        event(EventResponseType::Pass, "192.0.2.1", "Chrome 126, Windows 10", age)
    }

    fn from<'a>(ip: &str, device: &'a str) -> Origin<'a> {
        Origin { ip: ip.parse().ok(), device: Some(device) }
    }

    #[test]
    fn signs_add_up_to_levels() {
        let failed = || event(EventResponseType::Fail, "198.51.100.1", "Other, Other", 60);
        let failures = [failed(), failed(), failed()];
        let known = from("192.0.2.200", "Chrome 126, Windows 10");
        let elsewhere = from("198.51.100.1", "Chrome 126, Windows 10");
        let stranger = from("198.51.100.1", "curl 8, Other");
        let (long_ago, just_now) = ([passed(90_000)], [passed(60)]);
        let level = |completed: &[_], recent: &[_], origin| level(completed, recent, origin, NOW);
        assert_eq!(level(&[], &failures, stranger), None, "nobody is a stranger at first");
        assert_eq!(level(&long_ago, &failures, known), None);
        assert_eq!(level(&long_ago, &[], elsewhere), None);
        assert_eq!(level(&long_ago, &[], stranger), Some(RiskLevelType::Low));
        assert_eq!(level(&just_now, &[], elsewhere), Some(RiskLevelType::Low));
        assert_eq!(level(&long_ago, &failures, stranger), Some(RiskLevelType::Medium));
        assert_eq!(level(&just_now, &failures, stranger), Some(RiskLevelType::High));
        assert_eq!(level(&just_now, &failures[..2], stranger), Some(RiskLevelType::Medium));
        let unknown = Origin { ip: None, device: None };
        assert_eq!(level(&just_now, &failures, unknown), None);
    }

    #[test]
    fn what_was_not_the_user_is_a_high_risk_and_no_history() {
        let mut disowned = passed(90_000);
        disowned.shown.event_feedback = Some(EventFeedbackType {
            feedback_value: FeedbackValueType::Invalid,
            ..EventFeedbackType::default()
        });
        let same = from("192.0.2.9", "Chrome 126, Windows 10");
        let events = [disowned.clone()];
        assert_eq!(level(&events, &[], same, NOW), Some(RiskLevelType::High));
        let other = from("198.51.100.1", "curl 8, Other");
        assert_eq!(level(&events, &[], other, NOW), None);
        disowned.shown.event_feedback.as_mut().unwrap().feedback_value = FeedbackValueType::Valid;
        assert_eq!(level(&[disowned], &[], same, NOW), None);
    }
}
