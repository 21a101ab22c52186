//! Where a sign-in meets threat protection: before the password is looked at, when it was wrong, when
//! it was right, and at the end.
//!
//! One event tells of a sign-in from its first factor to its end. Its id is the `event_id` of the
//! tokens. Pools without threat protection write nothing here.

use super::{
    Outcome, Place,
    answer::{AnswerRefused, Answered},
    first_factor::{FirstFactor, SignInRefused},
    next,
    session::{ChallengeSession, Step},
};
use crate::{
    fault::{Fault, Ruling},
    ids,
    shapes::{
        ChallengeName, ChallengeResponse, EventResponseType, EventRiskType, EventType,
        UserPoolMfaType,
    },
    threat_protection::{
        self, Mode,
        assessment::Demand,
        compromised::Finding,
        events::{self, Happening, Subject},
        notices,
    },
    users::User,
};

/// The event of the sign-in that a request is a step of.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The event's id.
    pub id: String,
    /// Whether the risk demands a second factor, for which a device can't stand in.
    pub demands_second_factor: bool,
    stage: Stage,
}

/// How far the sign-in has come.
#[derive(Clone, Debug)]
enum Stage {
    /// The first factor is being passed in this request; nothing is recorded yet.
    FirstFactor(EventRiskType, FirstFactor),
    /// It was passed in an earlier request. Now a second one is asked, or something else.
    Later { is_mfa: bool },
}

fn subject<'a>(place: Place<'a>, user: &'a User, client_id: &'a str) -> Subject<'a> {
    Subject { ports: place.ports, pool: place.pool, client_id, user }
}

/// Refuses whoever comes from an always blocked address, known or not, before a password is looked
/// at.
pub(super) async fn check_network(
    place: Place<'_>,
    user: Option<&User>,
) -> Ruling<(), SignInRefused> {
    let client_id = place.client.id();
    if !events::is_blocked_network(place.ports, place.pool, client_id).await? {
        return Ok(Ok(()));
    }
    if let Some(user) = user {
        let plain = Happening::plain(EventType::SignIn, EventResponseType::Fail);
        let happening = Happening { risk: events::blocked_network_risk(), ..plain };
        events::record_unseen(subject(place, user, client_id), place.client, happening).await?;
    }
    Ok(Err(SignInRefused::Blocked))
}

/// The same for whoever goes on with a session.
pub(super) async fn check_network_of(
    place: Place<'_>,
    session: &ChallengeSession,
) -> Ruling<(), SignInRefused> {
    if !events::is_blocked_network(place.ports, place.pool, place.client.id()).await? {
        return Ok(Ok(()));
    }
    let mut view = place.ports.store.read().await?;
    let user = view.user_by_sub(place.pool.id(), &session.sub).await?;
    drop(view);
    check_network(place, user.as_ref()).await
}

/// Records a wrong password. Tries during a lock are not looked at, so there is nothing to tell.
pub(super) async fn guessed<T>(
    place: Place<'_>,
    user: Option<&User>,
    guessed: Result<T, SignInRefused>,
) -> Ruling<T, SignInRefused> {
    if let (Err(SignInRefused::WrongPassword), Some(user)) = (&guessed, user) {
        let plain = Happening::plain(EventType::SignIn, EventResponseType::Fail);
        let challenges = vec![(ChallengeName::Password, ChallengeResponse::Failure)];
        let happening = Happening { challenges, ..plain };
        let subject = subject(place, user, place.client.id());
        events::record_unseen(subject, place.client, happening).await?;
    }
    Ok(guessed)
}

/// Records a wrong code or passkey in a sign-in by choice. Events have no name for what was shown.
pub(super) async fn showed_wrong(place: Place<'_>, user: Option<&User>) -> Result<(), Fault> {
    let Some(user) = user else { return Ok(()) };
    let plain = Happening::plain(EventType::SignIn, EventResponseType::Fail);
    events::record_unseen(subject(place, user, place.client.id()), place.client, plain).await
}

