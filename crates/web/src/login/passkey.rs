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
        && let Some(user) = browser_session::user_of(ports, &mount.pool, &enrolling.session).await?
    {
        return page(visit, enrolling, &user, None).await;
    }
    let (checked, cookies) = (&visit.checked, cookies::values(visit.parts, COOKIE));
    let found =
        browser_session::resume(ports, mount, &checked.client, &checked.request, &cookies).await?;
    match found {
        Some((session, user)) => {
            page(visit, &Enrolling { session, event_id: None }, &user, None).await
        }
        None => Ok(sign_in::show(visit)),
    }
}

/// Starts a registration, and shows the page with what the browser needs for it.
async fn page(
    visit: &Visit<'_>,
    enrolling: &Enrolling,
    user: &User,
    problem: Option<Problem>,
) -> Result<Reply, Fault> {
    let page = match registration::start(&visit.ports, registrant(visit, user)).await? {
        Ok(options) => {
            let options = serde_json::to_string(&options)
                .map_err(|error| Fault::because("creation options can't be written", error))?;
            AddPasskey { options: Some(options), problem }
        }
        // What else there could be has been checked before.
        Err(_) => AddPasskey { options: None, problem: Some(Problem::PasskeysFull) },
    };
    let stage = Stage::AddPasskey(Box::new(enrolling.clone()));
    Ok(Reply::page(Page::AddPasskey(page), Some(stage)))
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
    let (ports, pool) = (&visit.ports, &visit.mount.pool);
    let user = browser_session::user_of(ports, pool, &enrolling.session).await?;
    let Some(user) = user else { return Ok(sign_in::again(visit, "", Problem::Expired)) };
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
