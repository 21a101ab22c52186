//! Databases for tests. Shared by the contract suite and by tests inside the crate.

use std::sync::atomic::{AtomicU64, Ordering};

use poolhouse_domain::ports::Entropy;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Different bytes at every call, for all tests of a process together.
pub struct Noise;

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Entropy for Noise {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            // SplitMix64 (https://prng.di.unimi.it/splitmix64.c) over a counter.
            let mut z = NEXT.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

/// An empty PostgreSQL database, removed when dropped.
pub struct PostgresDatabase {
    admin_url: String,
    name: String,
}

impl PostgresDatabase {
    /// Makes a database on the server that `POOLHOUSE_TEST_POSTGRES` names. None if the variable
    /// `POOLHOUSE_SKIP_POSTGRES` says that there is no server on purpose.
    pub async fn create() -> Option<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let Ok(admin_url) = std::env::var("POOLHOUSE_TEST_POSTGRES") else {
            let is_skipped = std::env::var("POOLHOUSE_SKIP_POSTGRES").is_ok_and(|v| v == "1");
            assert!(
                is_skipped,
                "set POOLHOUSE_TEST_POSTGRES to the URL of a PostgreSQL server on which databases \
                 may be made, or POOLHOUSE_SKIP_POSTGRES=1 to leave this half out"
            );
            return None;
        };
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("poolhouse_test_{}_{number}", std::process::id());
        let database = Self { admin_url, name };
        let sql = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'";
        database.administer(sql).await;
        Some(database)
    }

    /// The URL of the database.
    pub fn url(&self) -> String {
        let (base, query) = match self.admin_url.split_once('?') {
            Some((base, query)) => (base, format!("?{query}")),
            None => (self.admin_url.as_str(), String::new()),
        };
        let server = match base.splitn(4, '/').collect::<Vec<_>>()[..] {
            [scheme, empty, host, ..] => format!("{scheme}/{empty}/{host}"),
            _ => panic!("POOLHOUSE_TEST_POSTGRES is not a URL"),
        };
        format!("{server}/{}{query}", self.name)
    }

    /// Runs a statement about the database, whose name stands for `{}`.
    pub async fn administer(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.admin_url).await.unwrap();
        let sql = sql.replace("{}", &self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let (admin_url, name) = (self.admin_url.clone(), self.name.clone());
        // A thread of its own, because a runtime can't wait inside a runtime.
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let mut connection = PgConnection::connect(&admin_url).await.unwrap();
                let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
            });
        });
        if removal.join().is_err() {
            eprintln!("could not drop the test database");
        }
    }
}
