//! Access tokens: whom a request acts for.

use std::sync::Arc;

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    claims::{AccessClaims, USER_SCOPE},
    issuer, jwt, scopes,
};
use crate::{
    app_clients::AppClient,
    fault::{Fault, Ruling},
    granted, ids,
    ports::Ports,
    shapes::ClientTypeType,
    user_pools::UserPool,
    users::User,
};

/// The user on whose behalf a request comes, by their access token.
pub struct Bearer {
    /// The app client to which the token was issued.
    pub client: Arc<AppClient>,
    /// The user's pool.
    pub pool: Arc<UserPool>,
    /// The user, as stored now.
    pub user: User,
    /// What the token says.
    pub claims: AccessClaims,
}

/// Why an access token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefused {
    /// Not a token of ours: malformed, forged, or of another kind or pool.
    Invalid,
    /// Its time is over.
    Expired,
    /// Its sign-in was revoked.
    Revoked,
    /// It was issued for other purposes than the token operations.
    MissingScope,
    /// The user has been disabled.
    UserDisabled,
    /// The user has been deleted.
    UserGone,
}

/// Finds out whom an access token stands for.
///
/// One RSA verification (some 20 µs) and one or two reads.
pub async fn authenticate(ports: &Ports, token: &str) -> Ruling<Bearer, TokenRefused> {
    authenticate_with(ports, token, USER_SCOPE).await
}

/// The same for a token that needs another scope than that of the token operations.
pub async fn authenticate_with(
    ports: &Ports,
    token: &str,
    scope: &str,
) -> Ruling<Bearer, TokenRefused> {
    let Some((claims, pool)) = verified::<AccessClaims>(ports, token, "access").await? else {
        return Ok(Err(TokenRefused::Invalid));
    };
    let Some(client) = issued_to(ports, &claims.client_id, &pool).await? else {
        return Ok(Err(TokenRefused::Invalid));
    };
    if claims.exp <= ports.clock.now().seconds() {
        return Ok(Err(TokenRefused::Expired));
    }
    if !scopes::holds(&claims.scope, scope) {
        return Ok(Err(TokenRefused::MissingScope));
    }
    let origin = claims.origin_jti.as_deref();
    let user = granted!(living_user(ports, &pool, &claims.sub, origin, &claims.event_id).await?);
    Ok(Ok(Bearer { client, pool, user, claims }))
}

/// The app client for which an ID token of this pool was made, however long ago. It says who asks, and
/// proves nothing about now.
pub async fn client_of_id_token(
    ports: &Ports,
    pool: &UserPool,
    token: &str,
) -> Result<Option<String>, Fault> {
    #[derive(Deserialize)]
    struct Audience {
        aud: String,
    }
    let found = verified::<Audience>(ports, token, "id").await?;
    let found = found.filter(|(_, issuer)| issuer.id() == pool.id());
    Ok(found.map(|(claims, _)| claims.aud))
}

/// The app client that holds a token of its own with this scope, if it still has the scope. Clients
/// that registered themselves never do.
pub async fn machine(
    ports: &Ports,
    pool: &UserPool,
    token: &str,
    scope: &str,
) -> Ruling<Arc<AppClient>, TokenRefused> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
        client_id: String,
        scope: String,
        exp: i64,
    }
    let found = verified::<Claims>(ports, token, "access").await?;
    let Some((claims, _)) =
        found.filter(|(claims, issuer)| issuer.id() == pool.id() && claims.sub == claims.client_id)
    else {
        return Ok(Err(TokenRefused::Invalid));
    };
    let Some(client) = issued_to(ports, &claims.client_id, pool).await? else {
        return Ok(Err(TokenRefused::Invalid));
    };
    if claims.exp <= ports.clock.now().seconds() {
        return Ok(Err(TokenRefused::Expired));
    }
    let held = client.settings.allowed_oauth_scopes.as_deref().unwrap_or_default();
    let is_dynamic = client.settings.client_type == Some(ClientTypeType::Dcr);
    let holds =
        scopes::holds(&claims.scope, scope) && held.iter().any(|held| held == scope) && !is_dynamic;
    Ok(if holds { Ok(client) } else { Err(TokenRefused::MissingScope) })
}

/// What says how the rest of a token is to be read.
#[derive(Deserialize)]
struct Kind {
    iss: String,
    token_use: String,
}

/// The claims of a token for this use (`access`, `id`) that one of its pool's keys signed, and the
/// pool.
pub(super) async fn verified<C: DeserializeOwned>(
    ports: &Ports,
    token: &str,
    token_use: &str,
) -> Result<Option<(C, Arc<UserPool>)>, Fault> {
    let Ok(parsed) = jwt::parse(token) else { return Ok(None) };
    let Ok(kind) = serde_json::from_slice::<Kind>(&parsed.payload) else { return Ok(None) };
    let Ok(claims) = serde_json::from_slice(&parsed.payload) else { return Ok(None) };
    let pool_id = issuer::user_pool_id(&ports.identity, &kind.iss);
    let Some(pool_id) = pool_id else { return Ok(None) };
    let Some(pool) = ports.directory.user_pool(pool_id).await? else { return Ok(None) };
    let keys = ports.directory.key_pairs(pool.id()).await?;
    let signed = keys.all.iter().any(|key| key.kid() == parsed.kid && key.verifies(&parsed));
    Ok((signed && kind.token_use == token_use).then_some((claims, pool)))
}

/// The app client of a token, if it still exists.
pub(super) async fn issued_to(
    ports: &Ports,
    client_id: &str,
    pool: &UserPool,
) -> Result<Option<Arc<AppClient>>, Fault> {
    let client = ports.directory.app_client(client_id).await?;
    Ok(client.filter(|client| client.user_pool_id() == pool.id()))
}

/// The user of a token, if its sign-in has not been revoked. Tokens of clients without revocation
/// have no `origin_jti`.
pub(super) async fn living_user(
    ports: &Ports,
    pool: &UserPool,
    sub: &str,
    origin_jti: Option<&str>,
    event_id: &str,
) -> Ruling<User, TokenRefused> {
    let mut tx = ports.store.read().await?;
    let found = tx.user_of_sign_in(pool.id(), sub, origin_jti.unwrap_or_default()).await?;
    let Some((user, is_revoked)) = found else { return Ok(Err(TokenRefused::UserGone)) };
    let signed_in_at = ids::time_of(event_id);
    let signed_out =
        user.signed_out_at.is_some_and(|at| signed_in_at.is_none_or(|signed_in| signed_in <= at));
    if is_revoked || signed_out {
        return Ok(Err(TokenRefused::Revoked));
    }
    Ok(if user.enabled { Ok(user) } else { Err(TokenRefused::UserDisabled) })
}
