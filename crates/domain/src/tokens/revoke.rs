//! Taking tokens back.

use super::{jwt, refresh};
use crate::{
    app_clients::AppClient,
    fault::{Fault, Ruling},
    ports::{Ports, Transaction},
    sessions::tracking,
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

/// Revokes a refresh token with all tokens of the same sign-in, and `with_parent` the SSO session
/// through which the sign-in came. Doing so twice is no error.
pub async fn revoke(
    ports: &Ports,
    client: &AppClient,
    token: &str,
    with_parent: bool,
) -> Ruling<(), RevokeRefused> {
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
    tx.revoke_origin(pool, origin, state.last_token_expires_at()).await?;
    tracking::forget(&mut *tx, &state.sign_in, with_parent).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Bars a user from signing in: every token of a sign-in up to now is dead, and every browser signed
/// out, also if the user is let in again. The caller commits.
pub async fn disable(
    tx: &mut dyn Transaction,
    user: &mut User,
    now: Timestamp,
) -> Result<(), Fault> {
    user.enabled = false;
    user.signed_out_at = Some(now);
    user.modified_at = now;
    tx.delete_user_sessions(&user.user_pool_id, &user.sub).await?;
    tx.update_user(user).await
}

/// Signs a user out everywhere: every token of a sign-in up to now is dead. The caller commits.
pub async fn sign_out_everywhere(
    tx: &mut dyn Transaction,
    user: &mut User,
    now: Timestamp,
) -> Result<(), Fault> {
    user.signed_out_at = Some(now);
    tx.delete_token_sessions(&user.user_pool_id, &user.sub).await?;
    tx.update_user(user).await
}
