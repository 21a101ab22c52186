//! Storage of import jobs, their files and their logs.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    shapes::UserImportJobStatusType as Status,
    time::Timestamp,
    user_import::{ImportJob, ImportRun, JobCursor, LogBlock, NewUser, UserImports},
    users::Taken,
};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, inserted, swapped},
};

/// The columns of a job in the order in which [`read`] reads them.
macro_rules! job_columns {
    () => {
        "pool_id, id, created_at, status, details, version"
    };
}

const INSERT: &str = "INSERT INTO import_jobs (pool_id, id, created_at, status, details, version)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const GET: &str =
    concat!("SELECT ", job_columns!(), " FROM import_jobs WHERE pool_id = $1 AND id = $2");
const UPDATE: &str = "UPDATE import_jobs SET status = $3, details = $4, version = version + 1
    WHERE pool_id = $1 AND id = $2 AND version = $5";
const LIST: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM import_jobs WHERE pool_id = $1 AND (created_at, id) < ($2, $3)
    ORDER BY created_at DESC, id DESC LIMIT $4"
);
const COUNT: &str = "SELECT COUNT(*) FROM import_jobs WHERE pool_id = $1";
const NOT_STARTED: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM import_jobs WHERE status = 'Created' AND created_at <= $1
    ORDER BY created_at LIMIT $2"
);

const BEGIN_RUN: &str = "INSERT INTO import_run (slot, pool_id, job_id, worker, lease_until)
    VALUES (1, $1, $2, '', 0) ON CONFLICT DO NOTHING";
const RUN: &str = "SELECT pool_id, job_id, worker, lease_until FROM import_run WHERE slot = 1";
const LEASE: &str = "UPDATE import_run SET worker = $3, lease_until = $4
    WHERE slot = 1 AND pool_id = $1 AND job_id = $2
        AND (worker = $3 OR lease_until <= $5 OR lease_until > $6)";
const END_RUN: &str = "DELETE FROM import_run WHERE slot = 1";

const INSERT_UPLOAD: &str = "INSERT INTO import_uploads (id, pool_id, gone_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";
const KEEP_UPLOAD: &str = "UPDATE import_uploads SET gone_at = $2 WHERE id = $1";
const INSERT_CHUNK: &str = "INSERT INTO import_chunks (upload_id, number, content)
    VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const CHUNK: &str = "SELECT content FROM import_chunks WHERE upload_id = $1 AND number = $2";

const INSERT_LOG: &str = "INSERT INTO import_log (pool_id, job_id, first_line, content)
    VALUES ($1, $2, $3, $4)";
const LOG: &str = "SELECT first_line, content FROM import_log
    WHERE pool_id = $1 AND job_id = $2 AND first_line > $3 ORDER BY first_line LIMIT $4";

fn unreadable(error: serde_json::Error) -> Fault {
    Fault::because("a stored import job can't be read", error)
}

fn written(job: &ImportJob) -> Result<String, Fault> {
    serde_json::to_string(&job.details)
        .map_err(|error| Fault::because("an import job can't be written", error))
}

/// Reads a row of `job_columns!`.
fn read(mut row: Row) -> Result<ImportJob, Fault> {
    Ok(ImportJob {
        user_pool_id: row.text()?,
        id: row.text()?,
        created_at: row.time()?,
        status: Status::from_wire(&row.text()?)
            .ok_or(Fault::broken("a stored import job has an unknown status"))?,
        details: serde_json::from_str(&row.text()?).map_err(unreadable)?,
        version: row.int()?,
    })
}

/// The number of a chunk as it is stored.
fn number(number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|error| Fault::because("a chunk's number is too large", error))
}

#[async_trait]
impl UserImports for SqlTransaction {
    async fn insert_import_job(&mut self, job: &ImportJob) -> Result<(), Fault> {
        let details = written(job)?;
        let values = values![
            &job.user_pool_id,
            &job.id,
            job.created_at,
            job.status.as_str(),
            &details,
            job.version
        ];
        inserted(self.view.execute(INSERT, values).await?, "an import job")
    }

    async fn import_job(
        &mut self,
        user_pool_id: &str,
        id: &str,
    ) -> Result<Option<ImportJob>, Fault> {
        self.view.fetch_optional(GET, values![user_pool_id, id]).await?.map(read).transpose()
    }

    async fn update_import_job(&mut self, job: &mut ImportJob) -> Result<(), Fault> {
        let details = written(job)?;
        let values =
            values![&job.user_pool_id, &job.id, job.status.as_str(), &details, job.version];
        swapped(self.view.execute(UPDATE, values).await?, "the import job")?;
        job.version += 1;
        Ok(())
    }

