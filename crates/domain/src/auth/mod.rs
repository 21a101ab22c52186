//! Signing in: from the first request to tokens, through whatever challenges a pool asks for.
//!
//! | file | step |
//! |---|---|
//! | `start.rs` | which flow, and may this client use it |
//! | `first_factor.rs` | who is it, may they sign in, is the password right |
//! | `migration.rs` | is somebody known elsewhere |
//! | `srp.rs` | the same without sending the password |
//! | `person.rs` | somebody who signs in, whether there is such a user or not |
//! | `next.rs` | what is asked after a right first factor |
//! | `answer.rs` | answers to challenges |
//! | `new_password.rs` | the answer to `NEW_PASSWORD_REQUIRED` |
//! | `second_factor.rs` | answers to MFA challenges |
//! | `choice.rs` | the flow in which the user chooses the first factor |
//! | `custom.rs` | the flow in which functions of the pool decide |
//! | `first_sign_in.rs` | the sign-in right after a sign-up |
//! | `hosted.rs` | sign-ins at the pages of a domain, which end without tokens |
//! | `device.rs` | the device that somebody signs in on, and its proof |
//! | `session.rs` | what a client carries between the steps |
//! | `turns.rs` | one guess at a time |
//! | `step_up.rs` | the level that an application wants to be reached |
//! | `watch.rs` | what threat protection sees of it |
//!
//! The happy path reads and does not write, except for what can be used only once: a TOTP code, and
//! a challenge session; and for the use of a known device, where a pool tracks devices.

pub mod answer;
pub mod choice;
pub mod custom;
mod device;
pub mod first_factor;
pub mod first_sign_in;
pub mod hosted;
pub mod migration;
pub mod new_password;
mod next;
mod person;
mod second_factor;
pub mod session;
mod srp;
pub mod start;
pub mod step_up;
pub mod turns;
pub mod watch;

pub use person::Person;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    app_clients::AppClient,
    auth_levels::{Level, Method, Methods},
    devices,
    ports::Ports,
    secret_hash::{self, SecretHashRefused},
    shapes::ChallengeNameType,
    tokens::issue::Tokens,
    triggers::pre_token_generation::Source,
    user_pools::UserPool,
};

/// Where a sign-in happens.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The ports.
    pub ports: &'a Ports,
    /// The pool.
    pub pool: &'a Arc<UserPool>,
    /// The app client.
    pub client: &'a Arc<AppClient>,
    /// The event that tells of the sign-in, once it is known; callers from outside leave it empty.
    pub event: Option<&'a watch::Watched>,
    /// The device that the request names, known or not (`DEVICE_KEY`). Always none where the pool
    /// doesn't track devices.
    pub device_key: Option<&'a str>,
    /// That device, if this request has read it; callers from outside leave it empty.
    pub device: Option<&'a devices::Device>,
    /// What the function that customizes tokens is told of why they are made.
    pub source: Source,
    /// The custom sign-in that a request is a step of; callers from outside leave it empty.
    pub custom: Option<&'a custom::Flow>,
    /// What was shown in this sign-in so far.
    pub methods: Methods,
    /// The level that the application wants to be reached, if the user can.
    pub target: Level,
    /// Whether it happens at the pages of a domain: it ends without tokens, which come for the
    /// application's code.
    pub is_hosted: bool,
}

impl<'a> Place<'a> {
    /// A place where no device is named yet.
    pub const fn new(
        ports: &'a Ports,
        pool: &'a Arc<UserPool>,
        client: &'a Arc<AppClient>,
    ) -> Self {
        Self {
            ports,
            pool,
            client,
            event: None,
            device_key: None,
            device: None,
            source: Source::Authentication,
            custom: None,
            methods: Methods::NONE,
            target: Level::NONE,
            is_hosted: false,
        }
    }

    /// The same place at the pages of a domain.
    #[must_use]
    pub const fn at_pages(self) -> Self {
        Self { is_hosted: true, ..self }
    }

    /// The same place, where something more was shown.
    const fn showing(self, method: Method) -> Self {
        Self { methods: self.methods.with(method), ..self }
    }

    /// The same place on the device that the parameters name, if they do.
    fn on_device_of(self, parameters: &'a Parameters) -> Self {
        let named = parameters.get("DEVICE_KEY").map(String::as_str);
        let named = named.filter(|key| !key.is_empty() && devices::is_tracked(self.pool));
        Self { device_key: named.or(self.device_key), ..self }
    }
}

/// Names and values of `AuthParameters` or `ChallengeResponses`. Unknown names are ignored.
pub type Parameters = BTreeMap<String, String>;

/// What a step of a sign-in leads to.
pub enum Outcome {
    /// The user is signed in.
    SignedIn(Tokens),
    /// The same at the pages of a domain, where there are no tokens yet.
    Proved(hosted::Proved),
    /// Something more is asked.
    Challenged(Challenge),
    /// The same in a sign-in by choice, with everything that could be chosen.
    Offered(Challenge, Vec<ChallengeNameType>),
}

/// A challenge to be answered.
pub struct Challenge {
    /// Which.
    pub name: ChallengeNameType,
    /// What the client needs to know for its answer.
    pub parameters: BTreeMap<String, String>,
    /// What it has to send back with the answer; `PASSWORD_VERIFIER` has its own way.
    pub session: Option<String>,
}

/// A parameter or response that the step needs is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing(pub &'static str);

/// The value of a parameter that the step needs.
fn required<'a>(parameters: &'a Parameters, name: &'static str) -> Result<&'a str, Missing> {
    parameters.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or(Missing(name))
}

/// Checks the `SECRET_HASH` among the parameters, over any of the given usernames.
fn check_secret_hash(
    client: &AppClient,
    usernames: &[&str],
    parameters: &Parameters,
) -> Result<(), SecretHashRefused> {
    secret_hash::check(client, usernames, parameters.get("SECRET_HASH").map(String::as_str))
}
