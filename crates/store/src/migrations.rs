//! The schema, and how a database gets to it.
//!
//! Migrations only go forward. They run when the database is opened, all in one transaction that
//! locks out other nodes, and each leaves its number and a checksum behind.

use poolhouse_domain::Fault;

use crate::{
    OpenError,
    engine::{Engine, View, values},
};

/// A step of the schema.
struct Migration {
    version: i64,
    text: &'static str,
}

/// Every step, in order. A step that was released never changes again.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, text: include_str!("../migrations/0001_initial.sql") },
    Migration { version: 2, text: include_str!("../migrations/0002_groups.sql") },
    Migration { version: 3, text: include_str!("../migrations/0003_resource_servers.sql") },
    Migration { version: 4, text: include_str!("../migrations/0004_devices.sql") },
    Migration { version: 5, text: include_str!("../migrations/0005_passkeys.sql") },
    Migration { version: 6, text: include_str!("../migrations/0006_identity_providers.sql") },
    Migration { version: 7, text: include_str!("../migrations/0007_resources.sql") },
    Migration { version: 8, text: include_str!("../migrations/0008_user_import.sql") },
    Migration { version: 9, text: include_str!("../migrations/0009_sessions.sql") },
    Migration { version: 10, text: include_str!("../migrations/0010_threat_protection.sql") },
    Migration { version: 11, text: include_str!("../migrations/0011_access.sql") },
    Migration { version: 12, text: include_str!("../migrations/0012_password_history.sql") },
    Migration { version: 13, text: include_str!("../migrations/0013_outbox.sql") },
    Migration { version: 14, text: include_str!("../migrations/0014_oauth.sql") },
];

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (
    version {int} NOT NULL PRIMARY KEY,
    checksum {text} NOT NULL
){wide}";

/// Brings the database to the newest schema.
pub(crate) async fn run(engine: &Engine) -> Result<(), OpenError> {
    prepare_history(engine).await?;
    let mut view = engine.write().await?;
    lock(&mut view).await?;
    let done = history(&mut view).await?;
    let known = MIGRATIONS.last().map_or(0, |last| last.version);
    if let Some((found, _)) = done.last().filter(|(version, _)| *version > known) {
        return Err(OpenError::NewerSchema { found: *found, known });
    }
    for migration in MIGRATIONS {
        let checksum = checksum(migration.text);
        match done.iter().find(|(version, _)| *version == migration.version) {
            Some((_, same)) if *same == checksum => {}
            Some((version, _)) => return Err(OpenError::ForeignSchema(*version)),
            None => apply(&mut view, migration, &checksum).await?,
        }
    }
    Ok(view.commit().await?)
}

/// Makes the table of what was done. Two nodes that start on an empty PostgreSQL database collide
/// here (`IF NOT EXISTS` does not prevent it), so it is tried again.
async fn prepare_history(engine: &Engine) -> Result<(), Fault> {
    let mut tries = 0;
    loop {
        match try_prepare_history(engine).await {
            Err(_) if tries < 5 => tries += 1,
            outcome => return outcome,
        }
    }
}

async fn try_prepare_history(engine: &Engine) -> Result<(), Fault> {
    let mut view = engine.write().await?;
    let script = for_engine(HISTORY, view.is_sqlite());
    view.run_script(script).await?;
    let lock = "INSERT INTO schema_history (version, checksum) VALUES (0, 'lock')
        ON CONFLICT DO NOTHING";
    view.execute(lock, &[]).await?;
    view.commit().await
}

/// Locks out other nodes until the transaction ends. On SQLite the transaction itself does.
async fn lock(view: &mut View) -> Result<(), Fault> {
    if !view.is_sqlite() {
        let row = "SELECT version FROM schema_history WHERE version = 0 FOR UPDATE";
        view.fetch_all(row, &[]).await?;
        // The snapshot of this transaction was taken before it waited for the lock; what the other
        // node did is visible only to a new one. That is why the lock row is written as well: a
        // transaction that waited fails with a conflict, and is run again.
        let mark = "UPDATE schema_history SET checksum = 'lock' WHERE version = 0";
        view.execute(mark, &[]).await?;
    }
    Ok(())
}

async fn history(view: &mut View) -> Result<Vec<(i64, String)>, Fault> {
    let sql = "SELECT version, checksum FROM schema_history WHERE version > 0 ORDER BY version";
    let mut done = Vec::new();
    for mut row in view.fetch_all(sql, &[]).await? {
        done.push((row.int()?, row.text()?));
    }
    Ok(done)
}

async fn apply(view: &mut View, migration: &Migration, checksum: &str) -> Result<(), Fault> {
    tracing::info!(version = migration.version, "migrating the database");
    view.run_script(for_engine(migration.text, view.is_sqlite())).await?;
    let sql = "INSERT INTO schema_history (version, checksum) VALUES ($1, $2)";
    view.execute(sql, values![migration.version, checksum]).await?;
    Ok(())
}

/// The text of a migration in the words of an engine.
fn for_engine(text: &str, is_sqlite: bool) -> String {
    let words = if is_sqlite {
        [
            ("{text}", "TEXT"),
            ("{int}", "INTEGER"),
            ("{blob}", "BLOB"),
            ("{wide}", " STRICT"),
            ("{compact}", " STRICT, WITHOUT ROWID"),
        ]
    } else {
        [
            ("{text}", "TEXT COLLATE \"C\""),
            ("{int}", "BIGINT"),
            ("{blob}", "BYTEA"),
            ("{wide}", ""),
            ("{compact}", ""),
        ]
    };
    words.iter().fold(text.to_owned(), |text, (word, meaning)| text.replace(word, meaning))
}

/// FNV-1a in 64 bits: enough to notice that a migration was edited.
fn checksum(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
