//! SQLite: one connection that writes, several that read beside it (write-ahead logging).
//!
//! Those that read single rows and those that read pages of lists are apart, because SQLite gives up
//! its map of the file whenever another connection has committed: where a row is read between two
//! writes, as in most steps of a sign-in, making the map anew costs more than the row. A page of a
//! list, whose rows lie anywhere in a large file, is worth it.

use std::{path::Path, sync::Arc, time::Duration};

use poolhouse_domain::Fault;
use sqlx::{
    AssertSqlSafe, ConnectOptions, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tempfile::TempDir;

use super::{
    EngineRow, Row, Value, fault,
    pool::{Lent, Pool},
    read_only, written_before,
};
use crate::OpenError;

/// Connections that read: each takes a thread and up to [`CACHE_KIB`] of memory once used.
const READERS: usize = 4;
/// Connections that read pages of lists.
const PAGE_READERS: usize = 2;
/// Pages that a connection keeps in memory, in KiB; the operating system caches the rest.
const CACHE_KIB: i64 = 4_096;
/// How much of the file is mapped into memory where pages of lists are read, in bytes, at most 2 GiB:
/// what is not in a connection's own cache then costs no system call and no copy.
const MAPPED: i64 = 2_147_418_112;
/// How long a statement waits when another process holds the lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What the write-ahead log may keep on disk after a burst, in bytes.
const LOG_LIMIT: i64 = 64 << 20;
/// More than all the statements that there are.
const STATEMENTS: usize = 200;

pub(crate) struct Sqlite {
    writer: Arc<Pool<SqliteConnection>>,
    readers: Arc<Pool<SqliteConnection>>,
    page_readers: Arc<Pool<SqliteConnection>>,
    /// Removed with everything in it when the database is closed.
    _folder: Option<TempDir>,
}

impl Sqlite {
    /// A database file. What was committed survives the loss of power.
    pub(super) fn file(path: &Path) -> Result<Self, OpenError> {
        prepare_file(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        Ok(Self::with(path, SqliteSynchronous::Full, None))
    }

    /// A database in a temporary folder of its own. A process that is killed leaves the folder to
    /// whatever cleans the system's temporary files.
    pub(super) fn ephemeral() -> Result<Self, OpenError> {
        let temporary = std::env::temp_dir();
        let failed = |source| OpenError::File { path: temporary.clone(), source };
        let folder = tempfile::Builder::new().prefix("poolhouse-").tempdir().map_err(failed)?;
        let path = folder.path().join("private").join("ephemeral.db");
        prepare_file(&path).map_err(failed)?;
        Ok(Self::with(&path, SqliteSynchronous::Off, Some(folder)))
    }

    fn with(path: &Path, synchronous: SqliteSynchronous, folder: Option<TempDir>) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(BUSY_TIMEOUT)
            // Deletion is done in batches by hand; no table refers to another.
            .foreign_keys(false)
            .pragma("cache_size", (-CACHE_KIB).to_string())
            .pragma("journal_size_limit", LOG_LIMIT.to_string())
            .pragma("temp_store", "memory")
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        let reading = options.clone().pragma("query_only", "on");
        let mapped = reading.clone().pragma("mmap_size", MAPPED.to_string());
        Self {
            writer: Pool::new(options, 1),
            readers: Pool::new(reading, READERS),
            page_readers: Pool::new(mapped, PAGE_READERS),
            _folder: folder,
        }
    }

    pub(super) fn read(&self) -> View {
        View::Read { rows: Arc::clone(&self.readers), pages: Arc::clone(&self.page_readers) }
    }

    pub(super) async fn write(&self) -> Result<View, Fault> {
        const BEGIN: &str = "BEGIN IMMEDIATE";
        let mut lent = self.writer.take().await.map_err(|error| fault(BEGIN, error))?;
        run(&mut lent, BEGIN, &[]).await?;
        Ok(View::Write(Transaction(Some(lent))))
    }

    pub(super) async fn write_once(&self) -> Result<View, Fault> {
        const WAIT: &str = "waiting for a turn to write";
        let lent = self.writer.take().await.map_err(|error| fault(WAIT, error))?;
        Ok(View::Once { lent, has_written: false })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.page_readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the folders and the file, readable by their owner only: SQLite gives the files that it
/// makes beside it the same permissions.
fn prepare_file(path: &Path) -> std::io::Result<()> {
    let mut folders = std::fs::DirBuilder::new();
    folders.recursive(true);
    let mut file = std::fs::OpenOptions::new();
    file.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        folders.mode(0o700);
        file.mode(0o600);
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folders.create(parent)?;
    }
    file.open(path).map(drop)
}

pub(crate) enum View {
    Read {
        rows: Arc<Pool<SqliteConnection>>,
        pages: Arc<Pool<SqliteConnection>>,
    },
    Write(Transaction),
    /// One statement may write, outside of a transaction.
    Once {
        lent: Lent<SqliteConnection>,
        has_written: bool,
    },
}

/// An open write transaction. Dropping it without a commit rolls it back.
pub(crate) struct Transaction(Option<Lent<SqliteConnection>>);

impl Transaction {
    fn connection(&mut self) -> Result<&mut Lent<SqliteConnection>, Fault> {
        self.0.as_mut().ok_or(Fault::broken("the transaction has ended"))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // A connection in the middle of a statement is closed by its own drop, which rolls back too.
        let Some(mut lent) = self.0.take().filter(Lent::is_sound) else {
            return;
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move { run(&mut lent, "ROLLBACK", &[]).await });
            }
            Err(_) => drop(lent.start()),
        }
    }
}

