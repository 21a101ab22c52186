//! Refresh tokens: what they carry, and what may be had for one.

use serde::{Deserialize, Serialize};

use super::{
    claims::SignIn,
    issue::{self, Tokens},
    jwe,
};
use crate::{
    app_clients::AppClient,
    devices,
    fault::{Fault, Ruling},
    granted, ids,
    ports::Ports,
    time::Timestamp,
    users::User,
};

/// What a refresh token carries, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshState {
    /// Names this token among the ones of its sign-in.
    pub id: String,
    /// The sign-in that it continues.
    pub sign_in: SignIn,
    /// End of its validity. Rotation hands it on: a chain ends when its first token would have.
    pub expires_at: Timestamp,
}

impl RefreshState {
    /// The first refresh token of a sign-in.
    pub fn first(sign_in: &SignIn, expires_at: Timestamp, ports: &Ports) -> Self {
        let id = ids::random_uuid(&*ports.entropy);
        Self { id, sign_in: sign_in.clone(), expires_at }
    }

    /// The token that replaces this one.
    fn next(&self, ports: &Ports) -> Self {
        Self { id: ids::random_uuid(&*ports.entropy), ..self.clone() }
    }
}

/// Why a refresh token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshRefused {
    /// Not a refresh token of this app client, or not one of the named device.
    Invalid,
    /// Its time is over.
    Expired,
    /// Its sign-in was revoked.
    Revoked,
    /// It was replaced by rotation, and its grace period is over.
    Reused,
    /// The user has been disabled.
    UserDisabled,
    /// The user has been deleted.
    UserGone,
}

/// The token text for a state.
pub fn seal(ports: &Ports, state: &RefreshState) -> Result<String, Fault> {
    let content = serde_json::to_vec(state)
        .map_err(|error| Fault::because("a refresh token can't be written", error))?;
    Ok(jwe::seal(&ports.keyring, &*ports.entropy, &content))
}

/// The state of a token text, if it is one of ours.
pub fn open(ports: &Ports, token: &str) -> Option<RefreshState> {
    let content = jwe::open(&ports.keyring, token).ok()?;
    serde_json::from_slice(&content).ok()
}

/// New tokens for a refresh token.
///
/// `device_key` is the one that the client names; see [`devices::allows_refresh`].
///
/// With rotation the answer holds a new refresh token, and the old one is used up: see
/// [`rotate`].
pub async fn refresh(
    ports: &Ports,
    client: &AppClient,
    token: &str,
    device_key: Option<&str>,
) -> Ruling<Tokens, RefreshRefused> {
    let now = ports.clock.now();
    let (state, user) = granted!(accept(ports, client, token, device_key, now).await?);
    let mut tokens = issue::sign(ports, client, &user, &state.sign_in, now).await?;
    if client.rotates_refresh_tokens() {
        // Last, when nothing can fail any more: a client that gets no answer would try the old
        // token again.
        tokens.refresh = Some(seal(ports, &state.next(ports))?);
        granted!(rotate(ports, client, &state, now).await?);
    }
    Ok(Ok(tokens))
}

/// Whose refresh token this is, if it is still good.
pub async fn accept(
    ports: &Ports,
    client: &AppClient,
    token: &str,
    device_key: Option<&str>,
    now: Timestamp,
) -> Ruling<(RefreshState, User), RefreshRefused> {
    let state = open(ports, token).filter(|state| {
        state.sign_in.client_id == client.id()
            && state.sign_in.user_pool_id == client.user_pool_id()
    });
    let Some(state) = state else { return Ok(Err(RefreshRefused::Invalid)) };
    if now >= state.expires_at {
        return Ok(Err(RefreshRefused::Expired));
    }
    let sign_in = &state.sign_in;
    let mut tx = ports.store.read().await?;
    let (pool_id, origin) = (&sign_in.user_pool_id, &sign_in.origin_jti);
    let found = tx.user_of_sign_in(pool_id, &sign_in.sub, origin).await?;
    let Some((user, is_revoked)) = found else { return Ok(Err(RefreshRefused::UserGone)) };
    let signed_out = user.signed_out_at.is_some_and(|at| sign_in.auth_time <= at);
    if is_revoked || signed_out {
        return Ok(Err(RefreshRefused::Revoked));
    }
    if !user.enabled {
        return Ok(Err(RefreshRefused::UserDisabled));
    }
    if !devices::allows_refresh(ports, &mut *tx, sign_in, device_key).await? {
        return Ok(Err(RefreshRefused::Invalid));
    }
    Ok(Ok((state, user)))
}

/// Uses up a refresh token that is being replaced.
///
/// Within the grace period of the client it may be used again, for clients that never saw the
/// first answer. After it somebody is using a stolen or stale copy: the whole sign-in is revoked,
/// as RFC 9700 section 4.14.2 advises. (Whether the service revokes the family isn't documented.)
async fn rotate(
    ports: &Ports,
    client: &AppClient,
    state: &RefreshState,
    now: Timestamp,
) -> Ruling<(), RefreshRefused> {
    let mut tx = ports.store.write().await?;
    let first_use = tx.spend(&state.id, now, state.expires_at).await?;
    let within_grace =
        first_use.is_none_or(|used| now < used.plus_seconds(client.rotation_grace_seconds()));
    if !within_grace {
        let sign_in = &state.sign_in;
        // The last access token may have been issued just before the refresh token expires.
        let expires_at = state.expires_at.plus_seconds(client.access_token_seconds());
        tx.revoke_origin(&sign_in.user_pool_id, &sign_in.origin_jti, expires_at).await?;
    }
    tx.commit().await?;
    Ok(if within_grace { Ok(()) } else { Err(RefreshRefused::Reused) })
}
