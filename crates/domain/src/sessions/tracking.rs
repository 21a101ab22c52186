//! The sessions that a user can see and end: one for each refresh token of a pool that tracks them,
//! from the sign-in until the last token of that sign-in dies.
//!
//! A pool that does not track sessions has none of this: its sign-ins write nothing.

use async_trait::async_trait;
use uuid::Uuid;

use super::device;
use crate::{
    app_clients::AppClient,
    fault::{Fault, Ruling, retrying},
    ports::{Ports, Store, Transaction},
    time::Timestamp,
    tokens::claims::SignIn,
    user_pools::{Feature, TierRefused, UserPool},
    users::User,
};

/// What a pool says about sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Whether sessions are tracked.
    pub is_tracking: bool,
    /// Token sessions that a user can have at most, 1 to 100.
    pub max_per_user: i32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { is_tracking: false, max_per_user: 20 }
    }
}

/// Why sessions can't be set up so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsRefused {
    /// The pool's tier does not have sessions.
    #[error(transparent)]
    Tier(#[from] TierRefused),
    /// The pool does not track sessions. (The text is a belief.)
    #[error("Session tracking is not enabled for user pool {0}.")]
    NotTracked(String),
}

/// Changes what a pool says about sessions.
pub fn configure_pool(
    pool: &mut UserPool,
    settings: SessionSettings,
) -> Result<(), SettingsRefused> {
    pool.has_in_tier(Feature::SESSION_TRACKING)?;
    pool.sessions = settings;
    Ok(())
}

/// Changes for how many minutes an app client takes a browser's earlier sign-in for its own.
pub fn configure_client(
    pool: &UserPool,
    client: &mut AppClient,
    minutes: i32,
) -> Result<(), SettingsRefused> {
    pool.has_in_tier(Feature::SESSION_TRACKING)?;
    if !pool.sessions.is_tracking {
        return Err(SettingsRefused::NotTracked(pool.id().to_owned()));
    }
    client.sso_minutes = Some(minutes);
    Ok(())
}

/// The kinds of session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// The life of one refresh token, for one app client.
    Token,
    /// A browser that has signed in at the managed login pages, for all app clients.
    Sso,
}

impl SessionKind {
    /// The name under which the kind is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "TOKEN",
            Self::Sso => "SSO",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Token, Self::Sso].into_iter().find(|kind| kind.as_str() == name)
    }

    /// What ids of this kind begin with.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Token => "tkn",
            Self::Sso => "sso",
        }
    }
}

/// A session of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSession {
    /// The pool.
    pub user_pool_id: String,
    /// The user.
    pub sub: String,
    /// `tkn` or `sso` and 25 letters and digits ([`session_id`]).
    pub id: String,
    /// The kind.
    pub kind: SessionKind,
    /// Which of the user's places the session takes, from 1. No two of a kind share one: this is
    /// what keeps to the maximum when sign-ins meet.
    pub slot: i32,
    /// The app client to which the tokens belong, or where the browser signed in.
    pub client_id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// Of a token session, the last sign-in, refresh or rotation.
    pub last_active_at: Timestamp,
    /// The device, in words.
    pub device: String,
    /// The last address.
    pub address: Option<String>,
    /// The SSO session through which a token session came.
    pub origin_session_id: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// What a use of a session leaves in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// The device, in words.
    pub device: String,
    /// The address.
    pub address: Option<String>,
}

impl Activity {
    /// A use by the sender of the present request.
    pub(crate) fn now(ports: &Ports, at: Timestamp) -> Self {
        Self {
            at,
            device: device::describe(ports.caller.user_agent.as_deref()),
            address: ports.caller.ip.map(|address| address.to_string()),
        }
    }
}

/// Storage of user sessions.
#[async_trait]
pub trait UserSessions: Send {
    /// Stores a session, unless its slot is taken: then answers `false`.
    async fn insert_user_session(&mut self, session: &UserSession) -> Result<bool, Fault>;

    /// The sessions of a user, those that have expired included, in no particular order.
    async fn user_sessions(
        &mut self,
        user_pool_id: &str,
        sub: &str,
    ) -> Result<Vec<UserSession>, Fault>;

    /// Notes a use of a session, if there is one with this id.
    async fn touch_user_session(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        id: &str,
        activity: &Activity,
    ) -> Result<(), Fault>;

    /// Removes a session; answers whether there was one.
    async fn delete_user_session(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        id: &str,
    ) -> Result<bool, Fault>;

    /// Removes the token sessions of a user.
    async fn delete_token_sessions(&mut self, user_pool_id: &str, sub: &str) -> Result<(), Fault>;

    /// Removes every session of a user, those of browsers too.
    async fn delete_user_sessions(&mut self, user_pool_id: &str, sub: &str) -> Result<(), Fault>;
}

