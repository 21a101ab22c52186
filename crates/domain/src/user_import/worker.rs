//! Carrying on the job that runs, one batch at a time.
//!
//! In each step a worker reads some lines and makes users of them in memory; then, in one short
//! transaction, it renews its lease, stores the users, and writes down how far it came. Whoever
//! lost the lease meanwhile stores nothing.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    Counts, ImportJob, ImportRun, LIFETIME, LogBlock, NewUser, Progress, Upload, csv,
    lines::{Lines, Next},
    row,
};
use crate::{
    fault::{Fault, retrying},
    ports::{Ports, Transaction},
    shapes::UserImportJobStatusType as Status,
    time::Timestamp,
    user_pools::UserPool,
    users::{Taken, User, aliases_in_effect, create},
};

/// Lines of a batch. Its transaction keeps other writers of SQLite waiting for some ten
/// milliseconds.
const BATCH: usize = 200;
/// Seconds for which a worker has the right to a job after each batch: so long it takes until
/// another one goes on where one has died.
const LEASE: i64 = 10;
/// No lease is that much longer, in seconds, however much clocks differ.
const IMPLAUSIBLE: i64 = 120;
/// Jobs that expire in one step.
const EXPIRING: u32 = 10;

/// How the service says that a job was stopped.
const STOPPED: &str = "The Import Job was stopped by the developer.";
/// How it says that a job did not succeed.
const TOO_MANY_FAILED: &str = "Too many users have failed or been skipped during the import.";
/// The file is gone, which can't happen. (A text of our own.)
const NO_FILE: &str = "The CSV file can't be read.";

/// Does one piece of work, if there is any; answers whether there may be more right now. `worker`
/// names the calling process.
pub async fn step(ports: &Ports, worker: &str) -> Result<bool, Fault> {
    let mut view = ports.store.read().await?;
    let Some(run) = view.import_run().await? else {
        return expire(ports).await;
    };
    if run.is_anothers(worker, ports.clock.now()) {
        return Ok(false);
    }
    let job = view.import_job(&run.user_pool_id, &run.job_id).await?;
    let pool = view.user_pool(&run.user_pool_id).await?;
    drop(view);
    let (Some(job), Some(pool)) = (job, pool) else {
        // The pool was deleted. What is left of the job is removed with it.
        return retrying(|| forget(ports, worker, &run)).await;
    };
    let is_begun = run.worker == worker && job.status != Status::Pending;
    let batch = match job.status {
        _ if !is_begun => None,
        Status::InProgress => Some(read_batch(ports, &pool, &job).await?),
        _ => None,
    };
    retrying(|| carry_on(ports, worker, &run, &pool, batch.as_ref())).await
}

impl ImportRun {
    /// Whether another worker has the right to the job. The store decides; this saves it the
    /// question, twice a second from each node.
    fn is_anothers(&self, worker: &str, now: Timestamp) -> bool {
        let is_plausible = self.lease_until <= now.plus_seconds(IMPLAUSIBLE);
        self.worker != worker && now < self.lease_until && is_plausible
    }
}

/// What some lines of a file come to.
struct Batch {
    /// Where the job must be for this to be what comes next.
    from: u64,
    lines: Vec<Line>,
    progress: Progress,
    /// How the job ends here, if it does.
    end: Option<End>,
}

