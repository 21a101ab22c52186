//! Import of users from CSV files: jobs and their life, and the storage port.
//!
//! ```text
//! Created ──start──▶ Pending ──▶ InProgress ──▶ Succeeded | Failed
//!    │                  └────stop────┴──▶ Stopping ──▶ Stopped
//!    └── not started within a day ──▶ Expired
//! ```
//!
//! A file arrives in chunks ([`upload`]). A worker in each server looks for the job that runs, and
//! one of them carries it on, batch by batch ([`worker`]): what a batch did and how far it came is
//! committed together, so that after a crash nobody is imported twice and the counters are exact.

pub mod csv;
mod lines;
mod row;
pub mod upload;
pub mod worker;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    fault::{Fault, Ruling},
    ids,
    ports::{Entropy, Identity, Transaction},
    shapes::{PasswordHashingAlgorithmType, UserImportJobStatusType as Status},
    time::Timestamp,
    user_pools::UserPool,
    users::{Alias, Taken, User},
};

/// Jobs that a pool can have at most.
const MOST_JOBS: i64 = 1_000;
/// Seconds within which a job must be started. The model says "24-48 hours".
const LIFETIME: i64 = 86_400;
/// Length of the random part of a job's id.
const ID_LENGTH: usize = 10;

/// An import job.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportJob {
    /// The pool that gets the users.
    pub user_pool_id: String,
    /// The id, such as `import-qQ0DCt2fRh`; unique in the pool.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it is in its life.
    pub status: Status,
    /// Everything else.
    pub details: JobDetails,
    /// Number of writes so far; an update names the version it read.
    pub version: i64,
}

/// What is stored of a job beside what it is found by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobDetails {
    /// The friendly name.
    pub name: String,
    /// The role that would write the log; shown, and not used for anything.
    pub log_role_arn: String,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub completed_at: Option<Timestamp>,
    /// What became of the lines so far.
    pub counts: Counts,
    /// What is said about its end.
    pub completion_message: Option<String>,
    /// The file.
    pub upload: Option<Upload>,
    /// How far it has come.
    pub progress: Progress,
}

/// What became of the lines of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Users that were made.
    pub imported: i64,
    /// Users that were there before.
    pub skipped: i64,
    /// Lines that describe no user whom the pool can have.
    pub failed: i64,
}

/// A file that has arrived whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The id of its chunks.
    pub id: String,
    /// Its length.
    pub bytes: u64,
}

/// How far a job has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The names of the columns, once the header was read.
    pub columns: Vec<String>,
    /// Where in the file the next line begins.
    pub position: u64,
    /// How many lines have been read, the header among them.
    pub lines: i64,
}

/// The job that runs, and who works on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRun {
    /// The pool of the job.
    pub user_pool_id: String,
    /// The job.
    pub job_id: String,
    /// The process that works on it; empty if none has begun.
    pub worker: String,
    /// Until when nobody else may.
    pub lease_until: Timestamp,
}

/// Some lines of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogBlock {
    /// The number of the first line of the file that it tells of.
    pub first_line: i64,
    /// The lines, each with a line end.
    pub text: String,
}

/// Where a page of jobs ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCursor {
    /// When the job was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: String,
}

/// Why something can't be done with import jobs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportRefused {
    /// The role for the log is another account's.
    #[error("Cross-account pass role is not allowed.")]
    CrossAccountRole,
    /// Column and form of password hashes in the file are not documented.
    #[error("Poolhouse does not import password hashes.")]
    Hashes,
    /// The pool has as many jobs as it can have. (The text is a belief.)
    #[error("Maximum number of user import jobs in user pool {0} has been reached.")]
    TooMany(String),
    /// Nothing was uploaded (<https://github.com/aws-amplify/amplify-js/issues/6416>).
    #[error("No csv file was uploaded for {0}")]
    NoFile(String),
    /// Users could not get a new password without a verified contact. (The text is a belief.)
    #[error("User pool {0} has no auto verified attributes.")]
    NothingAutoVerified(String),
    /// Another job of the account is active. (The text is a belief.)
    #[error("Another user import job is already in progress.")]
    Busy,
    /// The job is not where it would have to be. (The text is a belief.)
    #[error("User import job {id} is in status {status}.")]
    WrongStatus {
        /// The job.
        id: String,
        /// Where it is.
        status: &'static str,
    },
}

