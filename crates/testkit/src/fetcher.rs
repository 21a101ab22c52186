//! Documents of other servers that are not there.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use poolhouse_domain::ports::{FetchFailed, Fetcher};

/// Answers the documents that it was given, and remembers what was asked for.
#[derive(Default)]
pub struct CannedFetcher {
    documents: Mutex<BTreeMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
    takes_plain_http: AtomicBool,
}

impl CannedFetcher {
    /// From now on there is this document at this address.
    pub fn serve(&self, url: &str, document: impl Into<Vec<u8>>) {
        lock(&self.documents).insert(url.to_owned(), document.into());
    }

    /// From now on there is nothing at this address.
    pub fn take_down(&self, url: &str) {
        lock(&self.documents).remove(url);
    }

    /// The addresses that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }

    /// From now on it goes to plain addresses at home, as that of `poolhouse dev` does.
    pub fn allow_plain_http(&self) {
        self.takes_plain_http.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Fetcher for CannedFetcher {
    async fn get(&self, url: &str, largest: usize) -> Result<Vec<u8>, FetchFailed> {
        lock(&self.asked).push(url.to_owned());
        let found = lock(&self.documents).get(url).cloned();
        let found = found.ok_or_else(|| FetchFailed("there is no such document".to_owned()))?;
        if found.len() > largest {
            return Err(FetchFailed("the document is too large".to_owned()));
        }
        Ok(found)
    }

    fn allows_plain_http(&self) -> bool {
        self.takes_plain_http.load(Ordering::Relaxed)
    }
}
