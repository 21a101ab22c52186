//! Seeds: pools, app clients and users with fixed ids, made at the start of `poolhouse dev` if they
//! are missing. The file is described in `docs/seed.md`.
//!
//! Everything goes through the rules that the API's operations use, so that a seed can't make what
//! the API would refuse. What is there already is left as it is.

mod file;

use std::path::Path;

use poolhouse_domain::{
    app_clients::{self, settings::Surroundings},
    attributes::Creator,
    fault::Fault,
    passwords,
    ports::Ports,
    shapes::{
        CreateUserPoolClientRequest, CreateUserPoolRequest, SetUserPoolMfaConfigRequest,
        UserStatusType,
    },
    totp::{ActiveSecret, Secret},
    user_pools::{UserPool, mfa_config, settings},
    users::{self, MfaFactor, aliases::OnConflict, create},
};
use poolhouse_wire::{Decode, DecodeError, Encode};
use serde_json::{Map, Value};

use crate::{
    Outcome,
    document::{Document, Problem},
};
use file::{Client, Parameters, Pool, Seed, User};

/// How often a step is tried when another server seeds the same database.
const TRIES: u32 = 5;

/// Makes what the file describes and is missing.
pub(crate) async fn plant(path: &Path, ports: &Ports) -> Outcome<()> {
    let document = Document::read(path)?;
    let seed: Seed = document.parse()?;
    let planter = Planter { document: &document, ports };
    for (index, pool) in seed.pools.iter().enumerate() {
        planter.pool_with_all(&format!("pools.{index}"), pool).await?;
    }
    Ok(())
}

/// Makes things out of a file.
struct Planter<'a> {
    document: &'a Document,
    ports: &'a Ports,
}

/// Runs a step again when a concurrent change won.
macro_rules! again {
    ($step:expr) => {{
        let mut tries = 1;
        loop {
            let outcome: Outcome<()> = $step.await;
            match outcome {
                Err(error) if tries < TRIES && is_conflict(&*error) => tries += 1,
                outcome => break outcome,
            }
        }
    }};
}

fn is_conflict(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref::<Fault>(), Some(Fault::Conflict(_)))
}

