//! What runs beside the requests: making RSA keys ahead of time, removing what has expired, and
//! importing users.

use std::{io, sync::Arc, thread, time::Duration};

use poolhouse_domain::{
    ids,
    ports::{Clock, Ports, Store},
    tokens::keys::KeyReserve,
    user_import::worker,
};
use poolhouse_store::SqlStore;
use tokio::task::JoinHandle;

/// How often the reserve is looked at.
const RESERVE_PAUSE: Duration = Duration::from_millis(250);
/// The least of the priorities (`nice`) that Unix knows.
const LEAST_PRIORITY: i32 = 19;
/// How long the sweeper rests when there is nothing more to remove.
const SWEEP_PAUSE: Duration = Duration::from_secs(30);
/// How often data keys are looked for.
const RELOAD_PAUSE: Duration = Duration::from_secs(5);
/// How long it rests between two batches, so that it never crowds out requests.
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// How often a job that imports users is looked for.
const IMPORT_PAUSE: Duration = Duration::from_millis(500);
/// How long importing rests after a failure, such as a database that does not answer.
const IMPORT_FAILED_PAUSE: Duration = Duration::from_secs(5);

/// Keeps the reserve full, on a thread that runs when nothing else wants the processor. It ends
/// when nobody else holds the reserve.
///
/// # Errors
/// The operating system refuses to make a thread.
pub(crate) fn keep_reserve_full(reserve: &Arc<KeyReserve>) -> io::Result<()> {
    let reserve = Arc::downgrade(reserve);
    let refill = move || {
        // On Linux this is the priority of the calling thread only. Elsewhere it may be that of
        // the process, which is why it is left alone there.
        if cfg!(target_os = "linux")
            && let Err(error) = rustix::process::setpriority_process(None, LEAST_PRIORITY)
        {
            tracing::debug!(%error, "the key reserve's thread keeps its priority");
        }
        while let Some(reserve) = reserve.upgrade() {
            match reserve.refill() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(fault) => tracing::error!(%fault, "an RSA key can't be made"),
            }
            drop(reserve);
            thread::sleep(RESERVE_PAUSE);
        }
    };
    thread::Builder::new().name("key-reserve".to_owned()).spawn(refill).map(drop)
}

/// Removes what has expired, in small batches, until the task is aborted.
pub(crate) fn sweep(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let pause = match store.sweep(clock.now()).await {
                Ok(true) => BATCH_PAUSE,
                Ok(false) => SWEEP_PAUSE,
                Err(fault) => {
                    tracing::warn!(%fault, "expired rows can't be removed; trying again later");
                    SWEEP_PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    })
}

/// Imports users from files, if no other server that shares the database is about it.
pub(crate) fn import_users(ports: Ports) -> JoinHandle<()> {
    let worker = ids::random_uuid(&*ports.entropy);
    tokio::spawn(async move {
        loop {
            match worker::step(&ports, &worker).await {
                // Writers wait in a queue, so that requests get their turn between two batches.
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => tokio::time::sleep(IMPORT_PAUSE).await,
                Err(fault) => {
                    let source = std::error::Error::source(&fault).map(ToString::to_string);
                    tracing::error!(%fault, source, "importing users failed; trying again");
                    tokio::time::sleep(IMPORT_FAILED_PAUSE).await;
                }
            }
        }
    })
}

/// Looks for data keys that another node, or a command, has made.
pub(crate) fn reload_keys(store: SqlStore, clock: Arc<dyn Clock>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(RELOAD_PAUSE).await;
            if let Err(fault) = store.reload_keys(clock.now()).await {
                let source = std::error::Error::source(&fault).map(ToString::to_string);
                tracing::error!(%fault, source, "data keys can't be loaded");
            }
        }
    })
}
