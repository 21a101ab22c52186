//! Custom sign-in (`CUSTOM_AUTH`): functions of the pool decide what is asked, and when it is enough.
//!
//! ```text
//! start ──▶ Define ──┬── CUSTOM_CHALLENGE ──▶ Create ──▶ client ──▶ Verify ──▶ Define …
//!                    ├── PASSWORD_VERIFIER, after SRP_A ──▶ client ──▶ what follows a right
//!                    │      password (a new one, a second factor, a device) ──▶ Define …
//!                    ├── DEVICE_SRP_AUTH ──▶ client ──▶ Define …
//!                    ├── tokens
//!                    └── refused
//! ```
//!
//! What the functions have to know of earlier steps travels in the session, sealed. A session is good
//! for one answer, and is used up when all functions have spoken: one that fails leaves it good.
//!
//! A sign-in without password asks for no second factor, whatever the pool says, unless threat
//! protection demands one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Challenge, Outcome, Parameters, Person, Place,
    answer::{AnswerRefused, Answered},
    check_secret_hash, choice, device,
    first_factor::{self, FirstFactor, SignInRefused, check_state, identify},
    next, required,
    session::{ChallengeSession, SessionRefused, Step},
    srp as srp_flow,
    start::StartRefused,
};
use crate::{
    fault::{Fault, Ruling},
    granted,
    shapes::ChallengeNameType as Name,
    srp::PublicKey,
    triggers::{
        Trigger, TriggerFailed,
        custom_auth::{Created, Past, Scene},
    },
    users::User,
};

/// Challenges that a sign-in consists of at most. Ours: the functions decide when wrong answers are
/// enough, but a session has an end.
const MOST_CHALLENGES: usize = 20;

/// The most characters that the model lets a client send as session.
const LONGEST_SESSION: usize = 4_096;

/// A custom sign-in so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// The name that was typed.
    login: String,
    /// The challenges that were answered, oldest first.
    answered: Vec<AnsweredChallenge>,
    /// Whether the functions have decided that the user is signed in; what follows is between the
    /// pool and the user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_decided: bool,
}

/// A challenge that was answered. Short names: sessions have little room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AnsweredChallenge {
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "r")]
    is_right: bool,
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
}

/// What a custom sign-in waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The proof of a password. The rest of its state is in `SECRET_BLOCK`.
    Proof,
    /// The answer to a challenge that a function has made.
    Asked {
        /// What the function that checks the answer is told.
        private: BTreeMap<String, String>,
        /// What later events say of the challenge.
        metadata: Option<String>,
    },
}

impl Flow {
    fn new(login: &str) -> Self {
        Self { login: login.to_owned(), answered: Vec::new(), is_decided: false }
    }

    fn push(&mut self, name: &str, is_right: bool, metadata: Option<String>) {
        self.answered.push(AnsweredChallenge { name: name.to_owned(), is_right, metadata });
    }

    /// The flow after a right answer to a challenge of the pool. What only chooses or sets up a
    /// factor is not among the challenges that functions know.
    pub(super) fn after(&self, name: Name) -> Self {
        let mut flow = self.clone();
        match name {
            Name::PasswordVerifier
            | Name::NewPasswordRequired
            | Name::SmsMfa
            | Name::EmailOtp
            | Name::SoftwareTokenMfa => flow.push(name.as_str(), true, None),
            Name::DevicePasswordVerifier => {
                flow.push(Name::DeviceSrpAuth.as_str(), true, None);
                flow.push(name.as_str(), true, None);
            }
            _ => {}
        }
        flow
    }

    fn has(&self, name: Name) -> bool {
        self.answered.iter().any(|answered| answered.is_right && answered.name == name.as_str())
    }

    /// Whether the password was proved in it. A device is only offered to be remembered then.
    pub(super) fn proved_password(&self) -> bool {
        self.has(Name::PasswordVerifier)
    }

    /// Whether the device has proved itself in it.
    pub(super) fn proved_device(&self) -> bool {
        self.has(Name::DevicePasswordVerifier)
    }

    /// Whether the functions are still to be asked.
    pub(super) const fn is_open(&self) -> bool {
        !self.is_decided
    }

    fn past(&self) -> Vec<Past<'_>> {
        let past = self.answered.iter().map(|answered| Past {
            challenge_name: &answered.name,
            challenge_result: answered.is_right,
            challenge_metadata: answered.metadata.as_deref(),
        });
        past.collect()
    }
}

