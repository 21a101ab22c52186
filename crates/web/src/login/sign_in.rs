//! `/login`: who somebody is, and the end of every sign-in.

use poolhouse_domain::{
    Fault,
    auth::{Outcome, first_factor::SignInRefused, hosted, start::StartRefused},
    passwords::recovery,
    sign_up,
};

use super::{
    challenge, problem,
    visit::{Reply, Stage, Visit},
};
use crate::pages::{Notice, Page, Problem, SignIn, Username, field, field::intent};

/// The page.
pub(super) fn show(visit: &Visit<'_>) -> Reply {
    let notice = match &visit.stage {
        Some(Stage::Confirmed) => Some(Notice::Confirmed),
        Some(Stage::PasswordChanged) => Some(Notice::PasswordChanged),
        _ => None,
    };
    let hint = visit.checked.request.login_hint.as_deref().unwrap_or_default();
    Reply::page(page(visit, hint, None, notice), None)
}

/// The page once more, after a refusal.
pub(super) fn again(visit: &Visit<'_>, username: &str, problem: Problem) -> Reply {
    Reply::page(page(visit, username, Some(problem), None), None)
}

fn page(
    visit: &Visit<'_>,
    username: &str,
    problem: Option<Problem>,
    notice: Option<Notice>,
) -> Page {
    let (pool, has_users) = (&visit.mount.pool, visit.has_own_users());
    let may_recover = has_users && !recovery::is_for_administrators_only(pool);
    let may_sign_up = has_users && sign_up::is_open(pool);
    let field = Username { kind: visit.username_kind(), value: username.to_owned() };
    Page::SignIn(SignIn {
        username: has_users.then_some(field),
        is_identity_first: hosted::is_by_choice(&visit.checked.client),
        forgot_password: may_recover.then(|| visit.link("/forgotPassword")),
        sign_up: may_sign_up.then(|| visit.link("/signup")),
        problem,
        notice,
        ..SignIn::default()
    })
}

/// Takes a form: the first step, or the answer to what was asked after it.
pub(super) async fn take(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let form = &visit.form;
    if form.get(field::INTENT) == intent::OTHER_USER {
        return Ok(Reply::go(visit.sign_in_path(), None));
    }
    let is_first_step = form.has(field::USERNAME)
        && !form.has(field::NEW_PASSWORD)
        && (form.has(field::PASSWORD) || hosted::is_by_choice(&visit.checked.client));
    if !is_first_step {
        return Ok(again(visit, "", Problem::Expired));
    }
    if !visit.has_own_users() {
        return Ok(again(visit, "", Problem::Credentials));
    }
    let (login, password) = (&visit.username(), form.get(field::PASSWORD));
    let acr_values = visit.checked.request.acr_values.as_deref();
    if login.is_empty() {
        return Ok(again(visit, "", Problem::Missing(field::USERNAME.to_owned())));
    }
    let started = if form.has(field::PASSWORD) {
        if password.is_empty() {
            return Ok(again(visit, login, Problem::Missing(field::PASSWORD.to_owned())));
        }
        hosted::with_password(visit.place(), login, password, acr_values).await?
    } else {
        hosted::with_name(visit.place(), login, acr_values).await?
    };
    started_as(visit, login, started).await
}

/// Goes on after a first step.
pub(super) async fn started_as(
    visit: &Visit<'_>,
    login: &str,
    started: Result<Outcome, StartRefused>,
) -> Result<Reply, Fault> {
    match started {
        Ok(outcome) => challenge::go_on(visit, login, outcome).await,
        Err(StartRefused::SignIn(refused)) => Ok(refused_as(visit, login, &refused)),
        Err(refused) => Ok(again(visit, login, problem::of_start(&refused))),
    }
}

/// What follows a refusal: for some there is a page where something can be done about it.
pub(super) fn refused_as(visit: &Visit<'_>, login: &str, refused: &SignInRefused) -> Reply {
    let (username, destination) = (login.to_owned(), String::new());
    match refused {
        SignInRefused::NotConfirmed if sign_up::usual_contact(&visit.mount.pool).is_some() => {
            let stage = Stage::Confirm { username, session: None, destination };
            Reply::go("/confirm", Some(stage))
        }
        SignInRefused::ResetRequired => {
            Reply::go("/confirmforgotPassword", Some(Stage::Reset { username, destination }))
        }
        refused => again(visit, login, problem::of_sign_in(refused)),
    }
}
