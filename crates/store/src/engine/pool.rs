//! A small pool of connections.
//!
//! The pool of sqlx asks the server whether a connection is alive each time it takes one back,
//! which doubles the round trips of a request that reads one row. Here a connection is kept exactly
//! if its last statement ran to its end; anything else, such as a request that was cancelled in the
//! middle, closes it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a request waits for a free connection, or for a new one to be made.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections with the same options.
pub(crate) struct Pool<C: Connection> {
    options: C::Options,
    idle: Mutex<Vec<C>>,
    size: usize,
    permits: Arc<Semaphore>,
}

impl<C: Connection> Pool<C> {
    /// A pool of at most `size` connections, none of which is made yet.
    pub(crate) fn new(options: C::Options, size: usize) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(size));
        Arc::new(Self { options, idle: Mutex::default(), size, permits })
    }

    /// Lends a connection, waiting for one if all are in use.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<Lent<C>, sqlx::Error>
    where
        C::Options: ConnectOptions<Connection = C>,
    {
        let permit = self.permit().await?;
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let is_reused = kept.is_some();
        let connection = match kept {
            Some(connection) => connection,
            None => timeout(PATIENCE, self.options.connect())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)??,
        };
        Ok(Lent {
            connection: Some(connection),
            pool: Arc::clone(self),
            _permit: permit,
            is_reused,
            is_sound: true,
        })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Drops every connection that is not in use: after the server went away, none of them works.
    pub(crate) fn forget_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits until nothing is in use, then closes every connection properly.
    pub(crate) async fn close(&self) {
        let size = u32::try_from(self.size).unwrap_or(u32::MAX);
        let _all = timeout(PATIENCE, self.permits.acquire_many(size)).await;
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a database connection could not be closed properly");
            }
        }
    }
}

/// A connection on loan. Goes back to its pool when dropped, if it is in a sound state.
pub(crate) struct Lent<C: Connection> {
    connection: Option<C>,
    pool: Arc<Pool<C>>,
    _permit: OwnedSemaphorePermit,
    /// Whether it was kept from earlier use, so that it may have died unnoticed.
    pub(crate) is_reused: bool,
    is_sound: bool,
}

impl<C: Connection> Lent<C> {
    /// The connection, to run one statement. Until [`Self::ended`] it counts as unsound.
    pub(crate) fn start(&mut self) -> Result<&mut C, sqlx::Error> {
        self.is_sound = false;
        self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Tells how the statement ended.
    pub(crate) fn ended<T>(&mut self, outcome: &Result<T, sqlx::Error>) {
        match outcome {
            Ok(_) => self.is_sound = true,
            Err(error) if is_lost(error) => self.pool.forget_idle(),
            Err(error) => self.is_sound = matches!(error, sqlx::Error::Database(_)),
        }
    }

    /// Whether the last statement ran to its end.
    pub(crate) const fn is_sound(&self) -> bool {
        self.is_sound
    }
}

impl<C: Connection> Drop for Lent<C> {
    fn drop(&mut self) {
        // The permit is a field and so is given back after this.
        if let Some(connection) = self.connection.take().filter(|_| self.is_sound) {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

/// Whether the connection itself is gone, as opposed to a statement that failed.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        // Class 08: connection exception; 57P01 to 57P03: the server is shutting down.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.len() == 5 && (code.starts_with("08") || code.starts_with("57P"))
        }),
        _ => false,
    }
}
