//! `/signup` and `/confirm`: a new account, and the code that confirms it.

use http::{Response, StatusCode, request::Parts};
use poolhouse_domain::{
    Fault,
    attributes::Contact,
    auth::{Outcome, hosted},
    oauth::{authorize::Refused, mount::Mount, parameters::Parameters},
    passwords::policy,
    ports::Ports,
    self_service::{OperationName, Operations},
    shapes::{AuthFactorType, UserPoolMfaType},
    sign_up,
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    challenge, problem, sign_in,
    visit::{RESEND_AFTER, Reply, Stage, Visit},
};
use crate::{
    look, oauth,
    pages::{
        Confirm, LinkResult, Look, Notice, Page, Problem, SignUp, Terms, Username, UsernameKind,
        field, field::intent, respond,
    },
};

/// The page for a new account.
pub(super) async fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    page(visit, None).await
}

async fn page(visit: &Visit<'_>, problem: Option<Problem>) -> Result<Reply, Fault> {
    if !is_open(visit) {
        return Ok(Reply::go("/login", None));
    }
    let names = attributes(visit);
    let page = SignUp {
        username: Username { kind: kind(visit), value: visit.username() },
        policy: visit.mount.pool.password_policy(),
        is_password_optional: is_password_optional(visit),
        attributes: names.iter().map(|name| challenge::attribute(visit, name)).collect(),
        terms: terms(visit).await?,
        providers: Vec::new(),
        sign_in: Some(visit.link("/login")),
        problem,
    };
    Ok(Reply::page(Page::SignUp(page), None))
}

/// Whether people may make accounts for themselves here.
fn is_open(visit: &Visit<'_>) -> bool {
    visit.has_own_users() && sign_up::is_open(&visit.mount.pool)
}

/// What an account is called. An alias comes with its attribute, not as the name.
fn kind(visit: &Visit<'_>) -> UsernameKind {
    match visit.username_kind() {
        by @ (UsernameKind::Email | UsernameKind::Phone | UsernameKind::EmailOrPhone) => by,
        _ => UsernameKind::Username,
    }
}

/// The attributes that are asked for: the required ones, and an address for the code if there would
/// be none. Without what is the name itself.
fn attributes(visit: &Visit<'_>) -> Vec<String> {
    let pool = &visit.mount.pool;
    let is_name = |name: &str| pool.username_attributes().iter().any(|a| a.as_str() == name);
    let required = pool.required_attributes().filter(|name| *name != "sub" && !is_name(name));
    let mut names: Vec<String> = required.map(str::to_owned).collect();
    let verified = pool.auto_verified_attributes();
    let is_asked = |name: &str| is_name(name) || names.iter().any(|asked| asked == name);
    if !verified.iter().any(|attribute| is_asked(attribute.as_str()))
        && let Some(attribute) = verified.first()
    {
        names.push(attribute.as_str().to_owned());
    }
    names
}

/// Whether people can have an account without a password: if the contact that the sign-up verifies is
/// one to which codes for signing in go. They would have to show a password where a second factor is
/// required, and where people don't choose by what they sign in.
fn is_password_optional(visit: &Visit<'_>) -> bool {
    let pool = &visit.mount.pool;
    let may_do_without = !visit.look.brand.is_classic()
        && hosted::is_by_choice(&visit.checked.client)
        && pool.mfa() != UserPoolMfaType::On;
    let asked = attributes(visit);
    let is_asked = |contact: &Contact| {
        let name = contact.attribute();
        let is_name = pool.username_attributes().iter().any(|a| a.as_str() == name);
        is_name || asked.iter().any(|asked| asked == name)
    };
    let verified = pool.auto_verified_attributes();
    // Where the name is one of both, either may be the only one that somebody has.
    let is_any_name = pool.username_attributes().len() > 1;
    if is_any_name && Contact::ALL.into_iter().any(|c| !verified.contains(&c.setting())) {
        return false;
    }
    let contacts = Contact::ALL.into_iter().filter(|c| verified.contains(&c.setting()));
    let mut contacts = contacts.filter(is_asked).peekable();
    let is_factor = |contact| match contact {
        Contact::Email => policy::is_first_factor(pool, AuthFactorType::EmailOtp),
        Contact::PhoneNumber => policy::is_first_factor(pool, AuthFactorType::SmsOtp),
    };
    may_do_without && contacts.peek().is_some() && contacts.all(is_factor)
}