impl Planter<'_> {
    fn problem(&self, key: &str, text: impl std::fmt::Display) -> Problem {
        self.document.problem(key, text)
    }

    async fn pool_with_all(&self, key: &str, pool: &Pool) -> Outcome<()> {
        again!(self.pool(key, pool))?;
        for (index, client) in pool.clients.iter().enumerate() {
            again!(self.client(&format!("{key}.clients.{index}"), &pool.id, client))?;
        }
        for (index, user) in pool.users.iter().enumerate() {
            again!(self.user(&format!("{key}.users.{index}"), &pool.id, user))?;
        }
        Ok(())
    }

    /// The stored pool, which was there or has just been made.
    async fn stored_pool(&self, id: &str) -> Result<UserPool, Fault> {
        let pool = self.ports.store.read().await?.user_pool(id).await?;
        pool.ok_or(Fault::broken("a seeded user pool has disappeared"))
    }

    async fn pool(&self, key: &str, pool: &Pool) -> Outcome<()> {
        self.check_pool_id(key, &pool.id)?;
        let mut tx = self.ports.store.read().await?;
        if tx.user_pool(&pool.id).await?.is_some() {
            return Ok(());
        }
        drop(tx);
        let (identity, now) = (&self.ports.identity, self.ports.clock.now());
        let settings_key = format!("{key}.settings");
        let request: CreateUserPoolRequest = self.request(&settings_key, pool.settings.clone())?;
        let mut made = settings::create(request, &pool.id, identity, now)
            .map_err(|refused| self.problem(&settings_key, refused))?;
        if let Some(mfa) = &pool.mfa {
            let mfa_key = format!("{key}.mfa");
            let mut parameters = mfa.clone();
            parameters.insert("UserPoolId".to_owned(), Value::from(pool.id.clone()));
            let request: SetUserPoolMfaConfigRequest = self.request(&mfa_key, parameters)?;
            mfa_config::replace(&mut made, request, identity, now)
                .map_err(|refused| self.problem(&mfa_key, refused))?;
        }
        let (reserve, workers) = (&self.ports.key_reserve, &*self.ports.workers);
        let keys = reserve.take_for_pool(workers, &pool.id, now).await?;
        let mut tx = self.ports.store.write().await?;
        tx.insert_user_pool(&made).await?;
        for key in &keys {
            tx.insert_signing_key(key).await?;
        }
        tx.commit().await?;
        tracing::info!(user_pool_id = pool.id, "user pool seeded");
        Ok(())
    }

    /// Clients derive the region from an id, so it must begin with this server's.
    fn check_pool_id(&self, key: &str, id: &str) -> Result<(), Problem> {
        let region = &self.ports.identity.region;
        let name = id.strip_prefix(region.as_str()).and_then(|rest| rest.strip_prefix('_'));
        let is_fit = |name: &str| {
            !name.is_empty() && id.len() <= 55 && name.chars().all(|c| c.is_ascii_alphanumeric())
        };
        if name.is_some_and(is_fit) {
            return Ok(());
        }
        let text = format!("must be {region}_ followed by letters and digits");
        Err(self.problem(&format!("{key}.id"), text))
    }

    async fn client(&self, key: &str, user_pool_id: &str, client: &Client) -> Outcome<()> {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '+';
        if client.id.is_empty() || client.id.len() > 128 || !client.id.chars().all(is_fit) {
            let text = "must be 1 to 128 letters, digits and characters of _+";
            return Err(self.problem(&format!("{key}.id"), text).into());
        }
        if let Some(stored) = self.ports.store.read().await?.app_client(&client.id).await? {
            if stored.user_pool_id() == user_pool_id {
                return Ok(());
            }
            let text = format!("belongs to the user pool {}", stored.user_pool_id());
            return Err(self.problem(&format!("{key}.id"), text).into());
        }
        let settings_key = format!("{key}.settings");
        let mut parameters = client.settings.clone();
        parameters.insert("UserPoolId".to_owned(), Value::from(user_pool_id));
        if let Some(secret) = &client.secret {
            parameters.insert("ClientSecret".to_owned(), Value::from(secret.as_str()));
        }
        let request: CreateUserPoolClientRequest = self.request(&settings_key, parameters)?;
        let pool = self.stored_pool(user_pool_id).await?;
        let Ports { identity, entropy, clock, .. } = self.ports;
        let now = clock.now();
        let scopes = request.allowed_oauth_scopes.as_deref();
        let mut view = self.ports.store.read().await?;
        let providers = request.supported_identity_providers.as_deref();
        let around = Surroundings::of(&mut *view, &pool, identity, scopes, providers).await?;
        let mut made = app_clients::settings::create(request, &around, &**entropy, now)
            .map_err(|refused| self.problem(&settings_key, refused))?;
        made.settings.client_id = Some(client.id.clone().into());
        for secret in &mut made.secrets {
            secret.id = format!("{}--{}", client.id, now.seconds());
        }
        let mut tx = self.ports.store.write().await?;
        tx.insert_app_client(&made).await?;
        tx.commit().await?;
        tracing::info!(client_id = client.id, "app client seeded");
        Ok(())
    }

    async fn user(&self, key: &str, user_pool_id: &str, user: &User) -> Outcome<()> {
        let pool = self.stored_pool(user_pool_id).await?;
        let mut view = self.ports.store.read().await?;
        if users::find_by_login(&mut *view, &pool, &user.username).await?.is_some() {
            return Ok(());
        }
        drop(view);
        let made = self.compose_user(key, &pool, user).await?;
        let mut tx = self.ports.store.write().await?;
        create::insert(&mut *tx, &pool, &made, OnConflict::Refuse)
            .await?
            .map_err(|taken| self.problem(key, format_args!("already taken: {taken:?}")))?;
        tx.commit().await?;
        tracing::info!(user_pool_id, sub = made.sub, "user seeded");
        Ok(())
    }

    /// A user as the file describes it, not stored yet.
    async fn compose_user(&self, key: &str, pool: &UserPool, user: &User) -> Outcome<users::User> {
        let Ports { entropy, clock, .. } = self.ports;
        let attributes: Vec<(String, String)> =
            user.attributes.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let creator = Creator::Administrator;
        let draft =
            create::draft(pool, &user.username, &attributes, creator, &**entropy, clock.now());
        let mut made =
            draft.map_err(|refused| self.problem(key, format_args!("refused: {refused:?}")))?;
        let (name, password) = match (&user.password, &user.temporary_password) {
            (Some(_), Some(_)) => {
                let text = "contradicts password: keep one of them";
                return Err(self.problem(&format!("{key}.temporary_password"), text).into());
            }
            (Some(password), None) => ("password", Some(password)),
            (None, temporary) => ("temporary_password", temporary.as_ref()),
        };
        if let Some(password) = password {
            passwords::check(pool, password).map_err(|refused| {
                let text = format!("does not satisfy the password policy: {refused:?}");
                self.problem(&format!("{key}.{name}"), text)
            })?;
            made.password = Some(passwords::store_form(self.ports, &made, password).await?);
        }
        made.status = match (user.temporary_password.is_some(), user.confirmed) {
            (true, _) => UserStatusType::ForceChangePassword,
            (false, true) => UserStatusType::Confirmed,
            (false, false) => UserStatusType::Unconfirmed,
        };
        if let Some(secret) = &user.totp_secret {
            let secret = totp_secret(secret)
                .map_err(|text| self.problem(&format!("{key}.totp_secret"), text))?;
            let active = ActiveSecret { secret, friendly_name: None, last_step: 0 };
            made.software_token.active = Some(active);
            made.mfa.enabled.insert(MfaFactor::SoftwareToken);
            made.mfa.preferred = Some(MfaFactor::SoftwareToken);
        }
        Ok(made)
    }

    /// Parameters of an operation, checked as those of a request, and for names that the operation
    /// does not have.
    fn request<T: Decode + Encode>(&self, key: &str, parameters: Parameters) -> Result<T, Problem> {
        let given = Value::Object(parameters);
        let request: T = poolhouse_wire::decode_body(given.to_string().as_bytes())
            .map_err(|error| self.problem(key, decode_problem(error)))?;
        let understood: Value =
            serde_json::from_str(&poolhouse_wire::to_json(&request)).unwrap_or(Value::Null);
        match unknown_name(&given, &understood) {
            Some(path) => Err(self.problem(
                &format!("{key}.{path}"),
                "is no parameter of the operation; names are those of the service's API",
            )),
            None => Ok(request),
        }
    }
}

