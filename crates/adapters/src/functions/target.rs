//! A server behind which functions are, and one attempt to invoke one there.

use std::{fmt, time::Duration};

use poolhouse_domain::{time::Timestamp, triggers::Invocation};
use reqwest::{Client, redirect::Policy};
use url::Url;

use super::{
    answer::{Failed, Received},
    lambda::Lambda,
    webhook::{self, Secrets},
};
use crate::https;

/// The path at which runtime interface emulators know their only function.
pub const EMULATOR_PATH: &str = "/2015-03-31/functions/function/invocations";
/// How long a connection is kept for the next invocation. Shorter than what servers usually allow,
/// so that few are found dead.
const IDLE: Duration = Duration::from_secs(20);
/// How long connecting may take. An attempt for which somebody waits usually ends before.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a queued invocation may take at least: servers without a queue answer when they are done.
const QUEUED: Duration = Duration::from_secs(30);

/// How much is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// How long one attempt may take, with connecting, and the first one with waiting for others.
    pub time: Duration,
    /// How often an invocation is tried: again after a time-out, a broken connection, or "too many
    /// requests".
    pub attempts: u32,
    /// How many invocations of one function run at the same time.
    pub parallel: usize,
}

impl Default for Limits {
    /// What the service does: 5 seconds, three times.
    fn default() -> Self {
        Self { time: Duration::from_secs(5), attempts: 3, parallel: 32 }
    }
}

impl Limits {
    /// For one invocation: nobody waits for a queued one, so that it may take longer, and whoever
    /// queued it tries again.
    pub(super) fn of(self, call: &Invocation) -> Self {
        if call.is_queued {
            return Self { time: self.time.max(QUEUED), attempts: 1, ..self };
        }
        self
    }
}

/// A server behind which functions are. Shown as what it is and its host: paths and queries of
/// webhooks may hold keys.
pub struct Target {
    kind: Kind,
    client: Client,
    pub(super) limits: Limits,
}

enum Kind {
    Lambda(Lambda),
    Emulator(Url),
    Webhook(Url, Secrets),
}

impl Target {
    /// The Invoke API of AWS Lambda, or a server that looks like it.
    ///
    /// # Errors
    /// What is wrong with the URL, or that the machine has no certificate authorities to trust.
    pub fn lambda(lambda: Lambda, limits: Limits) -> Result<Self, String> {
        if let Some(url) = &lambda.endpoint {
            check(url)?;
            if url.query().is_some() || url.fragment().is_some() {
                return Err("must be a URL without a query".to_owned());
            }
        }
        let is_plain = lambda.endpoint.as_ref().is_some_and(|url| url.scheme() == "http");
        Self::new(Kind::Lambda(lambda), is_plain, limits)
    }

    /// A runtime interface emulator, as it is in AWS's images of functions. It takes one request
    /// after the other.
    ///
    /// # Errors
    /// The same.
    pub fn emulator(url: &str, limits: Limits) -> Result<Self, String> {
        let mut url = parse(url)?;
        if url.path() == "/" {
            url.set_path(EMULATOR_PATH);
        }
        let is_plain = url.scheme() == "http";
        Self::new(Kind::Emulator(url), is_plain, Limits { parallel: 1, ..limits })
    }

    /// An HTTP server that takes events as signed webhooks.
    ///
    /// # Errors
    /// The same.
    pub fn webhook(url: &str, secrets: Secrets, limits: Limits) -> Result<Self, String> {
        let url = parse(url)?;
        let is_plain = url.scheme() == "http";
        Self::new(Kind::Webhook(url, secrets), is_plain, limits)
    }

    fn new(kind: Kind, is_plain: bool, limits: Limits) -> Result<Self, String> {
        let client = https::client().redirect(Policy::none()).pool_idle_timeout(IDLE);
        let client = client.connect_timeout(CONNECT);
        let client = client.pool_max_idle_per_host(limits.parallel);
        // Nothing is to be trusted, so that it also goes where there are no authorities.
        let client = if is_plain { client.tls_certs_only([]) } else { client };
        let no_client = |error| format!("can't be asked: {}", https::whole(&error));
        Ok(Self { kind, client: client.build().map_err(no_client)?, limits })
    }

    /// What shares one queue: each function has its own, so that one that hangs does not hold up
    /// others; an emulator is one function.
    pub(super) fn lane(&self, call: &Invocation) -> String {
        match &self.kind {
            Kind::Emulator(url) => url.to_string(),
            Kind::Lambda(_) | Kind::Webhook(..) => call.function.clone(),
        }
    }

    /// Asks once. Whoever calls looks at the clock.
    pub(super) async fn ask(&self, call: &Invocation, now: Timestamp) -> Result<Vec<u8>, Failed> {
        let request = self.request(call, now)?;
        let response = self.client.execute(request).await.map_err(Failed::no_connection)?;
        let received = Received::read(response).await?;
        match &self.kind {
            Kind::Lambda(_) => received.of_lambda(call.is_queued),
            Kind::Emulator(_) => received.of_emulator(call.is_queued),
            Kind::Webhook(..) => received.of_webhook(call.is_queued),
        }
    }

    fn request(&self, call: &Invocation, now: Timestamp) -> Result<reqwest::Request, Failed> {
        let request = match &self.kind {
            Kind::Lambda(lambda) => lambda.request(call, now),
            Kind::Emulator(url) => {
                webhook::request(url.as_str(), &Secrets::default(), call, now).map_err(Into::into)
            }
            Kind::Webhook(url, secrets) => {
                webhook::request(url.as_str(), secrets, call, now).map_err(Into::into)
            }
        };
        let unfit = |error: &dyn fmt::Display| {
            Failed::unreachable("ResourceNotFoundException", error.to_string())
        };
        let request = request.map_err(|error| unfit(&error))?;
        request.try_into().map_err(|error: reqwest::Error| unfit(&error.without_url()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Lambda(lambda) => write!(f, "lambda {}", lambda.host()),
            Kind::Emulator(url) => write!(f, "emulator {}", host(url)),
            Kind::Webhook(url, _) => write!(f, "webhook {}", host(url)),
        }
    }
}

/// Scheme, host and port.
pub(super) fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Reads the URL of a server.
///
/// # Errors
/// What is wrong with it.
pub fn parse(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|_| "is no URL".to_owned())?;
    check(&url)?;
    Ok(url)
}

fn check(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must be a URL without a user".to_owned());
    }
    Ok(())
}