/// The links of the terms sentence, if the client has both documents.
async fn terms(visit: &Visit<'_>) -> Result<Option<Terms>, Fault> {
    if visit.look.brand.is_classic() {
        return Ok(None);
    }
    let client_id = visit.checked.client.id();
    let mut view = visit.ports.store.read().await?;
    let of_use = view.terms_of_client(client_id, "terms-of-use").await?;
    let privacy = view.terms_of_client(client_id, "privacy-policy").await?;
    let (Some(of_use), Some(privacy)) = (of_use, privacy) else { return Ok(None) };
    Ok(visit.look.language.terms(&of_use.details.links, &privacy.details.links))
}

/// Takes the form for a new account.
pub(super) async fn take(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let form = &visit.form;
    if !is_open(visit) {
        return Ok(Reply::go("/login", None));
    }
    let names = attributes(visit);
    let needed = names.iter().map(|name| field::attribute(name));
    let password = form.get(field::PASSWORD);
    let needs_password = !is_password_optional(visit);
    let first = [field::USERNAME].into_iter().chain(needs_password.then_some(field::PASSWORD));
    for name in first.map(str::to_owned).chain(needed) {
        if form.get(&name).trim().is_empty() {
            return page(visit, Some(Problem::Missing(name))).await;
        }
    }
    let username = &visit.username();
    let given = |name: &String| json!({ "Name": name, "Value": visit.attribute(name) });
    let given: Vec<Value> = names.iter().map(given).collect();
    let mut input = about(visit, username);
    if !password.is_empty() {
        put(&mut input, "Password", password);
    }
    put(&mut input, "UserAttributes", given);
    let answer = match visit.operations.call(&visit.ports, OperationName::SignUp, &input).await? {
        Ok(answer) => answer,
        Err(refusal) => return page(visit, Some(problem::of_operation(refusal))).await,
    };
    let is_confirmed = answer.get("UserConfirmed") == Some(&Value::Bool(true));
    let sub = answer.get("UserSub").and_then(Value::as_str).unwrap_or_default();
    if is_confirmed {
        let session = hosted::after_confirmed_sign_up(visit.place(), sub, !password.is_empty())?;
        let started = hosted::after_confirmation(visit.place(), username, &session).await?;
        return match started {
            Ok(outcome) => signed_up(visit, username, outcome).await,
            refused => sign_in::started_as(visit, username, refused).await,
        };
    }
    let Some(destination) = destination(&answer) else {
        // Nothing was sent: an administrator has to confirm the account.
        return Ok(sign_in::again(visit, username, Problem::NotConfirmed));
    };
    let session = Some(hosted::after_sign_up(visit.place(), sub)?);
    let stage = Stage::Confirm { username: username.to_owned(), session, destination };
    Ok(Reply::go("/confirm", Some(stage)))
}

/// What every operation needs to know: which client, who, and the proof of the client's secret.
pub(super) fn about(visit: &Visit<'_>, username: &str) -> Value {
    about_of(&visit.checked.client, username)
}

fn about_of(client: &poolhouse_domain::app_clients::AppClient, username: &str) -> Value {
    let mut input = json!({ "ClientId": client.id(), "Username": username });
    if let Some(hash) = hosted::secret_hash(client, username) {
        put(&mut input, "SecretHash", hash);
    }
    input
}

