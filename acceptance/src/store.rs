//! Storage that belongs to one test.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::unique;

/// Names a PostgreSQL server by the URL of a user who may make databases.
pub const POSTGRES_VARIABLE: &str = "POOLHOUSE_TEST_POSTGRES";
/// Set to 1 where there is no PostgreSQL.
pub const SKIP_VARIABLE: &str = "POOLHOUSE_SKIP_POSTGRES";

/// What the server keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in the data folder.
    Sqlite,
    /// A database on the server that `POOLHOUSE_TEST_POSTGRES` names.
    Postgres,
}

/// Whether tests on PostgreSQL are to be skipped.
pub fn skips_postgres() -> bool {
    std::env::var(SKIP_VARIABLE).is_ok_and(|value| value == "1")
}

/// A data folder and perhaps a database, empty at first, removed when dropped. Servers may be
/// started on it one after the other: what one wrote, the next finds.
pub struct Store {
    folder: TempDir,
    database: Option<Database>,
}

impl Store {
    /// A new one.
    pub async fn fresh(engine: Engine) -> Self {
        let folder = tempfile::Builder::new().prefix("poolhouse-acceptance-").tempdir().unwrap();
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Database::create().await),
        };
        Self { folder, database }
    }

    /// A folder for whatever the test needs beside the database.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder of `poolhouse dev`.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The URL of the database, with PostgreSQL.
    pub fn database_url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    /// The arguments that let `poolhouse dev` and the management commands work on this storage.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--data".to_owned(), self.data().display().to_string()];
        if let Some(url) = self.database_url() {
            arguments.extend(["--database".to_owned(), url.to_owned()]);
        }
        arguments
    }
}

/// Everything that a database holds, as bytes: each row as text, and each binary value in it once
/// more as it is.
pub async fn dump(database_url: &str) -> Vec<u8> {
    let mut connection = PgConnection::connect(database_url).await.unwrap();
    let tables = "SELECT table_schema || '.' || table_name FROM information_schema.tables \
                  WHERE table_type = 'BASE TABLE' \
                  AND table_schema NOT IN ('pg_catalog', 'information_schema')";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    assert!(!tables.is_empty(), "the database is empty");
    let mut dump = Vec::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut connection).await.unwrap();
        for row in rows {
            dump.extend_from_slice(row.as_bytes());
            dump.push(b'\n');
            for binary in row.split("\\x").skip(1) {
                dump.extend(decoded(binary.as_bytes()));
                dump.push(b'\n');
            }
        }
    }
    dump
}

/// The bytes that a text's hexadecimal digits stand for, up to the first other character.
fn decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes =
        text.chunks_exact(2).map_while(move |pair| Some(digit(pair[0])? * 16 + digit(pair[1])?));
    bytes.map(|byte| u8::try_from(byte).unwrap())
}

/// A PostgreSQL database, dropped with its value.
struct Database {
    url: String,
    name: String,
}

impl Database {
    async fn create() -> Self {
        let name = unique("poolhouse").replace('-', "_");
        execute(format!("CREATE DATABASE {name}")).await;
        let server = server_url();
        let (address, _) = server.rsplit_once('/').expect("a URL with a database");
        Self { url: format!("{address}/{name}"), name }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // Dropping can't wait for a future; a thread of its own can, outside of the test's runtime.
        let dropping = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(statement));
        });
        // A database that stays behind does no harm: the server of `cargo xtask test` goes too.
        let _ = dropping.join();
    }
}

fn server_url() -> String {
    std::env::var(POSTGRES_VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{POSTGRES_VARIABLE} must name a PostgreSQL server where databases can be made, such \
             as postgres://user@127.0.0.1:5432/postgres; `cargo xtask test` starts one. Set \
             {SKIP_VARIABLE}=1 to do without."
        )
    })
}

/// Runs a statement made of names of our own.
async fn execute(statement: String) {
    let mut connection = PgConnection::connect(&server_url())
        .await
        .unwrap_or_else(|error| panic!("{POSTGRES_VARIABLE} can't be reached: {error}"));
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
