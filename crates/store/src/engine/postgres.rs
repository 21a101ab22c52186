//! PostgreSQL: reads are single statements (`READ COMMITTED`), a write transaction is
//! `REPEATABLE READ`, so that two that touch the same row can't both commit.

use std::{str::FromStr, sync::Arc};

use poolhouse_domain::Fault;
use sqlx::{
    AssertSqlSafe, ConnectOptions, PgConnection, Row as _,
    postgres::{PgArguments, PgConnectOptions},
    query::Query,
};

use super::{
    EngineRow, Row, Value, fault,
    pool::{Lent, Pool, is_lost},
    read_only, written_before,
};
use crate::OpenError;

/// More than all the statements that there are.
const STATEMENTS: usize = 200;

pub(crate) struct Postgres {
    pool: Arc<Pool<PgConnection>>,
}

impl Postgres {
    pub(super) async fn connect(url: &str, connections: usize) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(OpenError::unreachable)?
            .application_name("poolhouse")
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        let pool = Pool::new(options, connections.max(1));
        check_encoding(&pool).await?;
        Ok(Self { pool })
    }

    pub(super) fn read(&self) -> View {
        View::Read(Arc::clone(&self.pool))
    }

    pub(super) async fn write(&self) -> Result<View, Fault> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ";
        loop {
            let mut lent = self.pool.take().await.map_err(|error| fault(BEGIN, error))?;
            let connection = lent.start().map_err(|error| fault(BEGIN, error))?;
            let outcome = sqlx::raw_sql(BEGIN).execute(connection).await;
            lent.ended(&outcome);
            match outcome {
                Ok(_) => return Ok(View::Write(Transaction(Some(lent)))),
                // It died unnoticed while idle, and its likes have just been forgotten.
                Err(error) if is_lost(&error) && lent.is_reused => {}
                Err(error) => return Err(fault(BEGIN, error)),
            }
        }
    }

    pub(super) fn write_once(&self) -> View {
        View::Once { pool: Arc::clone(&self.pool), has_written: false }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Keys are ordered by their bytes, which is the order of code points only in UTF-8.
async fn check_encoding(pool: &Arc<Pool<PgConnection>>) -> Result<(), OpenError> {
    let mut lent = pool.take().await.map_err(OpenError::unreachable)?;
    let connection = lent.start().map_err(OpenError::unreachable)?;
    let outcome = sqlx::query("SHOW server_encoding").fetch_one(connection).await;
    lent.ended(&outcome);
    let row = outcome.map_err(OpenError::unreachable)?;
    let encoding: String = row.try_get(0).map_err(OpenError::unreachable)?;
    if encoding == "UTF8" { Ok(()) } else { Err(OpenError::Encoding(encoding)) }
}

pub(crate) enum View {
    Read(Arc<Pool<PgConnection>>),
    Write(Transaction),
    /// One statement may write, outside of a transaction. Takes a connection for each statement.
    Once {
        pool: Arc<Pool<PgConnection>>,
        has_written: bool,
    },
}

/// An open write transaction. Dropping it without a commit rolls it back.
pub(crate) struct Transaction(Option<Lent<PgConnection>>);

impl Transaction {
    fn connection(&mut self) -> Result<&mut Lent<PgConnection>, Fault> {
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
                runtime.spawn(async move { finish(&mut lent, "ROLLBACK").await });
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
        let outcome = match self {
            Self::Read(_) => return Err(read_only()),
            Self::Once { has_written: true, .. } => return Err(written_before()),
            Self::Write(transaction) => run(transaction.connection()?, sql, values).await,
            Self::Once { pool, has_written } => {
                *has_written = true;
                loop {
                    let mut lent = pool.take().await.map_err(|error| fault(sql, error))?;
                    match run(&mut lent, sql, values).await {
                        // It died unnoticed while idle, and its likes have just been forgotten.
                        Err(error) if is_lost(&error) && lent.is_reused => {}
                        outcome => break outcome,
                    }
                }
            }
        };
        outcome.map_err(|error| fault(sql, error))
    }

    pub(super) async fn fetch_all(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        let outcome = match self {
            Self::Write(transaction) => fetch(transaction.connection()?, sql, values).await,
            Self::Read(pool) | Self::Once { pool, .. } => loop {
                let mut lent = pool.take().await.map_err(|error| fault(sql, error))?;
                match fetch(&mut lent, sql, values).await {
                    // It died unnoticed while idle, and its likes have just been forgotten.
                    Err(error) if is_lost(&error) && lent.is_reused => {}
                    outcome => break outcome,
                }
            },
        };
        let rows = outcome.map_err(|error| fault(sql, error))?;
        Ok(rows.into_iter().map(|row| Row::new(EngineRow::Postgres(row))).collect())
    }

    pub(super) async fn fetch_optional(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Fault> {
        Ok(self.fetch_all(sql, values).await?.into_iter().next())
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
        finish(transaction.connection()?, "COMMIT").await?;
        transaction.0 = None;
        Ok(())
    }
}

/// Ends a transaction.
async fn finish(lent: &mut Lent<PgConnection>, sql: &'static str) -> Result<(), Fault> {
    let connection = lent.start().map_err(|error| fault(sql, error))?;
    let outcome = sqlx::raw_sql(sql).execute(connection).await;
    lent.ended(&outcome);
    outcome.map(drop).map_err(|error| fault(sql, error))
}

fn bind(sql: &'static str, values: &[Value<'_>]) -> Query<'static, sqlx::Postgres, PgArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind(text.as_deref()),
        Value::Int(number) => query.bind(*number),
        Value::Blob(bytes) => query.bind(*bytes),
    })
}

async fn run(
    lent: &mut Lent<PgConnection>,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<u64, sqlx::Error> {
    let query = bind(sql, values);
    let outcome = query.execute(lent.start()?).await;
    lent.ended(&outcome);
    outcome.map(|done| done.rows_affected())
}

async fn fetch(
    lent: &mut Lent<PgConnection>,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<sqlx::postgres::PgRow>, sqlx::Error> {
    let query = bind(sql, values);
    let outcome = query.fetch_all(lent.start()?).await;
    lent.ended(&outcome);
    outcome
}