/// Judges a sign-in whose first factor is right, and answers its event; none where threat protection
/// is off.
pub(super) async fn admit(
    place: Place<'_>,
    user: &User,
    shown: FirstFactor,
) -> Ruling<Option<Watched>, SignInRefused> {
    let subject = subject(place, user, place.client.id());
    let Some(mode) = mode(place) else { return Ok(Ok(None)) };
    let Some(mut verdict) = events::assess(subject).await? else { return Ok(Ok(None)) };
    let is_known = shown == FirstFactor::KnownPassword;
    verdict.risk.compromised_credentials_detected = Some(is_known);
    let is_enforced = mode == Mode::Enforced;
    let is_blocked = match verdict.demand {
        Demand::Pass => false,
        Demand::SecondFactor => !asks_second_factor(place, user),
        Demand::Block => true,
    };
    let id = ids::timed_uuid(&*place.ports.entropy, place.ports.clock.now());
    let is_refused = is_enforced && is_blocked;
    if is_refused {
        refuse(subject, Some(id.clone()), verdict.risk.clone(), challenges(shown)).await?;
    }
    if let Some(notice) = verdict.notice.as_ref().filter(|_| is_enforced) {
        notices::send(subject, notice, &id, is_refused).await?;
    }
    if is_refused {
        return Ok(Err(SignInRefused::Blocked));
    }
    let demands_second_factor = is_enforced && verdict.demand == Demand::SecondFactor;
    let stage = Stage::FirstFactor(verdict.risk, shown);
    Ok(Ok(Some(Watched { id, demands_second_factor, stage })))
}

/// What threat protection does with this sign-in: custom ones have a mode of their own.
fn mode(place: Place<'_>) -> Option<Mode> {
    match place.custom {
        Some(_) => threat_protection::custom_auth_mode(place.pool),
        None => threat_protection::mode(place.pool),
    }
}

/// Records that somebody with the right password is refused because of it.
pub(super) async fn blocked(
    place: Place<'_>,
    user: &User,
    risk: EventRiskType,
) -> Result<(), Fault> {
    let challenges = challenges(FirstFactor::KnownPassword);
    refuse(subject(place, user, place.client.id()), None, risk, challenges).await
}

async fn refuse(
    subject: Subject<'_>,
    id: Option<String>,
    risk: EventRiskType,
    challenges: Vec<(ChallengeName, ChallengeResponse)>,
) -> Result<(), Fault> {
    let plain = Happening::plain(EventType::SignIn, EventResponseType::Fail);
    events::record(subject, Happening { id, risk, challenges, ..plain }).await
}

/// The answers to challenges that events show of a first factor. They have no name for codes and
/// passkeys.
fn challenges(shown: FirstFactor) -> Vec<(ChallengeName, ChallengeResponse)> {
    match shown {
        FirstFactor::Password | FirstFactor::KnownPassword => {
            vec![(ChallengeName::Password, ChallengeResponse::Success)]
        }
        FirstFactor::Alone(_)
        | FirstFactor::SignUpCode(_)
        | FirstFactor::SignUp
        | FirstFactor::AccessToken
        | FirstFactor::Custom => Vec::new(),
    }
}

/// Whether this user has a second factor to be asked for; setting one up proves nothing. That whoever
/// has none is blocked in pools that offer none, too, is a belief.
fn asks_second_factor(place: Place<'_>, user: &User) -> bool {
    match place.pool.mfa() {
        UserPoolMfaType::Off => false,
        _ => !next::usable_factors(place, user).is_empty(),
    }
}

/// Records that somebody chooses a password that others know, as the first one of their own.
pub(super) async fn chose_known_password(
    place: Place<'_>,
    user: &User,
    finding: Finding,
) -> Result<(), Fault> {
    let response =
        if finding.is_blocked { EventResponseType::Fail } else { EventResponseType::Pass };
    let plain = Happening::plain(EventType::PasswordChange, response);
    let happening = Happening { risk: finding.risk(), ..plain };
    events::record(subject(place, user, place.client.id()), happening).await
}