/// Storage of import jobs, their files and their logs.
#[async_trait]
pub trait UserImports: Send {
    /// Stores a new job.
    async fn insert_import_job(&mut self, job: &ImportJob) -> Result<(), Fault>;

    /// A job of a pool.
    async fn import_job(
        &mut self,
        user_pool_id: &str,
        id: &str,
    ) -> Result<Option<ImportJob>, Fault>;

    /// Replaces a job that was read at `job.version`, and counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it changed since it was read.
    async fn update_import_job(&mut self, job: &mut ImportJob) -> Result<(), Fault>;

    /// Jobs of a pool, newest first, after the given one.
    async fn list_import_jobs(
        &mut self,
        user_pool_id: &str,
        after: Option<&JobCursor>,
        limit: u32,
    ) -> Result<Vec<ImportJob>, Fault>;

    /// The number of jobs of a pool.
    async fn count_import_jobs(&mut self, user_pool_id: &str) -> Result<i64, Fault>;

    /// Some jobs that were made at this time or before and have not been started.
    async fn import_jobs_not_started_since(
        &mut self,
        created_at: Timestamp,
        limit: u32,
    ) -> Result<Vec<ImportJob>, Fault>;

    /// Makes this job the one that runs; `false` if there is one.
    async fn begin_import_run(&mut self, user_pool_id: &str, job_id: &str) -> Result<bool, Fault>;

    /// The job that runs.
    async fn import_run(&mut self) -> Result<Option<ImportRun>, Fault>;

    /// Takes or keeps the right to work on the job that runs, for `run.worker` until
    /// `run.lease_until`. `false` if the job is not the one that runs, or another worker has the
    /// right at `now`. A lease that ends later than `implausible` counts as none: it was made by a
    /// clock that has since been set back.
    async fn lease_import_run(
        &mut self,
        run: &ImportRun,
        now: Timestamp,
        implausible: Timestamp,
    ) -> Result<bool, Fault>;

    /// No job runs any more.
    async fn end_import_run(&mut self) -> Result<(), Fault>;

    /// Makes room for a file. Unless it is kept, it goes away at `gone_at`.
    async fn insert_import_upload(
        &mut self,
        user_pool_id: &str,
        upload_id: &str,
        gone_at: Timestamp,
    ) -> Result<(), Fault>;

    /// Stores a chunk of a file. Chunks are numbered from 0.
    async fn insert_import_chunk(
        &mut self,
        upload_id: &str,
        number: u64,
        content: &[u8],
    ) -> Result<(), Fault>;

    /// A chunk of a file.
    async fn import_chunk(
        &mut self,
        upload_id: &str,
        number: u64,
    ) -> Result<Option<Vec<u8>>, Fault>;

    /// Keeps a file until further notice (none), or until this time.
    async fn keep_import_upload(
        &mut self,
        upload_id: &str,
        gone_at: Option<Timestamp>,
    ) -> Result<(), Fault>;

    /// Appends to the log of a job.
    async fn append_import_log(
        &mut self,
        user_pool_id: &str,
        job_id: &str,
        block: &LogBlock,
    ) -> Result<(), Fault>;

    /// Parts of a job's log in order, those that begin after this line of the file.
    async fn import_log(
        &mut self,
        user_pool_id: &str,
        job_id: &str,
        after_line: i64,
        limit: u32,
    ) -> Result<Vec<LogBlock>, Fault>;

