//! Resource servers: the APIs that a pool's tokens open, with the scopes that each defines. An app
//! client names a scope as `<identifier>/<scope name>`.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::{
    fault::{Fault, Ruling},
    shapes::{ResourceServerScopeType, ResourceServerType},
};

/// Resource servers that a pool can have at most: what the service grants on request. (Without a
/// request it grants 25.)
const MOST: i64 = 300;

/// A resource server of a user pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceServer {
    /// The settings as `DescribeResourceServer` shows them.
    pub settings: ResourceServerType,
    /// Number of writes so far; an update names the version it read.
    pub version: i64,
}

impl ResourceServer {
    /// The identifier, often a URL; unique in the pool.
    pub fn identifier(&self) -> &str {
        self.settings.identifier.as_deref().unwrap_or_default()
    }

    /// The pool the server belongs to.
    pub fn user_pool_id(&self) -> &str {
        self.settings.user_pool_id.as_deref().unwrap_or_default()
    }

    /// Whether the server defines a scope of this name.
    pub fn defines(&self, scope_name: &str) -> bool {
        let scopes = self.settings.scopes.as_deref().unwrap_or_default();
        scopes.iter().any(|scope| scope.scope_name == scope_name)
    }
}

/// Why a resource server can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceServerRefused {
    /// The pool has a server of this identifier. (The text is another implementation's.)
    #[error("{identifier} already exists in user pool {user_pool_id}.")]
    Taken {
        /// The identifier.
        identifier: String,
        /// The pool.
        user_pool_id: String,
    },
    /// The pool has as many as it can have. (The text is a belief.)
    #[error("Maximum number of resource servers in user pool {0} has been reached.")]
    TooMany(String),
    /// A scope is named twice. (That this is refused, and the text, are beliefs.)
    #[error("Duplicate scope name {0} is not allowed in a resource server.")]
    DuplicateScope(String),
}

/// Storage of resource servers.
#[async_trait]
pub trait ResourceServers: Send {
    /// Stores a new resource server, unless the pool has one of the same identifier: then answers
    /// `false`.
    async fn insert_resource_server(&mut self, server: &ResourceServer) -> Result<bool, Fault>;

    /// The resource server of a pool with this identifier.
    async fn resource_server(
        &mut self,
        user_pool_id: &str,
        identifier: &str,
    ) -> Result<Option<ResourceServer>, Fault>;

    /// Replaces a resource server that was read at `server.version`, and counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it changed (or was deleted) since it was read.
    async fn update_resource_server(&mut self, server: &mut ResourceServer) -> Result<(), Fault>;

    /// Removes a resource server; answers whether there was one.
    async fn delete_resource_server(
        &mut self,
        user_pool_id: &str,
        identifier: &str,
    ) -> Result<bool, Fault>;

    /// Resource servers of a pool in ascending order of identifier, after the given one.
    async fn list_resource_servers(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ResourceServer>, Fault>;

    /// The number of resource servers of a pool.
    async fn count_resource_servers(&mut self, user_pool_id: &str) -> Result<i64, Fault>;
}

/// Makes a resource server.
pub async fn create(
    servers: &mut (dyn ResourceServers + '_),
    user_pool_id: &str,
    identifier: String,
    name: String,
    scopes: Option<Vec<ResourceServerScopeType>>,
) -> Ruling<ResourceServer, ResourceServerRefused> {
    let settings = ResourceServerType {
        user_pool_id: Some(user_pool_id.to_owned()),
        identifier: Some(identifier.clone()),
        ..ResourceServerType::default()
    };
    let mut server = ResourceServer { settings, version: 0 };
    if let Err(refused) = replace(&mut server, name, scopes) {
        return Ok(Err(refused));
    }
    let is_taken = servers.resource_server(user_pool_id, &identifier).await?.is_some();
    if !is_taken && servers.count_resource_servers(user_pool_id).await? >= MOST {
        return Ok(Err(ResourceServerRefused::TooMany(user_pool_id.to_owned())));
    }
    if is_taken || !servers.insert_resource_server(&server).await? {
        let user_pool_id = user_pool_id.to_owned();
        return Ok(Err(ResourceServerRefused::Taken { identifier, user_pool_id }));
    }
    Ok(Ok(server))
}

/// Replaces name and scopes; omitted scopes are none. App clients that use a scope which goes away
/// keep its name in their settings. Nothing changes after a refusal.
pub fn replace(
    server: &mut ResourceServer,
    name: String,
    scopes: Option<Vec<ResourceServerScopeType>>,
) -> Result<(), ResourceServerRefused> {
    let mut names = BTreeSet::new();
    for scope in scopes.as_deref().unwrap_or_default() {
        if !names.insert(&scope.scope_name) {
            return Err(ResourceServerRefused::DuplicateScope(scope.scope_name.clone()));
        }
    }
    server.settings.name = Some(name);
    // A server without scopes shows no empty list: a belief that other implementations share.
    server.settings.scopes = scopes.filter(|scopes| !scopes.is_empty());
    Ok(())
}

/// The scope of tokens that let an application register itself. It exists without a resource server.
pub const REGISTER_SCOPE: &str = "aws.cognito/dcr/register";

/// The scopes among these that exist now: that resource servers of the pool define, or the service.
///
/// The name of a scope holds no `/`, an identifier may: the last one parts them.
pub async fn defined(
    servers: &mut (dyn ResourceServers + '_),
    user_pool_id: &str,
    scopes: &[String],
) -> Result<BTreeSet<String>, Fault> {
    let mut wanted = BTreeMap::<&str, Vec<&str>>::new();
    for (identifier, name) in scopes.iter().filter_map(|scope| scope.rsplit_once('/')) {
        wanted.entry(identifier).or_default().push(name);
    }
    let mut defined: BTreeSet<_> =
        scopes.iter().filter(|scope| *scope == REGISTER_SCOPE).cloned().collect();
    for (identifier, names) in wanted {
        if let Some(server) = servers.resource_server(user_pool_id, identifier).await? {
            let names = names.into_iter().filter(|name| server.defines(name));
            defined.extend(names.map(|name| format!("{identifier}/{name}")));
        }
    }
    Ok(defined)
}
