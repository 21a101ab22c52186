//! Databases of a PostgreSQL server that are lent to one test after the other.
//!
//! To make a database with its schema takes longer than most tests run. So databases stay, and each
//! has a number. A test takes the lowest one that is free, and what an earlier test left in it is
//! deleted first. A number is taken as long as the connection is open that holds its lock; so it is
//! free again however the test ends, even if its process is killed.

use std::{str::FromStr, sync::Arc};

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    ports::{Entropy, Store, Transaction},
    sealing::{Keyring, MasterKey},
    time::Timestamp,
};
use poolhouse_store::{Location, OpenError, SqlStore};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use crate::START;

/// Each test may have so many connections: enough for requests to get in each other's way, and few
/// enough for many tests side by side.
const CONNECTIONS: usize = 4;

/// The lowest number that nobody has, taken. The first half of the lock's name tells it from the
/// locks of others.
const TAKE: &str = "SELECT number FROM generate_series(0, 999) AS number
    WHERE pg_try_advisory_lock(7665, number) LIMIT 1";

/// What is left of the test before: connections that the server has not seen the end of.
const DISCONNECT: &str = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
    WHERE datname = $1 AND backend_type = 'client backend'";

/// Most tables hold nothing, which `DELETE` is quick to see; `TRUNCATE` makes files anew.
const EMPTY: &str = "DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT tablename FROM pg_tables
            WHERE schemaname = 'public' AND tablename <> 'schema_history'
        LOOP
            EXECUTE format('DELETE FROM %I', name);
        END LOOP;
    END $$";

/// A store on a database that is this test's until it is dropped.
pub(crate) struct Borrowed {
    // Dropped in this order.
    store: SqlStore,
    _lock: PgConnection,
}

impl Borrowed {
    /// Takes a database of the server at this address, where databases may be made, and empties it.
    pub(crate) async fn take(
        server: &str,
        master_key: MasterKey,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let server = PgConnectOptions::from_str(server).map_err(unreachable)?;
        let mut lock = server.connect().await.map_err(unreachable)?;
        let (name, options) = prepare(&mut lock, &server).await.map_err(unreachable)?;
        let url = options.to_url_lossy().to_string();
        let location = Location::Postgres { url, connections: CONNECTIONS };
        let open = || SqlStore::open(&location, master_key.clone(), Arc::clone(&entropy), START);
        let store = match open().await {
            // Tests of another version of this program have been here.
            Err(OpenError::NewerSchema { .. } | OpenError::ForeignSchema(_)) => {
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                run(&mut lock, &drop).await.map_err(unreachable)?;
                create(&mut lock, &name).await.map_err(unreachable)?;
                open().await?
            }
            outcome => outcome?,
        };
        Ok(Self { store, _lock: lock })
    }

    /// The keys that seal what is stored.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        self.store.keyring()
    }
}

#[async_trait]
impl Store for Borrowed {
    async fn read(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.store.read().await
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.store.write().await
    }

    async fn write_once(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.store.write_once().await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool, Fault> {
        self.store.sweep(now).await
    }
}

/// Takes a number and sees to it that its database is there and empty.
async fn prepare(
    lock: &mut PgConnection,
    server: &PgConnectOptions,
) -> Result<(String, PgConnectOptions), sqlx::Error> {
    let number: i32 = sqlx::query_scalar(TAKE).fetch_one(&mut *lock).await?;
    let name = format!("poolhouse_kit_{number}");
    let options = server.clone().database(&name);
    let exists = "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)";
    if sqlx::query_scalar(exists).bind(&name).fetch_one(&mut *lock).await? {
        sqlx::query(DISCONNECT).bind(&name).execute(&mut *lock).await?;
        let mut inside = options.connect().await?;
        run(&mut inside, EMPTY).await?;
        inside.close().await?;
    } else {
        create(lock, &name).await?;
    }
    Ok((name, options))
}

async fn create(lock: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    run(lock, &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.map(drop)
}

fn unreachable(error: sqlx::Error) -> OpenError {
    OpenError::Unreachable(error.into())
}
