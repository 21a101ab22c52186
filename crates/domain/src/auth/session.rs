//! Challenge sessions: what a client carries from one step of a sign-in to the next.
//!
//! A session is sealed, not stored. The store only remembers the ids of those that were used.

use serde::{Deserialize, Serialize};

use super::{Place, choice::Stage, custom};
use crate::{
    auth_levels::{Level, Methods},
    fault::{Fault, Ruling},
    ids,
    ports::{Ports, Transaction},
    sealing::Purpose,
    time::Timestamp,
    users::{MfaFactor, User},
};

/// Where a sign-in stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A new password is to be chosen.
    NewPassword,
    /// A second factor is to be set up, one of these.
    MfaSetup(Vec<MfaFactor>),
    /// A software token has been set up in this sign-in.
    MfaSetUp,
    /// One of these second factors is to be chosen.
    SelectMfa(Vec<MfaFactor>),
    /// A code of the software token is to be shown.
    SoftwareToken,
    /// A code that was sent is to be shown. Holds the code's keyed hash.
    SentCode(MfaFactor, [u8; 32]),
    /// A sign-in by choice. Who it is may be nobody, so that the name that was typed comes along.
    Choice {
        /// The name that was typed.
        login: String,
        /// What is asked.
        stage: Stage,
    },
    /// A custom sign-in, likewise of somebody who may be nobody.
    Custom(custom::Stage),
    /// A sign-up waits for its confirmation.
    SignedUp,
    /// A sign-up has been confirmed by its code.
    Confirmed,
    /// A sign-up has been confirmed by a function, without a code. What was shown with it is in
    /// [`methods`](ChallengeSession::methods).
    AutoConfirmed,
    /// The device of the session is to prove itself.
    Device,
}

/// A sign-in between two steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeSession {
    /// Names this session; recorded when it has been used.
    pub id: String,
    /// The pool.
    pub user_pool_id: String,
    /// The app client.
    pub client_id: String,
    /// The user.
    pub sub: String,
    /// What is asked.
    pub step: Step,
    /// The device that the client has named in this sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_key: Option<String>,
    /// When this sign-in passed its first factor.
    pub issued_at: Timestamp,
    /// When the session ends.
    pub expires_at: Timestamp,
    /// The event of threat protection that tells of this sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Whether the risk of this sign-in demands a second factor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demands_second_factor: bool,
    /// The custom sign-in that this is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<custom::Flow>,
    /// What was shown in this sign-in so far.
    #[serde(default)]
    pub methods: Methods,
    /// The level that the application wants to be reached.
    #[serde(default)]
    pub target: Level,
}

/// Why a session is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionRefused {
    /// Not a session of ours, or of another client, user or step.
    Invalid,
    /// Its time is over.
    Expired,
    /// It has been used.
    Spent,
}

impl ChallengeSession {
    /// A new session for the step that a user has reached.
    pub fn new(place: Place<'_>, user: &User, step: Step) -> Self {
        Self::of_sub(place, &user.sub, step)
    }

    /// The same for a user of whom only the `sub` is known.
    pub fn of_sub(place: Place<'_>, sub: &str, step: Step) -> Self {
        let now = place.ports.clock.now();
        Self {
            id: ids::random_uuid(&*place.ports.entropy),
            user_pool_id: place.pool.id().to_owned(),
            client_id: place.client.id().to_owned(),
            sub: sub.to_owned(),
            step,
            device_key: place.device_key.map(str::to_owned),
            issued_at: now,
            expires_at: now.plus_seconds(place.client.session_seconds()),
            event_id: place.event.map(|event| event.id.clone()),
            demands_second_factor: place.event.is_some_and(|event| event.demands_second_factor),
            custom: place.custom.cloned(),
            methods: place.methods,
            target: place.target,
        }
    }

    /// Whether the first factor no longer counts: the password was changed since, or the user signed
    /// out everywhere.
    pub fn is_outdated(&self, user: &User) -> bool {
        user.password.as_ref().is_some_and(|password| password.set_at > self.issued_at)
            || user.signed_out_at.is_some_and(|at| at >= self.issued_at)
    }

    /// The session that follows this one within the same sign-in, with the same end.
    #[must_use]
    pub fn followed_by(&self, step: Step, ports: &Ports) -> Self {
        Self { id: ids::random_uuid(&*ports.entropy), step, ..self.clone() }
    }

    /// The text that the client carries.
    pub fn seal(&self, ports: &Ports) -> Result<String, Fault> {
        let content = serde_json::to_vec(self)
            .map_err(|error| Fault::because("a challenge session can't be written", error))?;
        Ok(ports.keyring.seal_text(Purpose::ChallengeSession, b"", &content, &*ports.entropy))
    }

    /// Reads the text that a client sent. Whether the session has been used is for
    /// [`Self::spend`] to say.
    pub fn open(ports: &Ports, text: &str) -> Result<Self, SessionRefused> {
        let content = ports
            .keyring
            .open_text(Purpose::ChallengeSession, b"", text)
            .map_err(|_| SessionRefused::Invalid)?;
        let session: Self =
            serde_json::from_slice(&content).map_err(|_| SessionRefused::Invalid)?;
        if ports.clock.now() >= session.expires_at {
            return Err(SessionRefused::Expired);
        }
        Ok(session)
    }

    /// Marks the session as used, unless it was used before. The caller commits.
    pub async fn spend(
        &self,
        tx: &mut dyn Transaction,
        now: Timestamp,
    ) -> Ruling<(), SessionRefused> {
        let first_use = tx.spend(&self.id, now, self.expires_at).await?;
        Ok(if first_use.is_none() { Ok(()) } else { Err(SessionRefused::Spent) })
    }

    /// Whether the session has been used.
    pub async fn check_unspent(&self, tx: &mut dyn Transaction) -> Ruling<(), SessionRefused> {
        let used = tx.spent_at(&self.id).await?;
        Ok(if used.is_none() { Ok(()) } else { Err(SessionRefused::Spent) })
    }
}
