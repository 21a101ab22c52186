//! Tokens for machines: an app client that proves itself gets an access token in its own name, for
//! scopes of resource servers (the client credentials grant, RFC 6749 section 4.4).

use std::collections::BTreeSet;

use super::{claims, customize, issuer};
use crate::{
    app_clients::AppClient,
    fault::{Fault, Ruling},
    granted, ids,
    ports::{Ports, compute},
    resource_servers,
    triggers::{
        TriggerFailed,
        pre_token_generation::{self, Customization},
    },
};

/// An access token of an app client.
#[derive(Clone)]
pub struct MachineToken {
    /// The token.
    pub access: String,
    /// Its lifetime in seconds.
    pub expires_in: i64,
    /// The scopes in it.
    pub scopes: Vec<String>,
}

/// Why an app client gets no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineRefused {
    /// A scope that the client's settings don't list, or that no resource server defines now.
    Scope(String),
    /// None was asked for, and the client has none that a resource server defines now.
    NoScope,
    /// The function that customizes tokens stands in the way.
    Trigger(TriggerFailed),
}

impl From<TriggerFailed> for MachineRefused {
    fn from(failed: TriggerFailed) -> Self {
        Self::Trigger(failed)
    }
}

/// An access token for an app client whose secret has been checked. Without scopes, for all that
/// the client has.
pub async fn issue(
    ports: &Ports,
    client: &AppClient,
    requested: &[String],
) -> Ruling<MachineToken, MachineRefused> {
    let scopes = granted!(scopes(ports, client, requested).await?);
    let customization = granted!(customization(ports, client, &scopes).await?);
    let scope = customize::scope(&scopes.join(" "), &customization);
    let mut claims = claims::machine(
        client,
        &issuer::of_id(ports, client.user_pool_id()).await?,
        &scope,
        &ids::random_uuid(&*ports.entropy),
        ports.clock.now(),
    );
    customize::access(&mut claims, &customization, client.id());
    let claims = claims.to_string();
    let keys = ports.directory.key_pairs(client.user_pool_id()).await?;
    let access = compute(&*ports.workers, move || keys.access.sign(&claims)).await??;
    let scopes = scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    Ok(Ok(MachineToken { access, expires_in: client.access_token_seconds(), scopes }))
}

/// What the pool's function wants the token to say.
async fn customization(
    ports: &Ports,
    client: &AppClient,
    scopes: &[String],
) -> Ruling<Customization, TriggerFailed> {
    match ports.directory.user_pool(client.user_pool_id()).await? {
        Some(pool) => pre_token_generation::ask_for_client(ports, &pool, client.id(), scopes).await,
        None => Ok(Ok(Customization::default())),
    }
}

/// The scopes that are granted: what was requested, each once, or all that the client has. Scopes of
/// resource servers only; those that are no longer defined are left out where they were not asked
/// for by name.
async fn scopes(
    ports: &Ports,
    client: &AppClient,
    requested: &[String],
) -> Ruling<Vec<String>, MachineRefused> {
    let allowed = client.settings.allowed_oauth_scopes.as_deref().unwrap_or_default();
    let defined = defined(ports, client, allowed).await?;
    if requested.is_empty() {
        let scopes: Vec<_> = allowed.iter().filter(|s| defined.contains(*s)).cloned().collect();
        return Ok(if scopes.is_empty() { Err(MachineRefused::NoScope) } else { Ok(scopes) });
    }
    let mut seen = BTreeSet::new();
    let mut scopes = Vec::new();
    for scope in requested {
        if !defined.contains(scope) {
            return Ok(Err(MachineRefused::Scope(scope.clone())));
        }
        if seen.insert(scope) {
            scopes.push(scope.clone());
        }
    }
    Ok(Ok(scopes))
}

/// Those of the scopes that resource servers of the client's pool define now.
async fn defined(
    ports: &Ports,
    client: &AppClient,
    scopes: &[String],
) -> Result<BTreeSet<String>, Fault> {
    let mut view = ports.store.read().await?;
    resource_servers::defined(&mut *view, client.user_pool_id(), scopes).await
}
