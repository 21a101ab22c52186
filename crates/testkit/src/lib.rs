//! Full stack on a throwaway database with a frozen clock and seeded randomness, for tests.
//!
//! The database is of SQLite, or of PostgreSQL where the environment asks for it (`store.rs`).
//!
//! ```ignore
//! let kit = poolhouse_testkit::Kit::new().await;
//! kit.clock.advance(60);
//! kit.messenger.last_code_for("ada@example.com");
//! let ports = &kit.ports; // what operations take
//! ```

mod authenticator;
mod clock;
mod compromised;
mod entropy;
mod fetcher;
mod functions;
mod keys;
mod log_sink;
mod messenger;
mod postgres;
mod store;
mod workers;

use std::sync::Arc;

use poolhouse_domain::{
    caller::Caller,
    directory::Directory,
    key_service::own_keys::OwnKeys,
    limits::{LimitSettings, Limits},
    log_delivery::Reporting,
    ports::{Clock, Entropy, Identity, Ports},
    tokens::issuer::Issuers,
    triggers::Metadata,
};
use poolhouse_store::OpenError;

pub use authenticator::{Authenticator, Told};
pub use clock::{FrozenClock, START};
pub use compromised::{COMPROMISED, FewPasswords};
pub use entropy::SeededEntropy;
pub use fetcher::CannedFetcher;
pub use functions::ScriptedFunctions;
pub use keys::key_reserve;
pub use log_sink::RecordingLogSink;
pub use messenger::RecordingMessenger;
pub use workers::InlineWorkers;

/// The seed of [`Kit::new`].
const SEED: u64 = 7_665;

/// A server without its listener: every port, and the handles by which a test moves them.
pub struct Kit {
    /// What operations and rules take.
    pub ports: Ports,
    /// The clock in `ports`.
    pub clock: Arc<FrozenClock>,
    /// The messenger in `ports`.
    pub messenger: Arc<RecordingMessenger>,
    /// The functions in `ports`.
    pub functions: Arc<ScriptedFunctions>,
    /// The sink of logs in `ports`.
    pub log_sink: Arc<RecordingLogSink>,
    /// The fetcher in `ports`.
    pub fetcher: Arc<CannedFetcher>,
}

impl Kit {
    /// An empty server of its own: region `us-east-1`, account `123456789012`, issuers under
    /// `http://127.0.0.1:7665`.
    ///
    /// # Errors
    /// If there can be no database.
    pub async fn new() -> Result<Self, OpenError> {
        Self::seeded(SEED).await
    }

    /// The same with other randomness.
    ///
    /// # Errors
    /// If there can be no database.
    pub async fn seeded(seed: u64) -> Result<Self, OpenError> {
        let clock = Arc::new(FrozenClock::default());
        let messenger = Arc::new(RecordingMessenger::default());
        let fetcher = Arc::new(CannedFetcher::default());
        let functions = Arc::new(ScriptedFunctions::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
        let (store, keyring) = store::open(Arc::clone(&entropy)).await?;
        let log_sink = Arc::new(RecordingLogSink::default());
        let reporting = Reporting {
            messenger: Arc::clone(&messenger) as _,
            store: Arc::clone(&store),
            log_sink: Arc::clone(&log_sink) as _,
            clock: Arc::clone(&clock) as _,
        };
        let time: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let limits = Limits::new(LimitSettings::default(), Arc::clone(&store), time);
        let identity = Arc::new(identity());
        let (keys, random) = (Arc::clone(&keyring), Arc::clone(&entropy));
        let key_service = OwnKeys::new(keys, random, Arc::clone(&identity));
        let ports = Ports {
            key_service: Arc::new(key_service),
            limits: Arc::new(limits),
            directory: Arc::new(Directory::new(Arc::clone(&store))),
            store,
            clock: Arc::clone(&clock) as _,
            entropy,
            workers: Arc::new(InlineWorkers),
            messenger: Arc::new(reporting),
            functions: Arc::clone(&functions) as _,
            log_sink: Arc::clone(&log_sink) as _,
            fetcher: Arc::clone(&fetcher) as _,
            compromised_passwords: Arc::new(FewPasswords),
            keyring,
            turns: Arc::default(),
            key_reserve: Arc::new(key_reserve()),
            identity,
            caller: Caller::default(),
            metadata: Metadata::default(),
        };
        Ok(Self { ports, clock, messenger, functions, log_sink, fetcher })
    }
}

/// Region, account and issuer of every test server.
fn identity() -> Identity {
    Identity {
        region: "us-east-1".to_owned(),
        account_id: "123456789012".to_owned(),
        issuer_base: "http://127.0.0.1:7665".to_owned(),
        issuers: Issuers::Own,
        domain_suffix: None,
    }
}
