//! The ports of the domain: what it needs from the outside world, as traits.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    access_keys::AccessKeys,
    app_clients::AppClients,
    arn,
    attempts::AttemptCounters,
    auth::turns::Turns,
    branding::{Styles, classic::UiCustomizations},
    caller::Caller,
    codes::Codes,
    data_keys::DataKeys,
    devices::Devices,
    directory::Directory,
    domains::Domains,
    fault::Fault,
    groups::Groups,
    identity_providers::IdentityProviders,
    key_service::KeyService,
    limits::{Limits, ProvisionedLimits},
    log_delivery::{LogDeliveries, LogSink},
    messages::{Messenger, outbox::Outbox},
    oauth::grant::AuthorizationCodes,
    passkeys::Passkeys,
    passwords::history::FormerPasswords,
    replicas::Replicas,
    resource_servers::ResourceServers,
    sealing::Keyring,
    sessions::{Sessions, tracking::UserSessions},
    terms::TermsDocuments,
    threat_protection::{ThreatProtection, compromised::CompromisedPasswords},
    time::Timestamp,
    tokens::{
        issuer::Issuers,
        keys::{KeyReserve, SigningKeys},
    },
    triggers::{Functions, Metadata},
    user_import::UserImports,
    user_pools::UserPools,
    users::Users,
};

/// Tells the time. Tests freeze it; `poolhouse dev` can move it.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// A source of cryptographically secure random bytes. Tests seed it.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// Runs CPU-heavy work (modular exponentiation, RSA) where it can't stall other requests.
#[async_trait]
pub trait Workers: Send + Sync {
    /// Runs the job to its end on a worker thread.
    async fn run(&self, job: Box<dyn FnOnce() + Send>);
}

/// Runs a heavy function on a worker and returns its value.
///
/// # Errors
/// A fault if the worker went away before it answered (a panic in `work`, or a shutdown).
pub async fn compute<T: Send + 'static>(
    workers: &dyn Workers,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    workers
        .run(Box::new(move || {
            // The receiver is gone only when the request was dropped: nobody waits for the value.
            let _ = sender.send(work());
        }))
        .await;
    receiver.await.map_err(|error| Fault::because("a worker did not answer", error))
}

/// Fetches what other servers say of themselves, such as metadata of identity providers.
#[async_trait]
pub trait Fetcher: Send + Sync {
    /// The document at an `https` or `http` address, if it has no more than `largest` bytes. Ends
    /// within seconds. Whom it may ask, also after a redirect, is the adapter's to decide: addresses
    /// come from administrators of user pools, who need not be administrators of this machine.
    async fn get(&self, url: &str, largest: usize) -> Result<Vec<u8>, FetchFailed>;

    /// Whether it also goes to plain `http` addresses of this machine and of those beside it, as
    /// that of `poolhouse dev` does.
    fn allows_plain_http(&self) -> bool;
}

/// A document that was not fetched, and why, for the operator: clients must not learn it, or they
/// could explore our network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchFailed(pub String);

/// The durable store of everything.
#[async_trait]
pub trait Store: Send + Sync {
    /// A view for reading. Each statement sees what is committed when it runs.
    async fn read(&self) -> Result<Box<dyn Transaction>, Fault>;

    /// A write transaction: short, explicit, and rolled back unless committed. Nothing slow may
    /// happen while one is open.
    async fn write(&self) -> Result<Box<dyn Transaction>, Fault>;

    /// For a single statement that writes, which is a transaction of its own: as durable, without
    /// the round trips of a beginning and an end. Nothing is left to commit, and a second write is a
    /// fault. Where a connection is lost it may run twice, which must do no harm.
    async fn write_once(&self) -> Result<Box<dyn Transaction>, Fault>;

    /// Removes rows whose time has passed and what deleted user pools left, in one bounded batch.
    /// Answers whether there may be more.
    async fn sweep(&self, now: Timestamp) -> Result<bool, Fault>;
}