impl View {
    pub(super) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Fault> {
        match self {
            Self::Read { .. } => Err(read_only()),
            Self::Write(transaction) => run(transaction.connection()?, sql, values).await,
            Self::Once { has_written: true, .. } => Err(written_before()),
            Self::Once { lent, has_written } => {
                *has_written = true;
                run(lent, sql, values).await
            }
        }
    }

    pub(super) async fn fetch_all(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        match self {
            Self::Read { rows, .. } => {
                let mut lent = rows.take().await.map_err(|error| fault(sql, error))?;
                fetch_all(&mut lent, sql, values).await
            }
            Self::Write(transaction) => fetch_all(transaction.connection()?, sql, values).await,
            Self::Once { lent, .. } => fetch_all(lent, sql, values).await,
        }
    }

    pub(super) async fn fetch_page(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        match self {
            Self::Read { pages, .. } => {
                let mut lent = pages.take().await.map_err(|error| fault(sql, error))?;
                fetch_all(&mut lent, sql, values).await
            }
            Self::Write(_) | Self::Once { .. } => self.fetch_all(sql, values).await,
        }
    }

    pub(super) async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Fault> {
        match self {
            Self::Read { rows, .. } => {
                let mut lent = rows.take().await.map_err(|error| fault(sql, error))?;
                fetch_optional(&mut lent, sql, values).await
            }
            Self::Write(transaction) => {
                fetch_optional(transaction.connection()?, sql, values).await
            }
            Self::Once { lent, .. } => fetch_optional(lent, sql, values).await,
        }
    }

    pub(super) async fn run_script(&mut self, script: String) -> Result<(), Fault> {
        const WHAT: &str = "a migration";
        let Self::Write(transaction) = self else {
            return Err(read_only());
        };
        let lent = transaction.connection()?;
        let connection = lent.start().map_err(|error| fault(WHAT, error))?;
        let outcome = sqlx::raw_sql(AssertSqlSafe(script)).execute(connection).await;
        lent.ended(&outcome);
        outcome.map(drop).map_err(|error| fault(WHAT, error))
    }

    pub(super) async fn commit(self) -> Result<(), Fault> {
        let Self::Write(mut transaction) = self else {
            return Ok(());
        };
        run(transaction.connection()?, "COMMIT", &[]).await?;
        transaction.0 = None;
        Ok(())
    }
}

fn bind(sql: &'static str, values: &[Value<'_>]) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind(text.as_deref()),
        Value::Int(number) => query.bind(*number),
        Value::Blob(bytes) => query.bind(*bytes),
    })
}

async fn run(
    lent: &mut Lent<SqliteConnection>,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<u64, Fault> {
    let query = bind(sql, values);
    let connection = lent.start().map_err(|error| fault(sql, error))?;
    let outcome = query.execute(connection).await;
    lent.ended(&outcome);
    outcome.map(|done| done.rows_affected()).map_err(|error| fault(sql, error))
}

async fn fetch_all(
    lent: &mut Lent<SqliteConnection>,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<Row>, Fault> {
    let query = bind(sql, values);
    let connection = lent.start().map_err(|error| fault(sql, error))?;
    let outcome = query.fetch_all(connection).await;
    lent.ended(&outcome);
    let rows = outcome.map_err(|error| fault(sql, error))?;
    Ok(rows.into_iter().map(|row| Row::new(EngineRow::Sqlite(row))).collect())
}

async fn fetch_optional(
    lent: &mut Lent<SqliteConnection>,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Option<Row>, Fault> {
    let query = bind(sql, values);
    let connection = lent.start().map_err(|error| fault(sql, error))?;
    let outcome = query.fetch_optional(connection).await;
    lent.ended(&outcome);
    let row = outcome.map_err(|error| fault(sql, error))?;
    Ok(row.map(|row| Row::new(EngineRow::Sqlite(row))))
}