    /// [`crate::users::Users::insert_user`] for many users, who share no name: in few statements,
    /// which is what the speed of an import hangs on. Answers what became of each. They are not
    /// counted: [`Self::count_imported_users`] does that once, because sign-ups want to write that
    /// row too.
    async fn insert_imported_users(
        &mut self,
        users: &[NewUser<'_>],
    ) -> Result<Vec<Result<(), Taken>>, Fault>;

    /// Counts users that were inserted. `job_id` chooses the row on which they are counted.
    async fn count_imported_users(
        &mut self,
        user_pool_id: &str,
        job_id: &str,
        users: i64,
    ) -> Result<(), Fault>;
}

/// A user to be stored, with its names in the form in which they are compared.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// The user.
    pub user: &'a User,
    /// The username.
    pub username_key: String,
    /// The aliases in effect.
    pub aliases: Vec<Alias>,
}

/// What a new job is made of.
pub struct NewJob {
    /// The friendly name.
    pub name: String,
    /// The role that would write the log.
    pub log_role_arn: String,
    /// How passwords in the file are hashed.
    pub hashing: Option<PasswordHashingAlgorithmType>,
}

/// Makes a job.
pub async fn create(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
    new: NewJob,
    identity: &Identity,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Ruling<ImportJob, ImportRefused> {
    if !identity.owns(&new.log_role_arn) {
        return Ok(Err(ImportRefused::CrossAccountRole));
    }
    if new.hashing.is_some() {
        return Ok(Err(ImportRefused::Hashes));
    }
    tx.hold_user_pool(user_pool_id).await?;
    if tx.count_import_jobs(user_pool_id).await? >= MOST_JOBS {
        return Ok(Err(ImportRefused::TooMany(user_pool_id.to_owned())));
    }
    let job = ImportJob {
        user_pool_id: user_pool_id.to_owned(),
        id: format!("import-{}", ids::letters_and_digits(entropy, ID_LENGTH)),
        created_at: now,
        status: Status::Created,
        details: JobDetails {
            name: new.name,
            log_role_arn: new.log_role_arn,
            ..JobDetails::default()
        },
        version: 0,
    };
    tx.insert_import_job(&job).await?;
    Ok(Ok(job))
}

/// Starts a job; a worker takes it from here.
pub async fn start(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    job: &mut ImportJob,
    now: Timestamp,
) -> Ruling<(), ImportRefused> {
    if job.has_expired(now) {
        let (id, status) = (job.id.clone(), Status::Expired.as_str());
        return Ok(Err(ImportRefused::WrongStatus { id, status }));
    }
    if job.status != Status::Created {
        return Ok(Err(job.wrong_status()));
    }
    if pool.auto_verified_attributes().is_empty() {
        return Ok(Err(ImportRefused::NothingAutoVerified(pool.id().to_owned())));
    }
    if job.details.upload.is_none() {
        return Ok(Err(ImportRefused::NoFile(job.id.clone())));
    }
    // Who changes or deletes the pool looks for a running job: one of us must see the other.
    tx.hold_user_pool(pool.id()).await?;
    if !tx.begin_import_run(pool.id(), &job.id).await? {
        return Ok(Err(ImportRefused::Busy));
    }
    job.status = Status::Pending;
    job.details.started_at = Some(now);
    tx.update_import_job(job).await?;
    Ok(Ok(()))
}

/// Asks for the end of a job; its worker stops before the next batch.
pub async fn stop(tx: &mut dyn Transaction, job: &mut ImportJob) -> Ruling<(), ImportRefused> {
    if !matches!(job.status, Status::Pending | Status::InProgress) {
        return Ok(Err(job.wrong_status()));
    }
    job.status = Status::Stopping;
    tx.update_import_job(job).await?;
    Ok(Ok(()))
}

/// Whether users are being imported into a pool, whose settings must not change meanwhile.
pub async fn is_importing(
    imports: &mut (dyn UserImports + '_),
    user_pool_id: &str,
) -> Result<bool, Fault> {
    Ok(imports.import_run().await?.is_some_and(|run| run.user_pool_id == user_pool_id))
}

impl ImportJob {
    /// Whether the job was not started in time.
    fn has_expired(&self, now: Timestamp) -> bool {
        self.status == Status::Created && now.seconds_since(self.created_at) >= LIFETIME
    }

    fn wrong_status(&self) -> ImportRefused {
        ImportRefused::WrongStatus { id: self.id.clone(), status: self.status.as_str() }
    }
}