/// Adds a member to the input of an operation.
pub(super) fn put(input: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = input.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

/// Where a code was sent, if one was.
pub(super) fn destination(answer: &Value) -> Option<String> {
    let details = answer.get("CodeDeliveryDetails")?;
    Some(details.get("Destination")?.as_str()?.to_owned())
}

/// The page for the code.
pub(super) fn show_confirm(visit: &Visit<'_>) -> Reply {
    confirm_page(visit, None, None)
}

fn confirm_page(visit: &Visit<'_>, problem: Option<Problem>, notice: Option<Notice>) -> Reply {
    let Some(stage @ Stage::Confirm { username, destination, session }) = &visit.stage else {
        return sign_in::again(visit, "", Problem::Expired);
    };
    let page = Confirm {
        username: username.clone(),
        destination: destination.clone(),
        // Who comes back to it may wait for a code that is long gone.
        resend_after: Some(if session.is_some() { RESEND_AFTER } else { 0 }),
        sign_in: Some(visit.link("/login")),
        problem,
        notice,
    };
    Reply::page(Page::Confirm(page), Some(stage.clone()))
}

/// Takes the code, or sends another. Who signed up in this browser is signed in.
pub(super) async fn confirm(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let Some(Stage::Confirm { username, session, .. }) = &visit.stage else {
        return Ok(sign_in::again(visit, "", Problem::Expired));
    };
    let mut input = about(visit, username);
    if visit.form.get(field::INTENT) == intent::RESEND {
        let operation = OperationName::ResendConfirmationCode;
        return Ok(match visit.operations.call(&visit.ports, operation, &input).await? {
            Ok(_) => confirm_page(visit, None, Some(Notice::CodeSent)),
            Err(refusal) => confirm_page(visit, Some(problem::of_operation(refusal)), None),
        });
    }
    let code = visit.form.code();
    if code.is_empty() {
        return Ok(confirm_page(visit, Some(Problem::Missing(field::CODE.to_owned())), None));
    }
    put(&mut input, "ConfirmationCode", code);
    if let Some(session) = session {
        put(&mut input, "Session", session.as_str());
    }
    let operation = OperationName::ConfirmSignUp;
    let answer = match visit.operations.call(&visit.ports, operation, &input).await? {
        Ok(answer) => answer,
        Err(refusal) => {
            return Ok(confirm_page(visit, Some(problem::of_operation(refusal)), None));
        }
    };
    let Some(session) = answer.get("Session").and_then(Value::as_str) else {
        return Ok(Reply::go("/login", Some(Stage::Confirmed)));
    };
    let started = hosted::after_confirmation(visit.place(), username, session).await?;
    match started {
        Ok(outcome) => signed_up(visit, username, outcome).await,
        // They sign in by themselves.
        Err(_) => Ok(Reply::go("/login", Some(Stage::Confirmed))),
    }
}

/// Goes on with the sign-in that follows a sign-up.
async fn signed_up(visit: &Visit<'_>, username: &str, outcome: Outcome) -> Result<Reply, Fault> {
    match outcome {
        Outcome::Proved(proved) => visit.signed_up(proved).await,
        outcome => challenge::go_on(visit, username, outcome).await,
    }
}

/// Confirms an account by the link in a message.
pub(super) async fn by_link(
    ports: &Ports,
    operations: &dyn Operations,
    mount: &Mount,
    parts: &Parts,
) -> Result<Response<String>, Fault> {
    let query = Parameters::parse(parts.uri.query().unwrap_or_default());
    let one = |name| query.one(name).ok().flatten();
    let refused = |refused| Ok(oauth::authorize_refused(mount, parts, &refused));
    let Some(client_id) = one("client_id") else { return refused(Refused::Missing("client_id")) };
    let Some(username) = one("user_name") else { return refused(Refused::Missing("user_name")) };
    let Some(code) = one("confirmation_code") else {
        return refused(Refused::Missing("confirmation_code"));
    };
    let client = ports.directory.app_client(client_id).await?;
    let Some(client) = client.filter(|client| client.user_pool_id() == mount.pool.id()) else {
        return refused(Refused::UnknownClient);
    };
    let Some(look) = look::of_client(ports, mount, client.id(), parts).await? else {
        let page = respond(StatusCode::OK, &Look::default(), &Page::Unavailable);
        return Ok(look::text(page));
    };
    let look = Look { here: None, ..look };
    let mut input = about_of(&client, username);
    put(&mut input, "ConfirmationCode", code);
    let problem = operations.call(ports, OperationName::ConfirmSignUp, &input).await?.err();
    let callback = client.settings.callback_urls.as_ref().and_then(|urls| urls.first());
    let sign_in = callback.map(|url| {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", client.id()),
                ("response_type", "code"),
                ("redirect_uri", url),
            ])
            .finish();
        format!("{}/login?{query}", mount.path)
    });
    let page = LinkResult { problem: problem.map(problem::of_operation), sign_in };
    Ok(look::text(respond(StatusCode::OK, &look, &Page::LinkResult(page))))
}
