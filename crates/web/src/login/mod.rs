//! The flow behind the login pages of a domain.
//!
//! | file | paths |
//! |---|---|
//! | `sign_in.rs` | `/login`, `/oauth2/login` |
//! | `challenge.rs` | what is asked after the first step, under the same path |
//! | `sign_up.rs` | `/signup`, `/confirm`, `/resendcode`, and links of messages to `/confirmUser` |
//! | `recovery.rs` | `/forgotPassword`, `/confirmforgotPassword` |
//! | `passkey.rs` | `/passkeys/add` |
//! | `visit.rs` | who is on which page: request, form, what was sealed between two pages |
//! | `problem.rs` | refusals as pages say them |
//!
//! Every page is opened with the parameters of the authorize endpoint, which are checked again with
//! each request: nothing that a browser sends decides where it is sent at the end. Between two pages
//! a sealed cookie holds where the sign-in stands ([`visit::Stage`]).

mod challenge;
mod passkey;
mod problem;
mod recovery;
#[cfg(test)]
mod security_tests;
mod sign_in;
mod sign_up;
#[cfg(test)]
mod tests;
mod visit;

use std::sync::Arc;

use http::{Method, Response, StatusCode, header::ALLOW, request::Parts};
use poolhouse_domain::{
    Fault,
    limits::Category,
    oauth::mount::{self, Mount},
    ports::Ports,
    self_service::Operations,
    triggers::Remembered,
};

use self::visit::{Opened, Reply, Stage, Visit};
use crate::oauth::{authority, ends_with, headers};

/// A page with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Login,
    SignUp,
    Confirm,
    ConfirmLink,
    ForgotPassword,
    ResetPassword,
    AddPasskey,
}

/// Their paths, whose case doesn't matter.
const PATHS: [(&str, Path); 9] = [
    ("/oauth2/login", Path::Login),
    ("/login", Path::Login),
    ("/signup", Path::SignUp),
    ("/confirmforgotPassword", Path::ResetPassword),
    ("/forgotPassword", Path::ForgotPassword),
    ("/confirmUser", Path::ConfirmLink),
    ("/resendcode", Path::Confirm),
    ("/confirm", Path::Confirm),
    ("/passkeys/add", Path::AddPasskey),
];

/// How often a page is tried when concurrent changes win.
const TRIES: u32 = 12;

/// The longest form. (Our choice: the longest that any page sends is a passkey.)
const LONGEST_FORM: usize = 64 * 1024;

/// Whether a path ends as that of a page does.
pub(crate) fn is_page(path: &str) -> bool {
    PATHS.iter().any(|(name, _)| ends_with(path, name))
}

/// Answers a request for one of the pages; `None` if it is for none of them.
pub async fn serve(
    ports: &Ports,
    operations: &dyn Operations,
    parts: &Parts,
    body: &[u8],
) -> Option<Response<String>> {
    let uri = parts.uri.path();
    let (name, path) = PATHS.into_iter().find(|(name, _)| ends_with(uri, name))?;
    let mount = match mount::resolve(ports, authority(parts), uri).await {
        Ok(found) => found.filter(|(_, rest)| rest.len() == name.len())?.0,
        Err(fault) => {
            let response = headers::private(headers::faulted(&fault));
            return Some(headers::finished(ports, response));
        }
    };
    let mut ports = ports.clone();
    // For one request: what runs again does not ask its functions again.
    ports.functions = Arc::new(Remembered::new(ports.functions));
    let mut tries = 1;
    let answered = loop {
        match answer(&ports, operations, &mount, path, parts, body).await {
            Err(Fault::Conflict(_)) if tries < TRIES => tries += 1,
            answered => break answered,
        }
    };
    let response = answered.unwrap_or_else(|fault| headers::private(headers::faulted(&fault)));
    Some(headers::finished(&ports, response))
}

async fn answer(
    ports: &Ports,
    operations: &dyn Operations,
    mount: &Mount,
    path: Path,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, Fault> {
    let bare = |status| Ok(headers::private(headers::bare(status)));
    if ports.limits.admit_at_domain(mount.domain.name(), ports.caller.ip).is_err() {
        return bare(StatusCode::TOO_MANY_REQUESTS);
    }
    let is_post = parts.method == Method::POST;
    if !is_post && parts.method != Method::GET {
        let mut response = headers::bare(StatusCode::METHOD_NOT_ALLOWED);
        headers::set(&mut response, ALLOW, "GET, POST");
        return Ok(headers::private(response));
    }
    if body.len() > LONGEST_FORM {
        return bare(StatusCode::PAYLOAD_TOO_LARGE);
    }
    if path == Path::ConfirmLink {
        return sign_up::by_link(ports, operations, mount, parts).await;
    }
    if is_post && ports.limits.admit_one(Category::UserAuthentication).await?.is_err() {
        return bare(StatusCode::TOO_MANY_REQUESTS);
    }
    let visit = match Visit::open(ports, operations, (mount, path), parts, body).await? {
        Opened::Visit(visit) => visit,
        Opened::Answered(response) => return Ok(response),
    };
    let visit = &*visit;
    if is_post && !visit.is_from_our_page() {
        return visit.forged();
    }
    if path == Path::AddPasskey
        && let Some(answer) = passkey::absent(visit)
    {
        return Ok(answer);
    }
    // What is asked after a sign-up is asked under its address.
    if let Some(Stage::Asked(asked)) = &visit.stage
        && is_post
        && asked.takes(&visit.form)
    {
        return visit.respond(challenge::answer(visit, asked).await?);
    }
    let reply: Reply = match (path, is_post) {
        // Links have been answered above.
        (Path::Login, false) | (Path::ConfirmLink, _) => sign_in::show(visit),
        (Path::Login, true) => sign_in::take(visit).await?,
        (Path::SignUp, false) => sign_up::show(visit).await?,
        (Path::SignUp, true) => sign_up::take(visit).await?,
        (Path::Confirm, false) => sign_up::show_confirm(visit),
        (Path::Confirm, true) => sign_up::confirm(visit).await?,
        (Path::ForgotPassword, false) => recovery::show(visit),
        (Path::ForgotPassword, true) => recovery::take(visit).await?,
        (Path::ResetPassword, false) => recovery::show_reset(visit),
        (Path::ResetPassword, true) => recovery::reset(visit).await?,
        (Path::AddPasskey, false) => passkey::show(visit).await?,
        (Path::AddPasskey, true) => passkey::take(visit).await?,
    };
    visit.respond(reply)
}
