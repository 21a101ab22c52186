//! A browser that has signed in at the pages of a domain: the session behind the `cognito` cookie.
//!
//! The cookie is sealed and says what the sign-in was; the store has a row for each session, so that
//! it can be listed, revoked and signed out. Use does not prolong it. Signing a user out everywhere
//! ends their tokens and leaves their browsers signed in, as documented; disabling or deleting them
//! does not.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{authorize::Request, mount::Mount};
use crate::{
    app_clients::AppClient,
    auth::{Place, hosted},
    auth_levels::Methods,
    fault::{Fault, retrying},
    ids,
    ports::Ports,
    sealing::Purpose,
    sessions::tracking::{self, SessionKind},
    time::Timestamp,
    user_pools::UserPool,
    users::User,
};

/// The name of the cookie.
pub const COOKIE: &str = "cognito";

/// For how many minutes a session lasts unless a client's settings say otherwise.
const USUAL_MINUTES: i32 = 60;
/// The most that a client's settings can say, as in the model.
const MOST_MINUTES: i32 = 129_600;
/// Sessions that a user can have at most: that many would fill the longest page of a list beside
/// the hundred token sessions. (A belief.)
const MOST: i32 = 25;
/// Cookies of one request that are looked at: domains under paths share a host.
const LOOKED_AT: usize = 8;

/// A sign-in that a browser remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserSession {
    /// `sso` and 25 letters and digits, as `ListUserSessions` shows it.
    pub id: String,
    /// The user.
    pub sub: String,
    /// Where the user proved who they are: an identity provider or
    /// [`COGNITO`](super::authorize::COGNITO). The session is good for this way only.
    pub provider: String,
    /// When they did. Counts for `auth_time` and for the lifetime.
    pub auth_time: Timestamp,
    /// When the session ends.
    pub expires_at: Timestamp,
    /// By what they did.
    #[serde(default)]
    pub methods: Methods,
    /// Whether the domain showed managed login. Changing that ends its sessions.
    is_managed: bool,
}

impl BrowserSession {
    /// Whether the user has changed the password or signed out everywhere since. The session goes on
    /// signing in at applications, but is no proof for changing by what the user signs in.
    pub fn is_outdated(&self, user: &User) -> bool {
        user.password.as_ref().is_some_and(|password| password.set_at > self.auth_time)
            || user.signed_out_at.is_some_and(|at| at >= self.auth_time)
    }
}

/// A new session, and the cookie by which the browser shows it.
pub struct Begun {
    /// The session.
    pub session: BrowserSession,
    /// The value of the cookie.
    pub cookie: String,
}

/// Begins a session for a user who has just signed in at the pages, through this identity provider
/// or [`COGNITO`](super::authorize::COGNITO). Never reuses another one: what a stranger may have
/// planted in the browser stays worthless.
pub async fn begin(
    place: Place<'_>,
    mount: &Mount,
    user: &User,
    provider: &str,
) -> Result<Begun, Fault> {
    let (ports, now) = (place.ports, place.ports.clock.now());
    // As long as any client may want it: each says for itself how old a sign-in it takes.
    let minutes = if place.pool.sessions.is_tracking { MOST_MINUTES } else { USUAL_MINUTES };
    let expires_at = now.plus_seconds(i64::from(minutes) * 60);
    let uuid = ids::random_uuid(&*ports.entropy);
    let id = tracking::session_id(SessionKind::Sso, &uuid)
        .ok_or_else(|| Fault::broken("a session is not named by a UUID"))?;
    let session = BrowserSession {
        id,
        sub: user.sub.clone(),
        provider: provider.to_owned(),
        auth_time: now,
        expires_at,
        methods: place.methods,
        is_managed: mount.domain.shows_managed_login(),
    };
    let row = tracking::browser(ports, place.client, user, &session.id, now, expires_at);
    tracking::admit(&*ports.store, &row, MOST).await?;
    let content = serde_json::to_vec(&session)
        .map_err(|error| Fault::because("a browser session can't be written", error))?;
    let pool_id = place.pool.id().as_bytes();
    let cookie =
        ports.keyring.seal_text(Purpose::BrowserSession, pool_id, &content, &*ports.entropy);
    Ok(Begun { session, cookie })
}