/// How a job comes to its end.
#[derive(Clone, Copy)]
enum End {
    /// All of the file has been read.
    OfFile,
    /// The file can't be read, for this reason.
    Unreadable(&'static str),
}

/// A line of the file, and the user it describes or why there is none.
struct Line {
    number: i64,
    user: Result<Box<User>, String>,
}

async fn read_batch(ports: &Ports, pool: &UserPool, job: &ImportJob) -> Result<Batch, Fault> {
    let no_file = Upload::default();
    let upload = job.details.upload.as_ref().unwrap_or(&no_file);
    let mut progress = job.details.progress.clone();
    let from = progress.position;
    let mut file = Lines::new(ports.store.read().await?, upload, from);
    let (mut lines, mut end) = (Vec::new(), None);
    let now = ports.clock.now();
    let mut read = 0;
    while read < BATCH && end.is_none() {
        let number = progress.lines + 1;
        let user = match file.next(read == 0).await? {
            Next::Pause => break,
            Next::End | Next::TooLong if number == 1 => {
                end = csv::columns(pool, b"").err().map(End::Unreadable);
                break;
            }
            Next::End => {
                end = Some(End::OfFile);
                break;
            }
            Next::Missing => {
                end = Some(End::Unreadable(NO_FILE));
                break;
            }
            Next::Line(header) if number == 1 => {
                match csv::columns(pool, &header) {
                    Ok(columns) => progress.columns = columns,
                    Err(message) => end = Some(End::Unreadable(message)),
                }
                None
            }
            // Such as one at the end of the file.
            Next::Line(line) if line.trim_ascii().is_empty() => None,
            Next::Line(line) => {
                let user = row::user(pool, &progress.columns, &line, &*ports.entropy, now);
                Some(user.map(Box::new))
            }
            Next::TooLong => Some(Err(row::TOO_LONG.to_owned())),
        };
        read += 1;
        progress.lines = number;
        progress.position = file.position();
        lines.extend(user.map(|user| Line { number, user }));
    }
    Ok(Batch { from, lines, progress, end })
}

/// Takes or keeps the right to the job and stores what a batch comes to; answers whether this
/// worker has that right.
async fn carry_on(
    ports: &Ports,
    worker: &str,
    run: &ImportRun,
    pool: &UserPool,
    batch: Option<&Batch>,
) -> Result<bool, Fault> {
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    if !lease(&mut *tx, worker, run, now).await? {
        return Ok(false);
    }
    let Some(mut job) = tx.import_job(&run.user_pool_id, &run.job_id).await? else {
        return Ok(true);
    };
    match (job.status, batch) {
        (Status::Pending, _) => job.status = Status::InProgress,
        (Status::InProgress, Some(batch)) if batch.from == job.details.progress.position => {
            store_batch(&mut *tx, pool, &mut job, batch).await?;
            if let Some(how) = batch.end {
                let (status, message) = outcome(job.details.counts, how);
                end(&mut *tx, &mut job, status, message, now).await?;
            }
        }
        (Status::InProgress, _) => {}
        _ => end(&mut *tx, &mut job, Status::Stopped, Some(STOPPED), now).await?,
    }
    tx.update_import_job(&mut job).await?;
    tx.commit().await?;
    Ok(true)
}

async fn lease(
    tx: &mut dyn Transaction,
    worker: &str,
    run: &ImportRun,
    now: Timestamp,
) -> Result<bool, Fault> {
    let wanted = ImportRun {
        worker: worker.to_owned(),
        lease_until: now.plus_seconds(LEASE),
        ..run.clone()
    };
    tx.lease_import_run(&wanted, now, now.plus_seconds(IMPLAUSIBLE)).await
}

/// Stores users, counters, log and progress.
async fn store_batch(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    job: &mut ImportJob,
    batch: &Batch,
) -> Result<(), Fault> {
    let users: Vec<&User> =
        batch.lines.iter().filter_map(|line| line.user.as_deref().ok()).collect();
    let mut stored = store_users(tx, pool, &users).await?.into_iter();
    let mut counts = Counts::default();
    let mut text = String::new();
    for line in &batch.lines {
        let (count, kind, what) = match &line.user {
            Err(reason) => (&mut counts.failed, "FAILED", reason.clone()),
            Ok(_) => match stored.next().ok_or(Fault::broken("an imported user was lost"))? {
                Ok(()) => (&mut counts.imported, "SUCCEEDED", "The import succeeded.".to_owned()),
                Err(Taken::Alias(name)) if pool.username_attributes().is_empty() => {
                    // Which of the two the service says here is not known.
                    let reason = format!("An account with the given {name} already exists.");
                    (&mut counts.failed, "FAILED", reason)
                }
                Err(_) => (&mut counts.skipped, "SKIPPED", "The user already exists.".to_owned()),
            },
        };
        *count += 1;
        // Writing to a string can't fail.
        let _ = writeln!(text, "[{kind}] Line Number {} - {what}", line.number);
    }
    if counts.imported > 0 {
        tx.count_imported_users(pool.id(), &job.id, counts.imported).await?;
    }
    if let Some(first) = batch.lines.first() {
        let block = LogBlock { first_line: first.number, text };
        tx.append_import_log(pool.id(), &job.id, &block).await?;
    }
    let all = &mut job.details.counts;
    all.imported += counts.imported;
    all.skipped += counts.skipped;
    all.failed += counts.failed;
    job.details.progress = batch.progress.clone();
    Ok(())
}

/// Stores users one after the other, as far as anybody can tell: those that share no name are
/// stored together. Answers what became of each.
async fn store_users(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    users: &[&User],
) -> Result<Vec<Result<(), Taken>>, Fault> {
    let mut outcomes = Vec::with_capacity(users.len());
    let (mut group, mut names) = (Vec::new(), BTreeSet::new());
    for user in users {
        let (username_key, aliases) =
            (pool.name_key(&user.username), aliases_in_effect(pool, user));
        let keys = aliases.iter().map(|alias| &alias.key).chain([&username_key]);
        if keys.clone().any(|key| names.contains(key)) {
            outcomes.extend(tx.insert_imported_users(&group).await?);
            (group, names) = (Vec::new(), BTreeSet::new());
        }
        let taken = create::taken_in_another_sense(tx, pool, user, &username_key, &aliases).await?;
        if let Some(taken) = taken {
            outcomes.extend(tx.insert_imported_users(&group).await?);
            (group, names) = (Vec::new(), BTreeSet::new());
            outcomes.push(Err(taken));
            continue;
        }
        names.extend(keys.cloned());
        group.push(NewUser { user, username_key, aliases });
    }
    outcomes.extend(tx.insert_imported_users(&group).await?);
    Ok(outcomes)
}

/// How a job ends whose file has been read, or could not be.
///
/// A job with 14 imported and 32 failed users failed
/// (<https://github.com/aws-solutions/cognito-user-profiles-export-reference-architecture/issues/9>).
/// That the limit is one half, and that it is looked at in the end only, are beliefs.
fn outcome(counts: Counts, end: End) -> (Status, Option<&'static str>) {
    match end {
        End::Unreadable(reason) => (Status::Failed, Some(reason)),
        End::OfFile if counts.failed + counts.skipped > counts.imported => {
            (Status::Failed, Some(TOO_MANY_FAILED))
        }
        End::OfFile => (Status::Succeeded, None),
    }
}

/// Ends a job that has come to an end, in memory but for its file and its place.
async fn end(
    tx: &mut dyn Transaction,
    job: &mut ImportJob,
    status: Status,
    message: Option<&str>,
    now: Timestamp,
) -> Result<(), Fault> {
    job.status = status;
    job.details.completed_at = Some(now);
    job.details.completion_message = message.map(str::to_owned);
    tx.end_import_run().await?;
    drop_file(tx, job, now).await
}

async fn drop_file(
    tx: &mut dyn Transaction,
    job: &mut ImportJob,
    now: Timestamp,
) -> Result<(), Fault> {
    match job.details.upload.take() {
        Some(upload) => tx.keep_import_upload(&upload.id, Some(now)).await,
        None => Ok(()),
    }
}

/// Frees the place of a job whose pool is gone.
async fn forget(ports: &Ports, worker: &str, run: &ImportRun) -> Result<bool, Fault> {
    let mut tx = ports.store.write().await?;
    if !lease(&mut *tx, worker, run, ports.clock.now()).await? {
        return Ok(false);
    }
    tx.end_import_run().await?;
    tx.commit().await?;
    Ok(true)
}

/// Lets jobs expire that were not started in time.
async fn expire(ports: &Ports) -> Result<bool, Fault> {
    let now = ports.clock.now();
    let before = now.plus_seconds(-LIFETIME);
    let old = ports.store.read().await?.import_jobs_not_started_since(before, EXPIRING).await?;
    for job in old.iter().cloned() {
        match expire_job(ports, job, now).await {
            // It was started, or another node was faster.
            Ok(()) | Err(Fault::Conflict(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(!old.is_empty())
}

/// Lets a job expire, and its file with it.
async fn expire_job(ports: &Ports, mut job: ImportJob, now: Timestamp) -> Result<(), Fault> {
    let mut tx = ports.store.write().await?;
    job.status = Status::Expired;
    let upload = job.details.upload.take();
    tx.update_import_job(&mut job).await?;
    if let Some(upload) = upload {
        tx.keep_import_upload(&upload.id, Some(now)).await?;
    }
    tx.commit().await
}
