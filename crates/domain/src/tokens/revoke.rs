//! Taking tokens back.

use super::{jwt, refresh};
use crate::{
    app_clients::AppClient,
    fault::{Fault, Ruling},
    ports::{Ports, Transaction},
    time::Timestamp,
    users::User,
};

/// Why a token can't be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeRefused {
    /// The client was created, or set, without token revocation.
    NotEnabled,
    /// It is an access or ID token.
    NotARefreshToken,
    /// Not a token of this client.
    Invalid,
}

/// Revokes a refresh token with all tokens of the same sign-in. Doing so twice is no error.
pub async fn revoke(ports: &Ports, client: &AppClient, token: &str) -> Ruling<(), RevokeRefused> {
    if !client.revokes_tokens() {
        return Ok(Err(RevokeRefused::NotEnabled));
    }
    let Some(state) = refresh::open(ports, token) else {
        let is_jwt = jwt::parse(token).is_ok();
        let refused = if is_jwt { RevokeRefused::NotARefreshToken } else { RevokeRefused::Invalid };
        return Ok(Err(refused));
    };
    if state.sign_in.client_id != client.id() {
        return Ok(Err(RevokeRefused::Invalid));
    }
    let mut tx = ports.store.write().await?;
    let (pool, origin) = (&state.sign_in.user_pool_id, &state.sign_in.origin_jti);
    // The last access token may have been issued just before the refresh token expires.
    let expires_at = state.expires_at.plus_seconds(client.access_token_seconds());
    tx.revoke_origin(pool, origin, expires_at).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Signs a user out everywhere: every token of a sign-in up to now is dead. The caller commits.
pub async fn sign_out_everywhere(
    tx: &mut dyn Transaction,
    user: &mut User,
    now: Timestamp,
) -> Result<(), Fault> {
    user.signed_out_at = Some(now);
    tx.update_user(user).await
}
