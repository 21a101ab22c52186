//! `/forgotPassword` and `/confirmforgotPassword`: a new password by a code.

use poolhouse_domain::{Fault, passwords::recovery, self_service::OperationName};

use super::{
    problem, sign_in,
    sign_up::{about, destination, put},
    visit::{RESEND_AFTER, Reply, Stage, Visit},
};
use crate::pages::{
    ForgotPassword, Notice, Page, Problem, ResetPassword, Username, field, field::intent,
};

/// The page that asks who forgot the password.
pub(super) fn show(visit: &Visit<'_>) -> Reply {
    page(visit, None)
}

fn page(visit: &Visit<'_>, problem: Option<Problem>) -> Reply {
    if !is_open(visit) {
        return Reply::go("/login", None);
    }
    let value = visit.username();
    Reply::page(
        Page::ForgotPassword(ForgotPassword {
            username: Username { kind: visit.username_kind(), value },
            sign_in: Some(visit.link("/login")),
            problem,
        }),
        None,
    )
}

/// Whether people may set passwords anew by themselves.
fn is_open(visit: &Visit<'_>) -> bool {
    visit.has_own_users() && !recovery::is_for_administrators_only(&visit.mount.pool)
}

/// Sends a code.
pub(super) async fn take(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let username = visit.username();
    if username.is_empty() || !is_open(visit) {
        return Ok(page(visit, Some(Problem::Missing(field::USERNAME.to_owned()))));
    }
    let input = about(visit, &username);
    let operation = OperationName::ForgotPassword;
    Ok(match visit.operations.call(&visit.ports, operation, &input).await? {
        Ok(answer) => {
            let destination = destination(&answer).unwrap_or_default();
            let stage = Stage::Reset { username, destination };
            Reply::go("/confirmforgotPassword", Some(stage))
        }
        Err(refusal) => page(visit, Some(problem::of_operation(refusal))),
    })
}

/// The page for the code and the new password.
pub(super) fn show_reset(visit: &Visit<'_>) -> Reply {
    reset_page(visit, None, None)
}

fn reset_page(visit: &Visit<'_>, problem: Option<Problem>, notice: Option<Notice>) -> Reply {
    let Some(stage @ Stage::Reset { username, destination }) = &visit.stage else {
        return sign_in::again(visit, "", Problem::Expired);
    };
    let page = ResetPassword {
        username: username.clone(),
        destination: destination.clone(),
        policy: visit.mount.pool.password_policy(),
        resend_after: Some(RESEND_AFTER),
        problem,
        notice,
    };
    Reply::page(Page::ResetPassword(page), Some(stage.clone()))
}

/// Takes the code and the new password, or sends another code.
pub(super) async fn reset(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let Some(Stage::Reset { username, .. }) = &visit.stage else {
        return Ok(sign_in::again(visit, "", Problem::Expired));
    };
    let (form, mut input) = (&visit.form, about(visit, username));
    if form.get(field::INTENT) == intent::RESEND {
        let operation = OperationName::ForgotPassword;
        return Ok(match visit.operations.call(&visit.ports, operation, &input).await? {
            Ok(_) => reset_page(visit, None, Some(Notice::CodeSent)),
            Err(refusal) => reset_page(visit, Some(problem::of_operation(refusal)), None),
        });
    }
    let (code, password) = (form.code(), form.get(field::NEW_PASSWORD));
    let problem = if code.is_empty() {
        Some(Problem::Missing(field::CODE.to_owned()))
    } else if password.is_empty() {
        Some(Problem::Missing(field::NEW_PASSWORD.to_owned()))
    } else if password != form.get(field::CONFIRM_PASSWORD) {
        Some(Problem::PasswordsDiffer)
    } else {
        None
    };
    if problem.is_some() {
        return Ok(reset_page(visit, problem, None));
    }
    put(&mut input, "ConfirmationCode", code);
    put(&mut input, "Password", password);
    let operation = OperationName::ConfirmForgotPassword;
    Ok(match visit.operations.call(&visit.ports, operation, &input).await? {
        Ok(_) => Reply::go("/login", Some(Stage::PasswordChanged)),
        Err(refusal) => reset_page(visit, Some(problem::of_operation(refusal)), None),
    })
}
