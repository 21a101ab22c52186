//! Pools, app clients and signing keys, cached: nearly every request needs them, and they hardly
//! change.
//!
//! An entry may be stale for one second, on other nodes; on the node that made a change it is
//! forgotten at once.

use std::{sync::Arc, time::Duration};

use moka::sync::Cache;

use crate::{
    app_clients::AppClient, domains::UserPoolDomain, fault::Fault, ports::Store,
    tokens::keys::KeyPairs, user_pools::UserPool,
};

/// How long an entry may be used without looking again.
const FRESH: Duration = Duration::from_secs(1);
/// How many entries of each kind are kept.
const CAPACITY: u64 = 10_000;
/// How many pools' parsed key pairs are kept: each takes some 10 KiB.
const KEY_CAPACITY: u64 = 1_000;

/// The cache.
pub struct Directory {
    store: Arc<dyn Store>,
    pools: Cache<String, Arc<UserPool>>,
    clients: Cache<String, Arc<AppClient>>,
    domains: Cache<String, Arc<UserPoolDomain>>,
    keys: Cache<String, Arc<KeyPairs>>,
}

impl Directory {
    /// An empty cache before a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let keys = Cache::builder().max_capacity(KEY_CAPACITY).time_to_live(FRESH * 60).build();
        Self { store, pools: short_lived(), clients: short_lived(), domains: short_lived(), keys }
    }

    /// The pool with this id.
    pub async fn user_pool(&self, id: &str) -> Result<Option<Arc<UserPool>>, Fault> {
        if let Some(pool) = self.pools.get(id) {
            return Ok(Some(pool));
        }
        let found = self.store.read().await?.user_pool(id).await?.map(Arc::new);
        if let Some(pool) = &found {
            self.pools.insert(id.to_owned(), Arc::clone(pool));
        }
        Ok(found)
    }

    /// The app client with this id.
    pub async fn app_client(&self, id: &str) -> Result<Option<Arc<AppClient>>, Fault> {
        if let Some(client) = self.clients.get(id) {
            return Ok(Some(client));
        }
        let found = self.store.read().await?.app_client(id).await?.map(Arc::new);
        if let Some(client) = &found {
            self.clients.insert(id.to_owned(), Arc::clone(client));
        }
        Ok(found)
    }

    /// The app client with this id together with its pool.
    pub async fn client_and_pool(
        &self,
        client_id: &str,
    ) -> Result<Option<(Arc<AppClient>, Arc<UserPool>)>, Fault> {
        let Some(client) = self.app_client(client_id).await? else { return Ok(None) };
        let pool = self.user_pool(client.user_pool_id()).await?;
        Ok(pool.map(|pool| (client, pool)))
    }

    /// The domain of this name, prefix or custom.
    pub async fn domain(&self, name: &str) -> Result<Option<Arc<UserPoolDomain>>, Fault> {
        if let Some(domain) = self.domains.get(name) {
            return Ok(Some(domain));
        }
        let found = self.store.read().await?.domain(name).await?.map(Arc::new);
        if let Some(domain) = &found {
            self.domains.insert(name.to_owned(), Arc::clone(domain));
        }
        Ok(found)
    }

    /// The signing keys of a pool that exists. They change only by rotation, with overlap, so
    /// they may be a minute old.
    pub async fn key_pairs(&self, user_pool_id: &str) -> Result<Arc<KeyPairs>, Fault> {
        if let Some(keys) = self.keys.get(user_pool_id) {
            return Ok(keys);
        }
        let stored = self.store.read().await?.signing_keys(user_pool_id).await?;
        let keys = Arc::new(KeyPairs::parse(&stored)?);
        self.keys.insert(user_pool_id.to_owned(), Arc::clone(&keys));
        Ok(keys)
    }

    /// Forgets a pool that was changed or deleted.
    pub fn forget_user_pool(&self, id: &str) {
        self.pools.invalidate(id);
        self.keys.invalidate(id);
    }

    /// Forgets an app client that was changed or deleted.
    pub fn forget_app_client(&self, id: &str) {
        self.clients.invalidate(id);
    }

    /// Forgets a domain that was changed or deleted.
    pub fn forget_domain(&self, name: &str) {
        self.domains.invalidate(name);
    }
}

/// A cache of settings.
fn short_lived<T: Clone + Send + Sync + 'static>() -> Cache<String, T> {
    Cache::builder().max_capacity(CAPACITY).time_to_live(FRESH).build()
}
