//! Rotation: each use of a refresh token replaces it, where the app client says so.
//!
//! Within the grace period of the client a replaced token may be used again, for clients that never
//! saw the answer. After it somebody is using a stolen or stale copy: the whole sign-in is revoked,
//! as RFC 9700 section 4.14.2 advises. (Whether the service revokes it isn't documented.)

use super::refresh::{RefreshRefused, RefreshState};
use crate::{
    app_clients::AppClient,
    fault::{Fault, Ruling},
    ports::{Ports, Transaction},
    sessions::tracking,
    time::Timestamp,
};

/// Whether a token that was first used then may be used now.
fn may_be_used(client: &AppClient, first_use: Option<Timestamp>, now: Timestamp) -> bool {
    first_use.is_none_or(|used| now < used.plus_seconds(client.rotation_grace_seconds()))
}

/// Refuses a token that has been replaced, before anything is made for it. Also where the client
/// has stopped rotating since: what was replaced stays so.
pub(super) async fn check(
    ports: &Ports,
    client: &AppClient,
    state: &RefreshState,
    now: Timestamp,
) -> Ruling<(), RefreshRefused> {
    let first_use = ports.store.read().await?.spent_at(&state.id).await?;
    if may_be_used(client, first_use, now) {
        return Ok(Ok(()));
    }
    let mut tx = ports.store.write().await?;
    end_sign_in(&mut *tx, state).await?;
    tx.commit().await?;
    Ok(Err(RefreshRefused::Reused))
}

/// Uses up a token that is being replaced.
pub(super) async fn replace(
    ports: &Ports,
    client: &AppClient,
    state: &RefreshState,
    is_tracked: bool,
    now: Timestamp,
) -> Ruling<(), RefreshRefused> {
    let mut tx = ports.store.write().await?;
    let first_use = tx.spend(&state.id, now, state.expires_at).await?;
    // Another use may have come between the check and here.
    let is_good = may_be_used(client, first_use, now);
    if !is_good {
        end_sign_in(&mut *tx, state).await?;
    } else if is_tracked {
        tracking::touch(&mut *tx, ports, &state.sign_in, now).await?;
    }
    tx.commit().await?;
    Ok(if is_good { Ok(()) } else { Err(RefreshRefused::Reused) })
}

/// Revokes every token of a sign-in.
async fn end_sign_in(tx: &mut dyn Transaction, state: &RefreshState) -> Result<(), Fault> {
    let sign_in = &state.sign_in;
    let expires_at = state.last_token_expires_at();
    tx.revoke_origin(&sign_in.user_pool_id, &sign_in.origin_jti, expires_at).await?;
    tracking::forget(tx, sign_in, false).await
}