/// Digits of ids.
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Digits to the base 36 that hold 128 bits.
const ID_DIGITS: usize = 25;

/// The id of the session that belongs to a UUID: the same number in 25 digits to the base 36. The
/// UUID of a token session is the `origin_jti` of its tokens, so that either is known from the
/// other. None for text that is no UUID.
pub fn session_id(kind: SessionKind, uuid: &str) -> Option<String> {
    let mut number = Uuid::try_parse(uuid).ok()?.as_u128();
    let mut digits = [b'0'; ID_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = *DIGITS.get(usize::try_from(number % 36).ok()?)?;
        number /= 36;
    }
    let digits = std::str::from_utf8(&digits).ok()?;
    Some(format!("{}{digits}", kind.prefix()))
}

/// The `origin_jti` of the tokens of a token session.
fn origin_jti(session_id: &str) -> Option<String> {
    let digits = session_id.strip_prefix(SessionKind::Token.prefix())?;
    let number = u128::from_str_radix(digits, 36).ok()?;
    Some(Uuid::from_u128(number).to_string())
}

/// Whether a pool tracks sessions now.
pub async fn is_on(ports: &Ports, user_pool_id: &str) -> Result<bool, Fault> {
    let pool = ports.directory.user_pool(user_pool_id).await?;
    Ok(pool.is_some_and(|pool| pool.sessions.is_tracking))
}