/// What the functions have decided.
enum Decision {
    Refuse,
    SignIn,
    ProvePassword,
    ProveDevice,
    Ask(Created),
}

/// Starts a sign-in.
pub(super) async fn start(
    place: Place<'_>,
    parameters: &Parameters,
) -> Ruling<Outcome, StartRefused> {
    if Trigger::DefineAuthChallenge.function(place.pool).is_none() {
        return Ok(Err(StartRefused::NoCustomAuthTrigger));
    }
    let login = granted!(required(parameters, "USERNAME"));
    let srp_a = granted!(begun_proof(parameters));
    granted!(check_secret_hash(place.client, &[login], parameters));
    let user = granted!(identify(place, login).await?);
    let mut flow = Flow::new(login);
    if srp_a.is_some() {
        flow.push("SRP_A", true, None);
    }
    let place = Place { custom: Some(&flow), ..place };
    let person = Person { login, user: user.as_ref() };
    let decision = granted!(decide(place, &flow, person).await?);
    Ok(carry_out(place, &flow, person, decision, srp_a).await?.map_err(Into::into))
}

/// The proof of a password that is begun with the sign-in. The documentation also writes
/// `ChallengeName`.
fn begun_proof(parameters: &Parameters) -> Result<Option<PublicKey>, StartRefused> {
    let names = ["CHALLENGE_NAME", "ChallengeName"];
    let is_begun = names.iter().any(|name| parameters.get(*name).is_some_and(|v| v == "SRP_A"));
    if !is_begun {
        return Ok(None);
    }
    let srp_a = required(parameters, "SRP_A")?;
    PublicKey::from_hex(srp_a).map(Some).map_err(|_| StartRefused::BadSrpA)
}

/// Goes on with a user who has shown what the pool asked for.
pub(super) async fn go_on(
    place: Place<'_>,
    flow: &Flow,
    user: &User,
) -> Ruling<Outcome, SignInRefused> {
    let person = Person { login: &flow.login, user: Some(user) };
    let decision = granted!(decide(place, flow, person).await?);
    carry_out(place, flow, person, decision, None).await
}

/// Asks the functions what comes next.
async fn decide(
    place: Place<'_>,
    flow: &Flow,
    person: Person<'_>,
) -> Ruling<Decision, SignInRefused> {
    if flow.answered.len() >= MOST_CHALLENGES {
        return Ok(Ok(Decision::Refuse));
    }
    let (scene, past) = (scene(place, person), flow.past());
    let Some(definition) = granted!(scene.define(&past).await?) else {
        return Ok(Err(SignInRefused::NoCustomAuthTrigger));
    };
    Ok(Ok(match definition.challenge() {
        _ if definition.fails() => Decision::Refuse,
        _ if definition.issues_tokens() => Decision::SignIn,
        Some("CUSTOM_CHALLENGE") => match granted!(scene.create(&past).await?) {
            Some(created) => Decision::Ask(created),
            None => return Ok(Err(SignInRefused::NoCustomAuthTrigger)),
        },
        Some("PASSWORD_VERIFIER") => Decision::ProvePassword,
        Some("DEVICE_SRP_AUTH") => Decision::ProveDevice,
        // Belief: nothing is on record for what can't be asked.
        _ => return Ok(Err(TriggerFailed::unrecognizable().into())),
    }))
}

fn scene<'a>(place: Place<'a>, person: Person<'a>) -> Scene<'a> {
    Scene { ports: place.ports, pool: place.pool, client: place.client, person }
}

/// Does what the functions have decided. `srp_a` begins the proof of a password, which only the first
/// request of a sign-in can.
async fn carry_out(
    place: Place<'_>,
    flow: &Flow,
    person: Person<'_>,
    decision: Decision,
    srp_a: Option<PublicKey>,
) -> Ruling<Outcome, SignInRefused> {
    let impossible = || Ok(Err(TriggerFailed::unrecognizable().into()));
    match decision {
        Decision::Refuse => Ok(Err(SignInRefused::WrongPassword)),
        Decision::SignIn => sign_in(place, flow, person).await,
        Decision::Ask(created) => ask(place, person, created),
        Decision::ProvePassword => match srp_a {
            Some(srp_a) => prove_password(place, person, srp_a).await.map(Ok),
            None => impossible(),
        },
        Decision::ProveDevice => {
            let Some(user) = person.user else { return Ok(Err(SignInRefused::WrongPassword)) };
            match device::named(place, user).await? {
                Some(device) if device.is_remembered => {
                    device::ask(place, user, &device).await.map(Ok)
                }
                _ => impossible(),
            }
        }
    }
}

