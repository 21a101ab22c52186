//! Refresh tokens: what they carry, and what may be had for one.

use serde::{Deserialize, Serialize};

use super::{
    claims::SignIn,
    issue::{self, Tokens},
    jwe, rotation,
};
use crate::{
    app_clients::AppClient,
    devices,
    fault::{Fault, Ruling, retrying},
    granted, ids,
    ports::Ports,
    sessions::tracking,
    time::Timestamp,
    triggers::{TriggerFailed, pre_token_generation::Source},
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

    /// When the last token of the sign-in has ended for sure: one that was issued just before the
    /// refresh token's end.
    pub fn last_token_expires_at(&self) -> Timestamp {
        self.expires_at.plus_seconds(tracking::LAST_TOKENS)
    }
}

/// Why a refresh token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The function that customizes tokens stands in the way.
    Trigger(TriggerFailed),
}

impl From<TriggerFailed> for RefreshRefused {
    fn from(failed: TriggerFailed) -> Self {
        Self::Trigger(failed)
    }
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
/// `rotation.rs`.
pub async fn refresh(
    ports: &Ports,
    client: &AppClient,
    token: &str,
    device_key: Option<&str>,
) -> Ruling<Tokens, RefreshRefused> {
    let now = ports.clock.now();
    let (state, user) = granted!(accept(ports, client, token, device_key, now).await?);
    granted!(rotation::check(ports, client, &state, now).await?);
    let is_tracked = tracking::is_on(ports, &state.sign_in.user_pool_id).await?;
    let source = Source::RefreshTokens;
    let signed = issue::sign(ports, client, &user, &state.sign_in, source, now).await?;
    let mut tokens = granted!(signed);
    if client.rotates_refresh_tokens() {
        // Last, when nothing can fail any more: a client that gets no answer would try the old
        // token again.
        tokens.refresh = Some(seal(ports, &state.next(ports))?);
        granted!(rotation::replace(ports, client, &state, is_tracked, now).await?);
    } else if is_tracked {
        retrying(|| touch(ports, &state.sign_in, now)).await?;
    }
    Ok(Ok(tokens))
}

/// Notes the refresh in the session of a sign-in.
async fn touch(ports: &Ports, sign_in: &SignIn, now: Timestamp) -> Result<(), Fault> {
    let mut tx = ports.store.write().await?;
    tracking::touch(&mut *tx, ports, sign_in, now).await?;
    tx.commit().await
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
    // Disabling revokes as well; that the user's state is told first is a belief.
    if !user.enabled {
        return Ok(Err(RefreshRefused::UserDisabled));
    }
    let signed_out = user.signed_out_at.is_some_and(|at| sign_in.begun_at() <= at);
    if is_revoked || signed_out {
        return Ok(Err(RefreshRefused::Revoked));
    }
    if !devices::allows_refresh(ports, &mut *tx, sign_in, device_key).await? {
        return Ok(Err(RefreshRefused::Invalid));
    }
    Ok(Ok((state, user)))
}