/// The session that may stand for a sign-in, and its user: one of the browser's cookies, if it is
/// still good and does for what is asked.
pub async fn resume(
    ports: &Ports,
    mount: &Mount,
    client: &Arc<AppClient>,
    request: &Request,
    cookies: &[&str],
) -> Result<Option<(BrowserSession, User)>, Fault> {
    if request.demands_sign_in() {
        return Ok(None);
    }
    let (place, acr_values) =
        (Place::new(ports, &mount.pool, client), request.acr_values.as_deref());
    for session in opened(ports, &mount.pool, cookies) {
        if does_for(&session, ports, mount, client, request)
            && let Some(user) = living_user(ports, &mount.pool, &session).await?
            && !hosted::falls_short(place, &user, session.methods, acr_values).await?
        {
            if mount.pool.sessions.is_tracking {
                retrying(|| touch(ports, &user, &session)).await?;
            }
            return Ok(Some((session, user)));
        }
    }
    Ok(None)
}

/// Signs a browser out: ends the sessions of its cookies. Tokens that were issued live on.
pub async fn end(ports: &Ports, pool: &UserPool, cookies: &[&str]) -> Result<(), Fault> {
    let sessions = opened(ports, pool, cookies);
    if sessions.is_empty() {
        return Ok(());
    }
    let delete = || async {
        let mut tx = ports.store.write().await?;
        for session in &sessions {
            tx.delete_user_session(pool.id(), &session.sub, &session.id).await?;
        }
        tx.commit().await
    };
    retrying(delete).await
}

/// Those of the cookies that were made for this pool and have time left.
fn opened(ports: &Ports, pool: &UserPool, cookies: &[&str]) -> Vec<BrowserSession> {
    let now = ports.clock.now();
    let open = |cookie: &&str| {
        let pool_id = pool.id().as_bytes();
        let content = ports.keyring.open_text(Purpose::BrowserSession, pool_id, cookie).ok()?;
        serde_json::from_slice::<BrowserSession>(&content).ok()
    };
    let opened = cookies.iter().take(LOOKED_AT).filter_map(open);
    opened.filter(|session| now < session.expires_at).collect()
}

/// Whether a session does for what a client asks.
pub fn does_for(
    session: &BrowserSession,
    ports: &Ports,
    mount: &Mount,
    client: &AppClient,
    request: &Request,
) -> bool {
    let age = ports.clock.now().seconds_since(session.auth_time);
    let is_asked = request.identity_provider.as_ref().is_none_or(|name| *name == session.provider);
    is_asked
        && client.identity_providers().contains(&session.provider)
        && session.is_managed == mount.domain.shows_managed_login()
        && age < i64::from(minutes(&mount.pool, client)) * 60
        && request.max_age.is_none_or(|max_age| age < max_age)
}

/// For how many minutes after a sign-in a client takes it for its own. The setting rests while the
/// pool doesn't track sessions.
fn minutes(pool: &UserPool, client: &AppClient) -> i32 {
    let set = client.sso_minutes.filter(|_| pool.sessions.is_tracking);
    set.unwrap_or(USUAL_MINUTES)
}

/// The user of a session that was neither ended nor is over, if they may still sign in.
pub async fn user_of(
    ports: &Ports,
    pool: &UserPool,
    session: &BrowserSession,
) -> Result<Option<User>, Fault> {
    let is_over = ports.clock.now() >= session.expires_at;
    if is_over { Ok(None) } else { living_user(ports, pool, session).await }
}

/// The user of a session that was not ended, if they may still sign in.
async fn living_user(
    ports: &Ports,
    pool: &UserPool,
    session: &BrowserSession,
) -> Result<Option<User>, Fault> {
    let mut view = ports.store.read().await?;
    let rows = view.user_sessions(pool.id(), &session.sub).await?;
    if !rows.iter().any(|row| row.id == session.id) {
        return Ok(None);
    }
    let user = view.user_by_sub(pool.id(), &session.sub).await?;
    Ok(user.filter(|user| user.enabled))
}

/// Notes a use of the session, in a pool that tracks them.
async fn touch(ports: &Ports, user: &User, session: &BrowserSession) -> Result<(), Fault> {
    let mut tx = ports.store.write_once().await?;
    let activity = tracking::Activity::now(ports, ports.clock.now());
    tx.touch_user_session(&user.user_pool_id, &user.sub, &session.id, &activity).await
}