/// The functions say that it is enough: for somebody who is there, and may sign in.
async fn sign_in(
    place: Place<'_>,
    flow: &Flow,
    person: Person<'_>,
) -> Ruling<Outcome, SignInRefused> {
    let Some(user) = person.user else { return Ok(Err(SignInRefused::WrongPassword)) };
    // The functions may have changed the user, or taken long.
    let user = granted!(next::again(place, user).await?);
    granted!(check_state(&user));
    let decided = Flow { is_decided: true, ..flow.clone() };
    let place = Place { custom: Some(&decided), ..place };
    if place.event.is_some() || flow.proved_password() {
        // The password was the first factor; what it entails has been done.
        return next::finish(place, &user).await;
    }
    let mut view = place.ports.store.read().await?;
    granted!(device::check_named(place, &mut *view, &user).await?);
    drop(view);
    first_factor::pass(place, &user, FirstFactor::Custom).await
}

/// `CUSTOM_CHALLENGE`.
fn ask(place: Place<'_>, person: Person<'_>, created: Created) -> Ruling<Outcome, SignInRefused> {
    let Created { public, private, metadata } = created;
    let session = session(place, person, Stage::Asked { private, metadata })?;
    if session.len() > LONGEST_SESSION {
        // Clients could not send it back.
        let text = "The parameters and the metadata of the challenges are too long for a session";
        return Ok(Err(TriggerFailed::InvalidResponse(text.to_owned()).into()));
    }
    let mut parameters = public;
    parameters.insert("USERNAME".to_owned(), person.shown_username(place));
    let (name, session) = (Name::CustomChallenge, Some(session));
    Ok(Ok(Outcome::Challenged(Challenge { name, parameters, session })))
}

/// `PASSWORD_VERIFIER`.
async fn prove_password(
    place: Place<'_>,
    person: Person<'_>,
    srp_a: PublicKey,
) -> Result<Outcome, Fault> {
    let challenge = srp_flow::challenge(place, person.login, person.user, srp_a).await?;
    let session = Some(session(place, person, Stage::Proof)?);
    Ok(Outcome::Challenged(Challenge { session, ..challenge }))
}

fn session(place: Place<'_>, person: Person<'_>, stage: Stage) -> Result<String, Fault> {
    ChallengeSession::of_sub(place, &person.sub(place), Step::Custom(stage)).seal(place.ports)
}

/// The answer to `CUSTOM_CHALLENGE`.
pub(super) async fn answer(
    step: Answered<'_>,
    private: &BTreeMap<String, String>,
    metadata: Option<&str>,
) -> Ruling<Outcome, AnswerRefused> {
    let answer = granted!(required(step.responses, "ANSWER"));
    let Some(flow) = &step.session.custom else { return Ok(Err(SessionRefused::Invalid.into())) };
    let login = flow.login.as_str();
    // First of all, so that of answers which come at once only one is judged, and none is forgotten
    // by whoever hangs up while the functions think: limits on tries rest on it.
    let mut tx = step.place.ports.store.write().await?;
    let user = granted!(choice::find(step, login, &mut *tx).await?);
    granted!(step.spend(&mut *tx).await?);
    tx.commit().await?;

    let person = Person { login, user: user.as_ref() };
    let verified = granted!(scene(step.place, person).verify(private, answer).await?);
    let Some(is_right) = verified else {
        return Ok(Err(SignInRefused::NoCustomAuthTrigger.into()));
    };
    let mut flow = flow.clone();
    flow.push(Name::CustomChallenge.as_str(), is_right, metadata.map(str::to_owned));
    let place = Place { custom: Some(&flow), ..step.place };
    let decision = granted!(decide(place, &flow, person).await?);

    // Who may sign in can have changed while the functions thought.
    let mut view = place.ports.store.read().await?;
    let user = granted!(choice::find(step, login, &mut *view).await?);
    drop(view);
    let person = Person { login, user: user.as_ref() };
    Ok(carry_out(place, &flow, person, decision, None).await?.map_err(Into::into))
}
