//! What the black-box tests stand on: a server process that ends with its test, storage of its own
//! for each test on either engine, and a small client for the wire protocol.
//!
//! | part | what |
//! |---|---|
//! | [`binary`] | the `poolhouse` program under test |
//! | [`store`] | an empty data folder, and with PostgreSQL an empty database |
//! | [`server`] | a running process: started, found ready, killed |
//! | [`client`] | one connection pool to it, requests as JSON |
//! | [`pool`] | a user pool with one app client, and what tests do with its users |
//!
//! Tests that need PostgreSQL find a server in `POOLHOUSE_TEST_POSTGRES`, whose user may make
//! databases. `cargo xtask test` starts one. Without it they fail, unless `POOLHOUSE_SKIP_POSTGRES`
//! is 1.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "test support: whatever is not as it should be must end the test"
)]

pub mod binary;
pub mod client;
pub mod pool;
pub mod server;
pub mod store;

pub use client::{Client, Refusal, Reply};
pub use pool::TestPool;
pub use server::Server;
pub use store::{Engine, Store};

/// Makes one test for each storage engine: `both_engines!(name, body_function)` calls
/// `body_function(Engine)` in `name::on_sqlite` and `name::on_postgres`.
///
/// The second does nothing, and says so, when PostgreSQL is to be skipped.
#[macro_export]
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                super::$name($crate::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                if $crate::store::skips_postgres() {
                    eprintln!("skipped: POOLHOUSE_SKIP_POSTGRES is set");
                } else {
                    super::$name($crate::Engine::Postgres).await;
                }
            }
        }
    )+};
}

/// Seconds since the epoch on this machine, which the server under test shares.
#[expect(clippy::disallowed_methods, reason = "black-box tests live in real time")]
pub fn seconds_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

/// A moment to measure durations from.
#[expect(clippy::disallowed_methods, reason = "black-box tests live in real time")]
pub fn moment() -> std::time::Instant {
    std::time::Instant::now()
}

/// Bytes that nobody can foresee.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut source = std::fs::File::open("/dev/urandom").unwrap();
    std::io::Read::read_exact(&mut source, &mut bytes).unwrap();
    bytes
}

/// A number below `bound`, near enough to evenly distributed.
pub fn random_below(bound: u64) -> u64 {
    u64::from_le_bytes(random()) % bound
}

/// A name that no other test uses: `prefix-` and sixteen hexadecimal digits.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{:016x}", u64::from_le_bytes(random()))
}
