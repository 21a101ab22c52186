//! The engines: what differs between SQLite and PostgreSQL ends here.
//!
//! A slice writes one SQL text with `$1` placeholders, hands over [`Value`]s and reads [`Row`]s.

mod pool;
mod postgres;
mod sqlite;

use std::{borrow::Cow, path::PathBuf};

use poolhouse_domain::{Fault, time::Timestamp};
use sqlx::Row as _;

use crate::OpenError;

/// Where the data is. Prints without the URL, which may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite database file, made with its folders if it does not exist. SQLite keeps two more
    /// files beside it while it is open, named alike with `-wal` and `-shm` at the end.
    SqliteFile(PathBuf),
    /// A SQLite database that vanishes when it is closed: a file in a temporary folder, written
    /// without waiting for the disk, because a purely in-memory database can't be read and written
    /// by several connections at once in the way that a file can.
    Ephemeral,
    /// A PostgreSQL database, as `postgres://user:password@host:port/database?option=value`.
    Postgres {
        /// The connection URL, as libpq defines it.
        url: String,
        /// The largest number of connections to keep open.
        connections: usize,
    },
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SqliteFile(path) => f.debug_tuple("SqliteFile").field(path).finish(),
            Self::Ephemeral => f.write_str("Ephemeral"),
            Self::Postgres { connections, .. } => {
                f.debug_struct("Postgres").field("connections", connections).finish_non_exhaustive()
            }
        }
    }
}

/// An open database of either engine.
pub(crate) enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Engine {
    pub(crate) async fn open(location: &Location) -> Result<Self, OpenError> {
        Ok(match location {
            Location::SqliteFile(path) => Self::Sqlite(sqlite::Sqlite::file(path)?),
            Location::Ephemeral => Self::Sqlite(sqlite::Sqlite::ephemeral()?),
            Location::Postgres { url, connections } => {
                Self::Postgres(postgres::Postgres::connect(url, *connections).await?)
            }
        })
    }

    /// A view for reading, which takes a connection for each statement.
    pub(crate) fn read(&self) -> View {
        match self {
            Self::Sqlite(sqlite) => View::Sqlite(sqlite.read()),
            Self::Postgres(postgres) => View::Postgres(postgres.read()),
        }
    }

    /// Begins a write transaction.
    pub(crate) async fn write(&self) -> Result<View, Fault> {
        Ok(match self {
            Self::Sqlite(sqlite) => View::Sqlite(sqlite.write().await?),
            Self::Postgres(postgres) => View::Postgres(postgres.write().await?),
        })
    }

    /// For one statement that writes, which needs no transaction around it.
    pub(crate) async fn write_once(&self) -> Result<View, Fault> {
        Ok(match self {
            Self::Sqlite(sqlite) => View::Sqlite(sqlite.write_once().await?),
            Self::Postgres(postgres) => View::Postgres(postgres.write_once()),
        })
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

/// A view for reading or an open write transaction.
pub(crate) enum View {
    Sqlite(sqlite::View),
    Postgres(postgres::View),
}

impl View {
    /// Runs a statement that writes; answers the number of rows that it touched.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Fault> {
        match self {
            Self::Sqlite(view) => view.execute(sql, values).await,
            Self::Postgres(view) => view.execute(sql, values).await,
        }
    }

    /// Runs a query for all its rows.
    pub(crate) async fn fetch_all(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        match self {
            Self::Sqlite(view) => view.fetch_all(sql, values).await,
            Self::Postgres(view) => view.fetch_all(sql, values).await,
        }
    }

    /// Runs a query for a page of a list whose rows may lie anywhere among very many.
    pub(crate) async fn fetch_page(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        match self {
            Self::Sqlite(view) => view.fetch_page(sql, values).await,
            Self::Postgres(view) => view.fetch_all(sql, values).await,
        }
    }

    /// Runs a query that finds at most one row.
    pub(crate) async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Fault> {
        match self {
            Self::Sqlite(view) => view.fetch_optional(sql, values).await,
            Self::Postgres(view) => view.fetch_optional(sql, values).await,
        }
    }

    /// Runs several statements, without values, inside the open transaction.
    pub(crate) async fn run_script(&mut self, script: String) -> Result<(), Fault> {
        match self {
            Self::Sqlite(view) => view.run_script(script).await,
            Self::Postgres(view) => view.run_script(script).await,
        }
    }

    /// Ends the transaction for good. Nothing to do for a view that only reads, or writes once.
    pub(crate) async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(view) => view.commit().await,
            Self::Postgres(view) => view.commit().await,
        }
    }

    /// Whether this is a write transaction.
    pub(crate) const fn can_write(&self) -> bool {
        matches!(
            self,
            Self::Sqlite(sqlite::View::Write(_)) | Self::Postgres(postgres::View::Write(_))
        )
    }

    /// Whether this is SQLite, for the few texts that must differ.
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// A value for a placeholder. Nulls have a type too, because PostgreSQL wants to know it.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    Text(Option<Cow<'a, str>>),
    Int(Option<i64>),
    Blob(Option<&'a [u8]>),
}