/// Records a sign-in that waits for something after its first factor.
pub(super) async fn admitted(
    place: Place<'_>,
    user: &User,
    outcome: &Outcome,
) -> Result<(), Fault> {
    match (place.event, outcome) {
        (Some(event), Outcome::Challenged(_)) => {
            record_first(place, user, event, EventResponseType::InProgress).await
        }
        _ => Ok(()),
    }
}

async fn record_first(
    place: Place<'_>,
    user: &User,
    event: &Watched,
    response: EventResponseType,
) -> Result<(), Fault> {
    let Stage::FirstFactor(risk, shown) = &event.stage else { return Ok(()) };
    let happening = Happening {
        id: Some(event.id.clone()),
        kind: EventType::SignIn,
        response,
        risk: risk.clone(),
        challenges: challenges(*shown),
    };
    events::record(subject(place, user, place.client.id()), happening).await
}

/// Records that a sign-in ends after its first factor, as there is no second one to be asked for.
pub(super) async fn ended(place: Place<'_>, user: &User) -> Result<(), Fault> {
    let Some(event) = place.event else { return Ok(()) };
    let fail = EventResponseType::Fail;
    match event.stage {
        Stage::FirstFactor(..) => record_first(place, user, event, fail).await,
        Stage::Later { .. } => {
            events::follow_up(subject(place, user, place.client.id()), &event.id, fail, None).await
        }
    }
}

/// The id that tokens carry as `event_id`.
pub(super) fn event_id(place: Place<'_>) -> String {
    let new = || ids::timed_uuid(&*place.ports.entropy, place.ports.clock.now());
    place.event.map_or_else(new, |event| event.id.clone())
}

/// Records that a sign-in has come to its end.
pub(super) async fn signed_in(place: Place<'_>, user: &User, event_id: &str) -> Result<(), Fault> {
    let (subject, pass) = (subject(place, user, place.client.id()), EventResponseType::Pass);
    let Some(event) = place.event else {
        // It began when threat protection was off, or without a password.
        let plain = Happening::plain(EventType::SignIn, pass);
        let happening = Happening { id: Some(event_id.to_owned()), ..plain };
        return events::record(subject, happening).await;
    };
    match event.stage {
        Stage::FirstFactor(..) => record_first(place, user, event, pass).await,
        Stage::Later { is_mfa } => {
            let answer = is_mfa.then_some((ChallengeName::Mfa, ChallengeResponse::Success));
            events::follow_up(subject, event_id, pass, answer).await
        }
    }
}

/// The event of a sign-in that goes on with an answer to a challenge.
pub(super) fn of_session(session: &ChallengeSession) -> Option<Watched> {
    let is_mfa = matches!(session.step, Step::SoftwareToken | Step::SentCode(..));
    let (id, demands_second_factor) = (session.event_id.clone()?, session.demands_second_factor);
    Some(Watched { id, demands_second_factor, stage: Stage::Later { is_mfa } })
}

/// Records an answer to a second factor that doesn't end the sign-in: a wrong code, after which
/// another one may be right, or a right one, after which a device still has to prove itself.
pub(super) async fn answered(
    step: Answered<'_>,
    answered: &Result<Outcome, AnswerRefused>,
) -> Result<(), Fault> {
    use AnswerRefused::{UsedTotpCode, WrongSentCode, WrongTotpCode};
    let (place, session) = (step.place, step.session);
    let Some(event) = place.event else { return Ok(()) };
    let (response, answer) = match (answered, &event.stage) {
        (Err(UsedTotpCode | WrongSentCode | WrongTotpCode), _) => {
            (EventResponseType::Fail, ChallengeResponse::Failure)
        }
        (Ok(Outcome::Challenged(_)), Stage::Later { is_mfa: true }) => {
            (EventResponseType::InProgress, ChallengeResponse::Success)
        }
        _ => return Ok(()),
    };
    let mut view = place.ports.store.read().await?;
    let user = view.user_by_sub(place.pool.id(), &session.sub).await?;
    drop(view);
    let Some(user) = user else { return Ok(()) };
    let subject = subject(place, &user, place.client.id());
    events::follow_up(subject, &event.id, response, Some((ChallengeName::Mfa, answer))).await
}
