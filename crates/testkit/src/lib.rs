//! Full stack on in-memory SQLite with a frozen clock and seeded randomness, for tests.
//!
//! ```ignore
//! let kit = poolhouse_testkit::Kit::new().await;
//! kit.clock.advance(60);
//! kit.messenger.last_code_for("ada@example.com");
//! let ports = &kit.ports; // what operations take
//! ```

mod authenticator;
mod clock;
mod entropy;
mod fetcher;
mod keys;
mod log_sink;
mod messenger;
mod store;
mod workers;

use std::sync::Arc;

use poolhouse_domain::{
    caller::Caller,
    directory::Directory,
    limits::{LimitSettings, Limits},
    log_delivery::Reporting,
    ports::{Clock, Entropy, Identity, Ports, Store},
};
use poolhouse_store::OpenError;

pub use authenticator::{Authenticator, Told};
pub use clock::{FrozenClock, START};
pub use entropy::SeededEntropy;
pub use fetcher::CannedFetcher;
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
    /// If SQLite can't make a database.
    pub async fn new() -> Result<Self, OpenError> {
        Self::seeded(SEED).await
    }

    /// The same with other randomness.
    ///
    /// # Errors
    /// If SQLite can't make a database.
    pub async fn seeded(seed: u64) -> Result<Self, OpenError> {
        let clock = Arc::new(FrozenClock::default());
        let messenger = Arc::new(RecordingMessenger::default());
        let fetcher = Arc::new(CannedFetcher::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
        let store = store::open(Arc::clone(&entropy)).await?;
        let keyring = store.keyring();
        let store: Arc<dyn Store> = Arc::new(store);
        let log_sink = Arc::new(RecordingLogSink::default());
        let reporting = Reporting {
            messenger: Arc::clone(&messenger) as _,
            store: Arc::clone(&store),
            log_sink: Arc::clone(&log_sink) as _,
            clock: Arc::clone(&clock) as _,
        };
        let time: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let limits = Limits::new(LimitSettings::default(), Arc::clone(&store), time);
        let ports = Ports {
            limits: Arc::new(limits),
            directory: Arc::new(Directory::new(Arc::clone(&store))),
            store,
            clock: Arc::clone(&clock) as _,
            entropy,
            workers: Arc::new(InlineWorkers),
            messenger: Arc::new(reporting),
            log_sink: Arc::clone(&log_sink) as _,
            fetcher: Arc::clone(&fetcher) as _,
            keyring,
            turns: Arc::default(),
            key_reserve: Arc::new(key_reserve()),
            identity: Arc::new(identity()),
            caller: Caller::default(),
        };
        Ok(Self { ports, clock, messenger, log_sink, fetcher })
    }
}

/// Region, account and issuer of every test server.
fn identity() -> Identity {
    Identity {
        region: "us-east-1".to_owned(),
        account_id: "123456789012".to_owned(),
        issuer_base: "http://127.0.0.1:7665".to_owned(),
        domain_suffix: None,
    }
}