/// The session of a browser that has just signed in through a client.
pub(crate) fn browser(
    ports: &Ports,
    client: &AppClient,
    user: &User,
    id: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> UserSession {
    let activity = Activity::now(ports, now);
    UserSession {
        user_pool_id: user.user_pool_id.clone(),
        sub: user.sub.clone(),
        id: id.to_owned(),
        kind: SessionKind::Sso,
        slot: 0,
        client_id: client.id().to_owned(),
        created_at: now,
        last_active_at: now,
        device: activity.device,
        address: activity.address,
        origin_session_id: None,
        expires_at,
    }
}

/// Begins the session of a sign-in, which came through the SSO session `parent` if there is one. Who
/// has as many as the pool allows loses the least recently
/// used ones, with all their tokens, in the same transaction.
pub async fn begin(
    ports: &Ports,
    pool: &UserPool,
    sign_in: &SignIn,
    parent: Option<&str>,
    expires_at: Timestamp,
) -> Result<(), Fault> {
    let activity = Activity::now(ports, ports.clock.now());
    let id = session_id(SessionKind::Token, &sign_in.origin_jti)
        .ok_or_else(|| Fault::broken("a sign-in is not named by a UUID"))?;
    let session = UserSession {
        user_pool_id: sign_in.user_pool_id.clone(),
        sub: sign_in.sub.clone(),
        id,
        kind: SessionKind::Token,
        slot: 0,
        client_id: sign_in.client_id.clone(),
        created_at: activity.at,
        last_active_at: activity.at,
        device: activity.device,
        address: activity.address,
        origin_session_id: parent.map(str::to_owned),
        expires_at,
    };
    admit(&*ports.store, &session, pool.sessions.max_per_user).await
}

/// Makes room for a session among at most `max` of its kind, and stores it in a free slot. In a
/// transaction by itself, because the steps before it can't run again: a challenge session is used
/// up. For a user who was deleted meanwhile nothing is stored.
pub async fn admit(store: &dyn Store, session: &UserSession, max: i32) -> Result<(), Fault> {
    retrying(|| try_admit(store, session, max)).await
}

async fn try_admit(store: &dyn Store, session: &UserSession, max: i32) -> Result<(), Fault> {
    let mut tx = store.write().await?;
    if !tx.hold_user(&session.user_pool_id, &session.sub).await? {
        return Ok(());
    }
    let mut held = tx.user_sessions(&session.user_pool_id, &session.sub).await?;
    held.retain(|held| held.kind == session.kind);
    let (mut held, expired): (Vec<_>, Vec<_>) =
        held.into_iter().partition(|held| held.expires_at > session.created_at);
    held.sort_by_cached_key(|held| (held.last_active_at, held.created_at, held.id.clone()));
    let too_many = (held.len() + 1).saturating_sub(usize::try_from(max).unwrap_or(usize::MAX));
    let kept = held.split_off(too_many.min(held.len()));
    for evicted in held {
        end(&mut *tx, &evicted).await?;
    }
    for gone in expired {
        tx.delete_user_session(&gone.user_pool_id, &gone.sub, &gone.id).await?;
    }
    let slot = (1..=max).find(|slot| kept.iter().all(|kept| kept.slot != *slot));
    let slot = slot.ok_or_else(|| Fault::broken("a user has more sessions than slots"))?;
    let session = UserSession { slot, ..session.clone() };
    if !tx.insert_user_session(&session).await? {
        return Err(Fault::Conflict("another sign-in took the slot of a session".to_owned()));
    }
    tx.commit().await
}

/// The longest time for which an access or ID token can outlive the refresh token that it came with,
/// in seconds: the longest lifetime of both, because the client's may have been longer when the token
/// was issued.
pub(crate) const LAST_TOKENS: i64 = 86_400;

/// Ends a session: its tokens are revoked, and its record goes. The caller commits.
async fn end(tx: &mut dyn Transaction, session: &UserSession) -> Result<(), Fault> {
    let (pool, sub) = (&session.user_pool_id, &session.sub);
    if let Some(origin) = origin_jti(&session.id) {
        tx.revoke_origin(pool, &origin, session.expires_at.plus_seconds(LAST_TOKENS)).await?;
    }
    tx.delete_user_session(pool, sub, &session.id).await.map(drop)
}

/// Notes that a sign-in's refresh token was used. The caller commits.
pub async fn touch(
    tx: &mut dyn Transaction,
    ports: &Ports,
    sign_in: &SignIn,
    now: Timestamp,
) -> Result<(), Fault> {
    let Some(id) = session_id(SessionKind::Token, &sign_in.origin_jti) else { return Ok(()) };
    let activity = Activity::now(ports, now);
    tx.touch_user_session(&sign_in.user_pool_id, &sign_in.sub, &id, &activity).await
}

/// Removes the record of a sign-in whose tokens have been revoked; `with_parent`, also that of the
/// SSO session through which it came. The caller commits.
pub async fn forget(
    tx: &mut dyn Transaction,
    sign_in: &SignIn,
    with_parent: bool,
) -> Result<(), Fault> {
    let (pool, sub) = (&sign_in.user_pool_id, &sign_in.sub);
    let Some(id) = session_id(SessionKind::Token, &sign_in.origin_jti) else { return Ok(()) };
    if with_parent {
        let sessions = tx.user_sessions(pool, sub).await?;
        let session = sessions.into_iter().find(|session| session.id == id);
        if let Some(parent) = session.and_then(|session| session.origin_session_id) {
            tx.delete_user_session(pool, sub, &parent).await?;
        }
    }
    tx.delete_user_session(pool, sub, &id).await.map(drop)
}

/// The sessions of a user that are alive, most recently used first (a belief). None in a pool that
/// does not track them.
pub async fn active(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &User,
    now: Timestamp,
) -> Result<Vec<UserSession>, Fault> {
    if !pool.sessions.is_tracking {
        return Ok(Vec::new());
    }
    let mut sessions = tx.user_sessions(pool.id(), &user.sub).await?;
    // Signing out everywhere kills tokens, not the cookies of browsers.
    let is_signed_out = |session: &UserSession| {
        session.kind == SessionKind::Token
            && user.signed_out_at.is_some_and(|at| session.created_at <= at)
    };
    sessions.retain(|session| session.expires_at > now && !is_signed_out(session));
    sessions.sort_by(|one, other| {
        let key = |session: &UserSession| (session.last_active_at, session.created_at);
        key(other).cmp(&key(one)).then_with(|| one.id.cmp(&other.id))
    });
    Ok(sessions)
}

/// The user has no such session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownSession;

/// Ends a session of a user with all its tokens; `with_linked`, also the SSO session through which a
/// token session came, or the token sessions that came through an SSO session. The caller commits.
pub async fn revoke(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &User,
    session_id: &str,
    with_linked: bool,
    now: Timestamp,
) -> Ruling<(), UnknownSession> {
    let sessions = active(tx, pool, user, now).await?;
    let Some(target) = sessions.iter().find(|session| session.id == session_id) else {
        return Ok(Err(UnknownSession));
    };
    let is_linked = |session: &UserSession| {
        session.origin_session_id.as_ref() == Some(&target.id)
            || target.origin_session_id.as_ref() == Some(&session.id)
    };
    for session in &sessions {
        if session.id == target.id || (with_linked && is_linked(session)) {
            end(tx, session).await?;
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_token_session_and_the_name_of_its_sign_in_are_the_same_number() {
        for uuid in [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "6d931803-7d38-41f4-8113-f460b8619a20",
        ] {
            let id = session_id(SessionKind::Token, uuid).unwrap();
            assert_eq!(id.len(), 28, "{id}");
            assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{id}");
            assert_eq!(origin_jti(&id).as_deref(), Some(uuid));
        }
        let sso = session_id(SessionKind::Sso, "6d931803-7d38-41f4-8113-f460b8619a20").unwrap();
        assert!(sso.starts_with("sso") && origin_jti(&sso).is_none());
    }

    #[test]
    fn what_is_no_uuid_or_too_large_a_number_names_nothing() {
        assert_eq!(session_id(SessionKind::Token, "x"), None);
        assert_eq!(origin_jti(&format!("tkn{}", "z".repeat(25))), None);
    }
}
