//! `/passkeys/add`: a passkey for somebody who has signed in, and the offer of one after a sign-up.
//!
//! Whoever has not signed in does so under the same address. From then on the browser carries the
//! session for which the application gets its code at the end, with a new passkey or without.

use http::{Response, StatusCode};
use poolhouse_domain::{
    Fault,
    auth::hosted,
    limits::Category,
    oauth::{
        browser_session::{self, BrowserSession, COOKIE},
        grant::SignedIn,
    },
    passkeys::{
        self,
        registration::{self, Registrant, RegistrationRefused},
    },
    shapes::UserPoolMfaType,
    users::User,
};
use serde::{Deserialize, Serialize};

use super::{
    sign_in,
    visit::{Body, Reply, Stage, Visit},
};
use crate::{
    oauth::{cookies, error_page},
    pages::{AddPasskey, Page, Problem, field, field::intent},
};

/// A sign-in that leads to the application, once a passkey was added or not.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Enrolling {
    pub(super) session: BrowserSession,
    /// The event that tells of the sign-in.
    pub(super) event_id: Option<String>,
}

/// What is answered where there is no such page: on classic pages, as the service says, and where
/// nobody could sign in by a passkey.
pub(super) fn absent(visit: &Visit<'_>) -> Option<Response<String>> {
    let answer = |status, text| Some(error_page(visit.parts, status, text));
    if visit.look.brand.is_classic() {
        return answer(StatusCode::NOT_FOUND, "Classic pages have no passkeys");
    }
    if !is_possible(visit) {
        return answer(StatusCode::BAD_REQUEST, "The user pool has no sign-in with passkeys");
    }
    None
}

fn is_possible(visit: &Visit<'_>) -> bool {
    visit.has_own_users()
        && passkeys::is_enabled(&visit.mount.pool)
        && relying_party(visit).is_some()
}

fn relying_party(visit: &Visit<'_>) -> Option<String> {
    passkeys::relying_party_id(&visit.ports.identity, &visit.mount.pool)
}

/// Whether somebody who has just signed up is offered a passkey: where they could sign in by it, with
/// what they have, and where the browser would make one.
pub(super) fn is_offered(visit: &Visit<'_>) -> bool {
    let is_of_here = |id: String| {
        let host = visit.host();
        host == id || host.strip_suffix(&id).is_some_and(|rest| rest.ends_with('.'))
    };
    !visit.look.brand.is_classic()
        && is_possible(visit)
        && hosted::is_by_choice(&visit.checked.client)
        && visit.mount.pool.mfa() != UserPoolMfaType::On
        && relying_party(visit).is_some_and(is_of_here)
}

/// The page, or the one to sign in.
pub(super) async fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let (ports, mount) = (&visit.ports, visit.mount);
    if let Some(Stage::AddPasskey(enrolling)) = &visit.stage
        && let Some(user) = user_of(visit, enrolling).await?
    {
        return page(visit, enrolling, &user, None).await;
    }
    let (checked, cookies) = (&visit.checked, cookies::values(visit.parts, COOKIE));
    let found =
        browser_session::resume(ports, mount, &checked.client, &checked.request, &cookies).await?;
    match found.filter(|(session, user)| !session.is_outdated(user)) {
        Some((session, user)) => {
            page(visit, &Enrolling { session, event_id: None }, &user, None).await
        }
        None => Ok(sign_in::show(visit)),
    }
}

/// The user who adds a passkey, if the session still stands for that. That of a sign-in just now stands
/// for all that is asked.
async fn user_of(visit: &Visit<'_>, enrolling: &Enrolling) -> Result<Option<User>, Fault> {
    let (ports, mount, session) = (&visit.ports, visit.mount, &enrolling.session);
    let (client, request) = (&visit.checked.client, &visit.checked.request);
    if enrolling.event_id.is_none()
        && !browser_session::does_for(session, ports, mount, client, request)
    {
        return Ok(None);
    }
    let user = browser_session::user_of(ports, &mount.pool, session).await?;
    Ok(user.filter(|user| !session.is_outdated(user)))
}

/// Starts a registration, and shows the page with what the browser needs for it.
async fn page(
    visit: &Visit<'_>,
    enrolling: &Enrolling,
    user: &User,
    problem: Option<Problem>,
) -> Result<Reply, Fault> {
    let page = match options(visit, user).await? {
        Ok(options) => AddPasskey { options: Some(options), problem },
        Err(problem) => AddPasskey { options: None, problem: Some(problem) },
    };
    let stage = Stage::AddPasskey(Box::new(enrolling.clone()));
    Ok(Reply::page(Page::AddPasskey(page), Some(stage)))
}

/// What the browser needs, counted as the operation for it. A page that is opened once more goes on with
/// the registration that is there.
async fn options(visit: &Visit<'_>, user: &User) -> Result<Result<String, Problem>, Fault> {
    if visit.ports.limits.admit_one(Category::UserResourceUpdate).await?.is_err() {
        return Ok(Err(Problem::TooManyAttempts));
    }
    let registrant = registrant(visit, user);
    let Ok(options) = registration::start_or_go_on(&visit.ports, registrant).await? else {
        // What else there could be has been checked before.
        return Ok(Err(Problem::PasskeysFull));
    };
    let written = serde_json::to_string(&options);
    written.map(Ok).map_err(|error| Fault::because("creation options can't be written", error))
}

fn registrant<'a>(visit: &'a Visit<'_>, user: &'a User) -> Registrant<'a> {
    Registrant { pool: &visit.mount.pool, client_id: visit.checked.client.id(), user }
}

/// Takes a passkey, or goes on without; or takes what signs in.
pub(super) async fn take(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let form = &visit.form;
    let skips = form.get(field::INTENT) == intent::SKIP;
    let (Some(Stage::AddPasskey(enrolling)), true) =
        (&visit.stage, skips || form.has(field::CREDENTIAL))
    else {
        return sign_in::take(visit).await;
    };
    let Some(user) = user_of(visit, enrolling).await? else {
        return Ok(sign_in::again(visit, "", Problem::Expired));
    };
    if !skips && let Some(problem) = refusal(visit, &user).await? {
        return page(visit, enrolling, &user, Some(problem)).await;
    }
    let event_id = enrolling.event_id.clone();
    let signed_in = SignedIn { event_id, ..SignedIn::through(&enrolling.session) };
    let url = visit.granted(&user, &signed_in).await?;
    Ok(Reply { body: Body::Away(url), stage: None, begun: None })
}

/// Registers the passkey, or says why not.
async fn refusal(visit: &Visit<'_>, user: &User) -> Result<Option<Problem>, Fault> {
    let credential = visit.form.get(field::CREDENTIAL);
    if visit.ports.limits.admit_one(Category::UserResourceUpdate).await?.is_err() {
        return Ok(Some(Problem::TooManyAttempts));
    }
    let registrant = registrant(visit, user);
    let completed = registration::complete(&visit.ports, registrant, credential).await?;
    Ok(completed.err().map(|refused| {
        tracing::info!(sub = user.sub, ?refused, "a passkey was not registered");
        match refused {
            RegistrationRefused::TooMany => Problem::PasskeysFull,
            _ => Problem::PasskeyRefused,
        }
    }))
}
