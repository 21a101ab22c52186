-- Imports of users from CSV files.

CREATE TABLE import_jobs (
    pool_id {text} NOT NULL,
    id {text} NOT NULL,
    created_at {int} NOT NULL,
    status {text} NOT NULL,
    details {text} NOT NULL,
    version {int} NOT NULL,
    PRIMARY KEY (pool_id, id)
){wide};
CREATE UNIQUE INDEX import_jobs_in_order ON import_jobs (pool_id, created_at, id);
CREATE INDEX import_jobs_not_started ON import_jobs (created_at) WHERE status = 'Created';

-- The job that runs, or no row. There is one slot, so that no two jobs run at the same time.
CREATE TABLE import_run (
    slot {int} NOT NULL PRIMARY KEY,
    pool_id {text} NOT NULL,
    job_id {text} NOT NULL,
    -- The process that works on it, empty at first, and until when nobody else may.
    worker {text} NOT NULL,
    lease_until {int} NOT NULL
){compact};

-- Uploaded files. One that is still arriving, or that nobody needs any more, has an end; its chunks
-- are removed in the background, and then its row.
CREATE TABLE import_uploads (
    id {text} NOT NULL PRIMARY KEY,
    pool_id {text} NOT NULL,
    gone_at {int}
){compact};
CREATE INDEX import_uploads_by_pool ON import_uploads (pool_id, id);
CREATE INDEX import_uploads_to_remove ON import_uploads (gone_at) WHERE gone_at IS NOT NULL;

CREATE TABLE import_chunks (
    upload_id {text} NOT NULL,
    number {int} NOT NULL,
    content {blob} NOT NULL,
    PRIMARY KEY (upload_id, number)
){wide};

-- What became of each line of a file, some lines of log in a row.
CREATE TABLE import_log (
    pool_id {text} NOT NULL,
    job_id {text} NOT NULL,
    first_line {int} NOT NULL,
    content {text} NOT NULL,
    PRIMARY KEY (pool_id, job_id, first_line)
){wide};
