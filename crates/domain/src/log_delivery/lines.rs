//! The lines: members in the order in which the service writes them.

use serde::Serialize;

use crate::{
    fault::Fault,
    shapes::{AuthEventType, RiskDecisionType},
    threat_protection::{AuthEvent, events::Subject},
    time::Timestamp,
};

/// What every line has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a, M> {
    event_timestamp: String,
    event_source: &'a str,
    log_level: &'a str,
    message: M,
    log_source_id: Source<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    user_pool_id: &'a str,
}

/// A message that could not be delivered.
#[derive(Serialize)]
struct Notification<'a> {
    details: &'a str,
}

/// An event of threat protection. Values are text but for the challenges.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Activity<'a> {
    version: &'a str,
    event_id: &'a str,
    event_type: &'a str,
    user_sub: &'a str,
    user_name: &'a str,
    user_pool_id: &'a str,
    client_id: &'a str,
    creation_date: String,
    event_response: &'a str,
    risk_level: &'a str,
    risk_decision: &'a str,
    challenges: Vec<String>,
    device_name: &'a str,
    ip_address: &'a str,
    request_id: &'a str,
    idp_name: &'a str,
    compromised_credential_detected: &'a str,
    city: &'a str,
    country: &'a str,
    // From here on the members are beliefs.
    event_feedback_value: &'a str,
    event_feedback_date: &'a str,
    event_feedback_provider: &'a str,
    has_context_data: &'a str,
}

/// The line for a message that could not be delivered.
pub(super) fn notification(
    user_pool_id: &str,
    details: &str,
    now: Timestamp,
) -> Result<String, Fault> {
    write(&Line {
        event_timestamp: now.millis().to_string(),
        event_source: "USER_NOTIFICATION",
        log_level: "ERROR",
        message: Notification { details },
        log_source_id: Source { user_pool_id },
    })
}

/// The line for an event of threat protection. Feedback comes later, and makes no line.
pub(super) fn auth_event(subject: Subject<'_>, event: &AuthEvent) -> Result<String, Fault> {
    let (shown, caller) = (&event.shown, &subject.ports.caller);
    let context = shown.event_context_data.as_ref();
    let risk = shown.event_risk.as_ref();
    let activity = Activity {
        version: "1",
        event_id: event.id(),
        event_type: shown.event_type.map_or("", |kind| kind.as_str()),
        user_sub: &event.sub,
        user_name: &subject.user.username,
        user_pool_id: &event.user_pool_id,
        client_id: subject.client_id,
        creation_date: date(event.at),
        event_response: shown.event_response.map_or("", |response| response.as_str()),
        risk_level: risk.and_then(|risk| risk.risk_level).map_or("", |level| level.as_str()),
        risk_decision: decision(risk.and_then(|risk| risk.risk_decision)),
        challenges: challenges(shown),
        device_name: context.and_then(|c| c.device_name.as_deref()).unwrap_or_default(),
        ip_address: context.and_then(|c| c.ip_address.as_deref()).unwrap_or_default(),
        request_id: &caller.request_id,
        idp_name: "",
        compromised_credential_detected: "false",
        city: "",
        country: "",
        event_feedback_value: "",
        event_feedback_date: "",
        event_feedback_provider: "",
        has_context_data: if caller.device_data.is_some() { "true" } else { "false" },
    };
    write(&Line {
        event_timestamp: subject.ports.clock.now().millis().to_string(),
        event_source: "USER_ACTIVITY",
        log_level: "INFO",
        message: activity,
        log_source_id: Source { user_pool_id: &event.user_pool_id },
    })
}

/// A decision in the words of these lines. Only the first is on record.
const fn decision(decision: Option<RiskDecisionType>) -> &'static str {
    match decision {
        None | Some(RiskDecisionType::NoRisk) => "PASS",
        Some(RiskDecisionType::AccountTakeover) => "ACCOUNT_TAKEOVER",
        Some(RiskDecisionType::Block) => "BLOCK",
    }
}

/// Answers to challenges, such as `PASSWORD:Success`. The form is a belief.
fn challenges(shown: &AuthEventType) -> Vec<String> {
    let answers = shown.challenge_responses.iter().flatten();
    answers
        .filter_map(|answer| {
            let name = answer.challenge_name?.as_str().to_uppercase();
            Some(format!("{name}:{}", answer.challenge_response?.as_str()))
        })
        .collect()
}

/// A time such as `Wed Jul 17 17:25:55 UTC 2024`.
fn date(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(at.seconds());
    time.map(|time| time.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()).unwrap_or_default()
}

fn write<T: Serialize>(line: &T) -> Result<String, Fault> {
    serde_json::to_string(line)
        .map_err(|error| Fault::because("a line of a log can't be written", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_the_line_on_record() {
        let line = notification(
            "us-west-2_EXAMPLE",
            "String",
            Timestamp::from_micros(1_687_297_330_677_000),
        );
        assert_eq!(
            line.unwrap(),
            r#"{"eventTimestamp":"1687297330677","eventSource":"USER_NOTIFICATION","logLevel":"ERROR","message":{"details":"String"},"logSourceId":{"userPoolId":"us-west-2_EXAMPLE"}}"#
        );
    }

    #[test]
    fn dates_are_those_of_java() {
        assert_eq!(date(Timestamp::from_seconds(1_721_237_155)), "Wed Jul 17 17:25:55 UTC 2024");
    }
}