/// What can be read and written through an open view or transaction.
///
/// A failed or dropped transaction leaves nothing behind.
#[async_trait]
pub trait Transaction:
    AccessKeys
    + AppClients
    + AttemptCounters
    + AuthorizationCodes
    + Codes
    + DataKeys
    + Devices
    + Domains
    + FormerPasswords
    + Groups
    + IdentityProviders
    + LogDeliveries
    + Outbox
    + Passkeys
    + ProvisionedLimits
    + Replicas
    + ResourceServers
    + Sessions
    + SigningKeys
    + Styles
    + TermsDocuments
    + ThreatProtection
    + UiCustomizations
    + UserImports
    + UserPools
    + UserSessions
    + Users
    + Send
{
    /// Makes everything written durable: it survives power loss from here on.
    async fn commit(self: Box<Self>) -> Result<(), Fault>;
}

/// Who and where this server is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The region in pool identifiers and ARNs, such as `us-east-1`.
    pub region: String,
    /// The twelve-digit account number in ARNs.
    pub account_id: String,
    /// Where this server is for others, without a trailing slash, such as `http://127.0.0.1:7665`.
    pub issuer_base: String,
    /// Whether issuers begin with that.
    pub issuers: Issuers,
    /// What follows the prefix in the names of prefix domains, such as `auth.example.com`, if names
    /// in DNS lead here. Without it clients are told to reach domains under a path of the issuer.
    pub domain_suffix: Option<String>,
}

impl Identity {
    /// The address under which this server has what belongs to a user pool: its keys, discovery and
    /// pictures. By default also the issuer of its tokens ([`crate::tokens::issuer`]).
    pub fn user_pool_url(&self, user_pool_id: &str) -> String {
        format!("{}/{user_pool_id}", self.issuer_base)
    }

    /// Whether browsers reach this server over TLS.
    pub fn is_secure(&self) -> bool {
        self.issuer_base.starts_with("https://")
    }

    /// Whether an ARN is one of this account.
    pub fn owns(&self, arn: &str) -> bool {
        arn::account(arn) == Some(self.account_id.as_str())
    }

    /// The ARN of a user pool.
    pub fn user_pool_arn(&self, user_pool_id: &str) -> String {
        self.user_pool_arn_in(&self.region, user_pool_id)
    }

    /// The ARN of a user pool, or of its replica, in a region.
    pub fn user_pool_arn_in(&self, region: &str, user_pool_id: &str) -> String {
        format!("arn:aws:cognito-idp:{region}:{}:userpool/{user_pool_id}", self.account_id)
    }
}

/// What every operation gets. Rules take only the ports that they use.
#[derive(Clone)]
pub struct Ports {
    /// The durable store.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Threads for heavy computation.
    pub workers: Arc<dyn Workers>,
    /// Documents of other servers.
    pub fetcher: Arc<dyn Fetcher>,
    /// Delivery of mail and text messages.
    pub messenger: Arc<dyn Messenger>,
    /// Functions of the operator, behind triggers.
    pub functions: Arc<dyn Functions>,
    /// Delivery of logs.
    pub log_sink: Arc<dyn LogSink>,
    /// Keys for the codes that custom senders get.
    pub key_service: Arc<dyn KeyService>,
    /// Passwords that are known to have come out.
    pub compromised_passwords: Arc<dyn CompromisedPasswords>,
    /// Keys that seal what is stored and what clients carry.
    pub keyring: Arc<Keyring>,
    /// Pools, app clients and signing keys, cached for at most a second.
    pub directory: Arc<Directory>,
    /// Makes guesses at one user's password wait for each other.
    pub turns: Arc<Turns>,
    /// RSA keys made ahead of time.
    pub key_reserve: Arc<KeyReserve>,
    /// Rates of requests, and how many pools and app clients there may be.
    pub limits: Arc<Limits>,
    /// Region, account and issuer.
    pub identity: Arc<Identity>,
    /// Who sends the request that these are a clone for.
    pub caller: Caller,
    /// What the request gives functions to know.
    pub metadata: Metadata,
}

impl Ports {
    /// The same for a request that gives functions this to know.
    #[must_use]
    pub fn carrying(self, metadata: Metadata) -> Self {
        Self { metadata, ..self }
    }
}
