//! Recording what happened.

use super::{
    AuthEvent, Mode,
    assessment::{self, NetworkRule, Origin, RECENT, REMEMBERED, Verdict},
    configuration, device, mode,
};
use crate::{
    app_clients::AppClient,
    caller::Caller,
    fault::{Fault, retrying},
    ids, log_delivery,
    ports::Ports,
    shapes::{
        AuthEventType, ChallengeName, ChallengeResponse, ChallengeResponseType,
        EventContextDataType, EventResponseType, EventRiskType, EventType, RiskConfigurationType,
        RiskDecisionType,
    },
    time::Timestamp,
    user_pools::UserPool,
    users::User,
};

/// Failures of a user that are recorded within an hour at most: strangers cause them.
const FAILURES_PER_HOUR: u32 = 60;
const HOUR: i64 = 3_600;
/// Answers to challenges that an event tells of at most.
const MOST_CHALLENGES: usize = 20;

/// Whose account something happens to, and through which app client.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The ports.
    pub ports: &'a Ports,
    /// The pool.
    pub pool: &'a UserPool,
    /// The id of the app client; empty where none is involved.
    pub client_id: &'a str,
    /// The user.
    pub user: &'a User,
}

/// What happened.
#[derive(Clone)]
pub struct Happening {
    /// The event's id, where something else must know it too.
    pub id: Option<String>,
    /// What was done.
    pub kind: EventType,
    /// How it ended.
    pub response: EventResponseType,
    /// How risky it was.
    pub risk: EventRiskType,
    /// The answers to challenges so far.
    pub challenges: Vec<(ChallengeName, ChallengeResponse)>,
}

impl Happening {
    /// Something that no risk is seen in.
    pub const fn plain(kind: EventType, response: EventResponseType) -> Self {
        let risk = assessment::risk(RiskDecisionType::NoRisk, None);
        Self { id: None, kind, response, risk, challenges: Vec::new() }
    }
}

/// Records something, where threat protection is on.
///
/// Never inside a write transaction of the caller. Lost races are met here: what is recorded has
/// happened, and must not happen again for the sake of the record.
pub async fn record(subject: Subject<'_>, happening: Happening) -> Result<(), Fault> {
    let Subject { ports, pool, user, .. } = subject;
    if mode(pool).is_none() {
        return Ok(());
    }
    let now = ports.clock.now();
    if happening.response == EventResponseType::Fail && !may_record_failure(subject, now).await? {
        return Ok(());
    }
    let id = happening.id.unwrap_or_else(|| ids::timed_uuid(&*ports.entropy, now));
    let shown = AuthEventType {
        event_id: Some(id),
        event_type: Some(happening.kind),
        creation_date: Some(now.to_wire()),
        event_response: Some(happening.response),
        event_risk: Some(happening.risk),
        challenge_responses: Some(happening.challenges.into_iter().map(answer).collect()),
        event_context_data: Some(context(&ports.caller)),
        event_feedback: None,
    };
    let (user_pool_id, sub) = (user.user_pool_id.clone(), user.sub.clone());
    let event = AuthEvent { user_pool_id, sub, at: now, shown };
    let put = || async {
        let mut tx = ports.store.write().await?;
        tx.put_auth_event(&event).await?;
        tx.commit().await
    };
    retrying(put).await?;
    log_delivery::auth_event(subject, &event).await
}

/// Records what may happen to a user of whom the app client must not tell that there is one: then
/// after the answer, so that it takes no longer than for nobody. What is not written yet when the
/// server stops is lost.
pub async fn record_unseen(
    subject: Subject<'_>,
    client: &AppClient,
    happening: Happening,
) -> Result<(), Fault> {
    let Subject { ports, pool, client_id, user } = subject;
    if mode(pool).is_none() || !client.hides_user_existence() {
        return record(subject, happening).await;
    }
    let (ports, pool, user) = (ports.clone(), pool.clone(), user.clone());
    let client_id = client_id.to_owned();
    tokio::spawn(async move {
        let subject = Subject { ports: &ports, pool: &pool, client_id: &client_id, user: &user };
        if let Err(fault) = record(subject, happening).await {
            tracing::error!(%fault, "an event was not recorded");
        }
    });
    Ok(())
}