fn decode_problem(error: DecodeError) -> String {
    match error {
        DecodeError::Invalid(message) => message,
        DecodeError::Serialization { message } => {
            message.unwrap_or_else(|| "has the wrong form".to_owned())
        }
    }
}

/// The path of a name that was given and is not in what was understood.
fn unknown_name(given: &Value, understood: &Value) -> Option<String> {
    match (given, understood) {
        (Value::Object(given), Value::Object(understood)) => unknown_member(given, understood),
        (Value::Array(given), Value::Array(understood)) if given.len() == understood.len() => {
            let mut pairs = given.iter().zip(understood).enumerate();
            pairs.find_map(|(index, (given, understood))| {
                unknown_name(given, understood).map(|path| format!("{index}.{path}"))
            })
        }
        _ => None,
    }
}

fn unknown_member(given: &Map<String, Value>, understood: &Map<String, Value>) -> Option<String> {
    given.iter().find_map(|(name, value)| match understood.get(name) {
        None => Some(name.clone()),
        Some(inner) => unknown_name(value, inner).map(|path| format!("{name}.{path}")),
    })
}

/// A TOTP secret of at most 32 bytes.
///
/// A shorter one is filled up with zeros, which changes none of its codes: HMAC does the same with
/// keys up to the length of its block (RFC 2104 section 2).
fn totp_secret(text: &str) -> Result<Secret, &'static str> {
    let text = text.trim_end_matches('=').to_ascii_uppercase();
    let parsed = totp_rs::Secret::try_from_base32(&text);
    let parsed = parsed.map_err(|_| "must be base32: letters A to Z and digits 2 to 7")?;
    let given = parsed.as_bytes();
    let mut bytes = [0; 32];
    match bytes.get_mut(..given.len()) {
        Some(start) if !given.is_empty() => start.copy_from_slice(given),
        _ => return Err("must be 1 to 32 bytes long (up to 52 characters of base32)"),
    }
    Ok(Secret(bytes))
}

#[cfg(test)]
mod tests;
