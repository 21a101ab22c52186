//! How a file comes in: to a URL that is its own permission, in chunks of which none is used before
//! all have arrived.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{ImportJob, Upload};
use crate::{
    fault::{Fault, Ruling, retrying},
    ids,
    ports::{Identity, Ports},
    sealing::{Keyring, Purpose},
    shapes::UserImportJobStatusType as Status,
    time::Timestamp,
};

/// The bytes of a chunk, the last one of a file excepted.
pub(super) const CHUNK: usize = 256 * 1_024;
pub(super) const CHUNK_BYTES: u64 = CHUNK as u64;
/// The largest file, in bytes.
pub const LARGEST: u64 = 100 * 1_024 * 1_024;
/// The most lines of a file: 500,000 users and the header.
const MOST_LINES: u64 = 500_001;
/// Seconds for which a URL can be used.
const LIFETIME: i64 = 900;
/// Seconds after which an upload that was not finished is removed. Nobody may take as long.
const ABANDONED: i64 = 3_600;

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadRefused {
    /// The URL was not made by this server, its time is over, or the job has been started.
    #[error("Access denied, or the URL has expired.")]
    Forbidden,
    /// More bytes than a file can have.
    #[error("The file is larger than {LARGEST} bytes.")]
    TooLarge,
    /// More lines than a file can have.
    #[error("The file has more than 500000 rows.")]
    TooManyRows,
    /// No bytes.
    #[error("The file is empty.")]
    Empty,
}

/// What is signed for a URL.
fn signed(user_pool_id: &str, job_id: &str) -> Vec<u8> {
    // Neither id can hold a slash.
    format!("{user_pool_id}/{job_id}").into_bytes()
}

/// The URL to which the file of a job is put.
pub fn url(identity: &Identity, keyring: &Keyring, job: &ImportJob) -> String {
    let (pool, id) = (&job.user_pool_id, &job.id);
    let token = keyring.mac(Purpose::ImportUpload, &signed(pool, id));
    let (base, token) = (&identity.issuer_base, URL_SAFE_NO_PAD.encode(token));
    format!("{base}/_poolhouse/imports/{pool}/{id}/{token}")
}

/// Whether this is the token of the job's URL.
fn is_genuine(keyring: &Keyring, user_pool_id: &str, job_id: &str, token: &str) -> bool {
    let token = URL_SAFE_NO_PAD.decode(token).ok().and_then(|token| token.try_into().ok());
    token.is_some_and(|token: [u8; 32]| {
        keyring.mac_matches(Purpose::ImportUpload, &signed(user_pool_id, job_id), &token)
    })
}

/// Whether a job takes a file now.
fn is_open(job: &ImportJob, now: Timestamp) -> bool {
    job.status == Status::Created && now.seconds_since(job.created_at) < LIFETIME
}

/// A file that is arriving.
pub struct Uploading {
    user_pool_id: String,
    job_id: String,
    upload: Upload,
    chunks: u64,
    buffer: Vec<u8>,
    newlines: u64,
    ends_with_newline: bool,
}

/// Begins an upload to the URL of a job.
pub async fn begin(
    ports: &Ports,
    user_pool_id: &str,
    job_id: &str,
    token: &str,
) -> Ruling<Uploading, UploadRefused> {
    let now = ports.clock.now();
    // Nothing is looked up for those who guess.
    if !is_genuine(&ports.keyring, user_pool_id, job_id, token) {
        return Ok(Err(UploadRefused::Forbidden));
    }
    let mut view = ports.store.read().await?;
    let exists = view.user_pool(user_pool_id).await?.is_some();
    let job = view.import_job(user_pool_id, job_id).await?;
    if !exists || !job.is_some_and(|job| is_open(&job, now)) {
        return Ok(Err(UploadRefused::Forbidden));
    }
    let id = ids::random_uuid(&*ports.entropy);
    let mut tx = ports.store.write().await?;
    tx.insert_import_upload(user_pool_id, &id, now.plus_seconds(ABANDONED)).await?;
    tx.commit().await?;
    Ok(Ok(Uploading {
        user_pool_id: user_pool_id.to_owned(),
        job_id: job_id.to_owned(),
        upload: Upload { id, bytes: 0 },
        chunks: 0,
        buffer: Vec::with_capacity(CHUNK),
        newlines: 0,
        ends_with_newline: true,
    }))
}

impl Uploading {
    /// Takes some bytes.
    pub async fn add(&mut self, ports: &Ports, mut bytes: &[u8]) -> Ruling<(), UploadRefused> {
        self.upload.bytes += bytes.len() as u64;
        self.newlines += bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        if let Some(last) = bytes.last() {
            self.ends_with_newline = *last == b'\n';
        }
        if self.upload.bytes > LARGEST {
            return Ok(Err(UploadRefused::TooLarge));
        }
        if self.newlines + u64::from(!self.ends_with_newline) > MOST_LINES {
            return Ok(Err(UploadRefused::TooManyRows));
        }
        while !bytes.is_empty() {
            let room = CHUNK - self.buffer.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == CHUNK {
                self.store_chunk(ports).await?;
            }
        }
        Ok(Ok(()))
    }

    /// Makes what has arrived the file of the job, in place of an earlier one.
    pub async fn finish(mut self, ports: &Ports) -> Ruling<(), UploadRefused> {
        if self.upload.bytes == 0 {
            self.give_up(ports).await?;
            return Ok(Err(UploadRefused::Empty));
        }
        if !self.buffer.is_empty() {
            self.store_chunk(ports).await?;
        }
        if retrying(|| self.take_effect(ports)).await? {
            return Ok(Ok(()));
        }
        self.give_up(ports).await?;
        Ok(Err(UploadRefused::Forbidden))
    }

    /// Leaves what has arrived to be removed.
    pub async fn give_up(&self, ports: &Ports) -> Result<(), Fault> {
        let mut tx = ports.store.write().await?;
        tx.keep_import_upload(&self.upload.id, Some(ports.clock.now())).await?;
        tx.commit().await
    }

    async fn store_chunk(&mut self, ports: &Ports) -> Result<(), Fault> {
        let mut tx = ports.store.write().await?;
        tx.insert_import_chunk(&self.upload.id, self.chunks, &self.buffer).await?;
        tx.commit().await?;
        self.chunks += 1;
        self.buffer.clear();
        Ok(())
    }

    /// `false` if the job was started or deleted meanwhile.
    async fn take_effect(&self, ports: &Ports) -> Result<bool, Fault> {
        let mut tx = ports.store.write().await?;
        let job = tx.import_job(&self.user_pool_id, &self.job_id).await?;
        let Some(mut job) = job.filter(|job| job.status == Status::Created) else {
            return Ok(false);
        };
        if let Some(earlier) = job.details.upload.replace(self.upload.clone()) {
            tx.keep_import_upload(&earlier.id, Some(ports.clock.now())).await?;
        }
        tx.keep_import_upload(&self.upload.id, None).await?;
        tx.update_import_job(&mut job).await?;
        tx.commit().await?;
        Ok(true)
    }
}