/// Whether a failure is still recorded: only so many are within an hour.
async fn may_record_failure(subject: Subject<'_>, now: Timestamp) -> Result<bool, Fault> {
    let Subject { ports, user, .. } = subject;
    let mut view = ports.store.read().await?;
    let (pool_id, sub) = (&user.user_pool_id, &user.sub);
    let latest = view.list_auth_events(pool_id, sub, None, FAILURES_PER_HOUR).await?;
    let is_recent_failure = |event: &AuthEvent| {
        event.shown.event_response == Some(EventResponseType::Fail)
            && now.seconds_since(event.at) < HOUR
    };
    let count = latest.iter().filter(|event| is_recent_failure(event)).count();
    Ok(u32::try_from(count).unwrap_or(u32::MAX) < FAILURES_PER_HOUR)
}

/// Records how a sign-in that was recorded before goes on.
pub async fn follow_up(
    subject: Subject<'_>,
    event_id: &str,
    response: EventResponseType,
    challenge: Option<(ChallengeName, ChallengeResponse)>,
) -> Result<(), Fault> {
    let Subject { ports, pool, user, .. } = subject;
    let change = || async {
        let mut tx = ports.store.write().await?;
        let Some(mut event) = tx.auth_event(pool.id(), &user.sub, event_id).await? else {
            return Ok(None);
        };
        event.shown.event_response = Some(response);
        let answers = event.shown.challenge_responses.get_or_insert_default();
        answers.extend(challenge.map(answer).filter(|_| answers.len() < MOST_CHALLENGES));
        tx.put_auth_event(&event).await?;
        tx.commit().await?;
        Ok(Some(event))
    };
    match retrying(change).await? {
        Some(event) => log_delivery::auth_event(subject, &event).await,
        None => Ok(()),
    }
}

fn answer((name, response): (ChallengeName, ChallengeResponse)) -> ChallengeResponseType {
    ChallengeResponseType { challenge_name: Some(name), challenge_response: Some(response) }
}

/// Where a request comes from, as events show it. Poolhouse does not know where addresses are; the
/// service writes "null" for a city that it does not know, and, we believe, for a country.
pub(super) fn context(caller: &Caller) -> EventContextDataType {
    EventContextDataType {
        ip_address: caller.ip.map(|ip| ip.to_string()),
        device_name: Some(device::name(caller.user_agent.as_deref())),
        timezone: caller.device_data.as_deref().and_then(device::timezone),
        city: Some("null".to_owned()),
        country: Some("null".to_owned()),
    }
}

/// Whether the address of this request is always blocked. Where protection is enforced, whoever it
/// is is refused.
pub async fn is_blocked_network(
    ports: &Ports,
    pool: &UserPool,
    client_id: &str,
) -> Result<bool, Fault> {
    if mode(pool) != Some(Mode::Enforced) || ports.caller.ip.is_none() {
        return Ok(false);
    }
    let settings = settings(ports, pool, client_id).await?;
    let rule = assessment::network_rule(&settings, ports.caller.ip);
    Ok(rule == NetworkRule::Blocked)
}

/// The risk of what an always blocked address does.
pub fn blocked_network_risk() -> EventRiskType {
    Verdict::blocked_network().risk
}

/// How risky it is that this user signs in by this request; none where threat protection is off.
pub async fn assess(subject: Subject<'_>) -> Result<Option<Verdict>, Fault> {
    let Subject { ports, pool, client_id, user } = subject;
    if mode(pool).is_none() {
        return Ok(None);
    }
    let settings = settings(ports, pool, client_id).await?;
    match assessment::network_rule(&settings, ports.caller.ip) {
        NetworkRule::Blocked => return Ok(Some(Verdict::blocked_network())),
        NetworkRule::Skipped => return Ok(Some(Verdict::no_risk())),
        NetworkRule::Judged => {}
    }
    let mut view = ports.store.read().await?;
    let completed = view.recent_sign_ins(pool.id(), &user.sub, REMEMBERED).await?;
    let recent = view.list_auth_events(pool.id(), &user.sub, None, RECENT).await?;
    let device = ports.caller.user_agent.as_deref().map(|agent| device::name(Some(agent)));
    let origin = Origin { ip: ports.caller.ip, device: device.as_deref() };
    let level = assessment::level(&completed, &recent, origin, ports.clock.now());
    Ok(Some(assessment::judge(&settings, level)))
}

/// The configuration in effect for an app client.
pub(super) async fn settings(
    ports: &Ports,
    pool: &UserPool,
    client_id: &str,
) -> Result<RiskConfigurationType, Fault> {
    let mut view = ports.store.read().await?;
    let stored = view.risk_configurations(pool.id(), Some(client_id)).await?;
    Ok(configuration::in_effect(stored, pool.id(), Some(client_id)))
}