    async fn list_import_jobs(
        &mut self,
        user_pool_id: &str,
        after: Option<&JobCursor>,
        limit: u32,
    ) -> Result<Vec<ImportJob>, Fault> {
        let (created_at, id) =
            after.map_or((i64::MAX, ""), |after| (after.created_at.micros(), after.id.as_str()));
        let values = values![user_pool_id, created_at, id, limit];
        self.view.fetch_all(LIST, values).await?.into_iter().map(read).collect()
    }

    async fn count_import_jobs(&mut self, user_pool_id: &str) -> Result<i64, Fault> {
        match self.view.fetch_optional(COUNT, values![user_pool_id]).await? {
            Some(mut row) => row.int(),
            None => Ok(0),
        }
    }

    async fn import_jobs_not_started_since(
        &mut self,
        created_at: Timestamp,
        limit: u32,
    ) -> Result<Vec<ImportJob>, Fault> {
        let rows = self.view.fetch_all(NOT_STARTED, values![created_at, limit]).await?;
        rows.into_iter().map(read).collect()
    }

    async fn begin_import_run(&mut self, user_pool_id: &str, job_id: &str) -> Result<bool, Fault> {
        Ok(self.view.execute(BEGIN_RUN, values![user_pool_id, job_id]).await? == 1)
    }

    async fn import_run(&mut self) -> Result<Option<ImportRun>, Fault> {
        let Some(mut row) = self.view.fetch_optional(RUN, &[]).await? else {
            return Ok(None);
        };
        Ok(Some(ImportRun {
            user_pool_id: row.text()?,
            job_id: row.text()?,
            worker: row.text()?,
            lease_until: row.time()?,
        }))
    }

    async fn lease_import_run(
        &mut self,
        run: &ImportRun,
        now: Timestamp,
        implausible: Timestamp,
    ) -> Result<bool, Fault> {
        let values =
            values![&run.user_pool_id, &run.job_id, &run.worker, run.lease_until, now, implausible];
        Ok(self.view.execute(LEASE, values).await? == 1)
    }

    async fn end_import_run(&mut self) -> Result<(), Fault> {
        self.view.execute(END_RUN, &[]).await.map(drop)
    }

    async fn insert_import_upload(
        &mut self,
        user_pool_id: &str,
        upload_id: &str,
        gone_at: Timestamp,
    ) -> Result<(), Fault> {
        let values = values![upload_id, user_pool_id, gone_at];
        inserted(self.view.execute(INSERT_UPLOAD, values).await?, "an upload")
    }

    async fn insert_import_chunk(
        &mut self,
        upload_id: &str,
        chunk: u64,
        content: &[u8],
    ) -> Result<(), Fault> {
        let values = values![upload_id, number(chunk)?, content];
        inserted(self.view.execute(INSERT_CHUNK, values).await?, "a chunk")
    }

    async fn import_chunk(
        &mut self,
        upload_id: &str,
        chunk: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let found = self.view.fetch_optional(CHUNK, values![upload_id, number(chunk)?]).await?;
        found.map(|mut row| row.blob()).transpose()
    }

    async fn keep_import_upload(
        &mut self,
        upload_id: &str,
        gone_at: Option<Timestamp>,
    ) -> Result<(), Fault> {
        self.view.execute(KEEP_UPLOAD, values![upload_id, gone_at]).await.map(drop)
    }

    async fn append_import_log(
        &mut self,
        user_pool_id: &str,
        job_id: &str,
        block: &LogBlock,
    ) -> Result<(), Fault> {
        let values = values![user_pool_id, job_id, block.first_line, &block.text];
        self.view.execute(INSERT_LOG, values).await.map(drop)
    }

    async fn import_log(
        &mut self,
        user_pool_id: &str,
        job_id: &str,
        after_line: i64,
        limit: u32,
    ) -> Result<Vec<LogBlock>, Fault> {
        let values = values![user_pool_id, job_id, after_line, limit];
        let rows = self.view.fetch_all(LOG, values).await?;
        let read = |mut row: Row| Ok(LogBlock { first_line: row.int()?, text: row.text()? });
        rows.into_iter().map(read).collect()
    }

    async fn insert_imported_users(
        &mut self,
        users: &[NewUser<'_>],
    ) -> Result<Vec<Result<(), Taken>>, Fault> {
        self.insert_many(users).await
    }

    async fn count_imported_users(
        &mut self,
        user_pool_id: &str,
        job_id: &str,
        users: i64,
    ) -> Result<(), Fault> {
        self.count_user(user_pool_id, job_id, users).await
    }
}