/// PostgreSQL can't store U+0000 in a text, so it becomes U+FFFD, on both engines alike, in what is
/// stored and in what is looked up.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}").into() } else { text.into() }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(storable(text)))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(storable(text)))
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(text: &'a Option<String>) -> Self {
        Self::Text(text.as_deref().map(storable))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Int(Some(number.into()))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Int(Some(flag.into()))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Int(Some(time.micros()))
    }
}

impl From<Option<Timestamp>> for Value<'_> {
    fn from(time: Option<Timestamp>) -> Self {
        Self::Int(time.map(Timestamp::micros))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Blob(Some(bytes))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Blob(Some(bytes))
    }
}

impl<'a> From<&'a Option<Vec<u8>>> for Value<'a> {
    fn from(bytes: &'a Option<Vec<u8>>) -> Self {
        Self::Blob(bytes.as_deref())
    }
}

/// The values of a statement, each converted into a [`Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::engine::Value::from($value)),*] };
}
pub(crate) use values;

/// A row of a result, whose columns are read in the order of the `SELECT`.
pub(crate) struct Row {
    row: EngineRow,
    next: usize,
}

enum EngineRow {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

impl Row {
    const fn new(row: EngineRow) -> Self {
        Self { row, next: 0 }
    }

    /// The next column, which is a text.
    pub(crate) fn text(&mut self) -> Result<String, Fault> {
        self.read()
    }

    /// The next column, which is a text or null.
    pub(crate) fn maybe_text(&mut self) -> Result<Option<String>, Fault> {
        self.read()
    }

    /// The next column, which is a number.
    pub(crate) fn int(&mut self) -> Result<i64, Fault> {
        self.read()
    }

    /// The next column, which is a number or null.
    pub(crate) fn maybe_int(&mut self) -> Result<Option<i64>, Fault> {
        self.read()
    }

    /// The next column, which is a small number that is never negative.
    pub(crate) fn small(&mut self) -> Result<u32, Fault> {
        u32::try_from(self.int()?).map_err(|e| Fault::because("a stored number is out of range", e))
    }

    /// The next column, which is a flag.
    pub(crate) fn flag(&mut self) -> Result<bool, Fault> {
        Ok(self.int()? != 0)
    }

    /// The next column, which is a point in time.
    pub(crate) fn time(&mut self) -> Result<Timestamp, Fault> {
        self.read().map(Timestamp::from_micros)
    }

    /// The next column, which is a point in time or null.
    pub(crate) fn maybe_time(&mut self) -> Result<Option<Timestamp>, Fault> {
        Ok(self.read::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    /// The next column, which is bytes.
    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, Fault> {
        self.read()
    }

    /// The next column, which is bytes or null.
    pub(crate) fn maybe_blob(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        self.read()
    }

    fn read<T>(&mut self) -> Result<T, Fault>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let index = self.next;
        self.next += 1;
        let value = match &self.row {
            EngineRow::Sqlite(row) => row.try_get(index),
            EngineRow::Postgres(row) => row.try_get(index),
        };
        value.map_err(|error| Fault::because("a stored value has an unexpected type", error))
    }
}

/// A statement that failed, for the log. The text of a statement never holds data.
#[derive(Debug, thiserror::Error)]
#[error("{source} in: {sql}")]
struct StatementError {
    sql: &'static str,
    source: sqlx::Error,
}

/// What a failed statement means to the caller.
fn fault(sql: &'static str, source: sqlx::Error) -> Fault {
    if is_conflict(&source) {
        return Fault::Conflict(source.to_string());
    }
    Fault::because("the database failed", StatementError { sql, source })
}

/// Whether the engine gave way to somebody else's transaction, so that running again may succeed.
fn is_conflict(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let Some(code) = error.code() else {
        return false;
    };
    match code.as_ref() {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => true,
        // SQLITE_BUSY and SQLITE_LOCKED in the low byte of the extended code
        // (https://www.sqlite.org/rescode.html).
        code => {
            error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
                && code.parse().is_ok_and(|code: u32| matches!(code & 0xFF, 5 | 6))
        }
    }
}

/// What a second statement that writes gets where one was announced: a mistake of ours.
const fn written_before() -> Fault {
    Fault::broken("a second write was tried outside of a transaction")
}

/// What a statement that writes gets in a view that only reads: a mistake of ours.
const fn read_only() -> Fault {
    Fault::broken("a write was tried in a view for reading")
}
