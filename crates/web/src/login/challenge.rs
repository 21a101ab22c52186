//! What is asked in a sign-in after its first step: the page for each challenge, and its answer.

use std::collections::BTreeMap;

use poolhouse_domain::{
    Fault,
    auth::{
        Challenge, Outcome, Parameters,
        answer::{self, AnswerRefused},
        hosted,
    },
    passwords::recovery,
    self_service::OperationName,
    shapes::ChallengeNameType as Name,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    problem, sign_in,
    visit::{Form, RESEND_AFTER, Reply, Stage, Visit, phone_number},
};
use crate::pages::{
    Attribute, Choose, ChooseSetUp, Code, Factor, NewPassword, Notice, Page, Passkey, Password,
    Problem, SetUpContact, SetUpTotp, field, field::intent,
};

/// What is asked, and what the answer needs.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    /// The name that was typed.
    login: String,
    /// The name that goes with answers.
    username: String,
    /// The session of the challenge.
    session: String,
    /// What is asked.
    what: What,
}

#[derive(Clone, Serialize, Deserialize)]
enum What {
    /// A password of one's own, and attributes.
    NewPassword { missing: Vec<String> },
    /// A code of this factor. It may be all that is shown, or have been sent to an address that is
    /// being set up.
    Code { factor: String, destination: String, is_first: bool, is_set_up: bool },
    /// One of these first factors.
    Choose { factors: Vec<String> },
    /// The password, chosen from these first factors.
    Password { factors: Vec<String> },
    /// A passkey.
    Passkey,
    /// One of these second factors.
    ChooseSecond { factors: Vec<String> },
    /// One of these second factors, to be set up.
    ChooseSetUp { factors: Vec<String> },
    /// The first code of a new authenticator app.
    SetUpTotp { secret: String, factors: Vec<String> },
    /// An address for codes of this factor.
    SetUpContact { factor: String, factors: Vec<String> },
}

impl Asked {
    /// Whether a form is an answer to this; otherwise it begins a new sign-in.
    pub(super) fn takes(&self, form: &Form) -> bool {
        let has = |name| form.has(name);
        let other_way = form.get(field::INTENT) == intent::OTHER_WAY;
        other_way
            || match &self.what {
                What::NewPassword { .. } => has(field::NEW_PASSWORD),
                What::Code { .. } | What::SetUpTotp { .. } => has(field::CODE),
                What::Choose { .. } | What::ChooseSecond { .. } | What::ChooseSetUp { .. } => {
                    has(field::FACTOR)
                }
                What::Password { .. } => {
                    let username = form.get(field::USERNAME).trim();
                    has(field::PASSWORD) && [&*self.login, ""].contains(&username)
                }
                What::Passkey => has(field::CREDENTIAL),
                What::SetUpContact { factor, .. } => has(contact_field(factor)),
            }
    }

    fn with(&self, what: What) -> Self {
        Self { what, ..self.clone() }
    }
}

/// Goes on with what a step has led to.
pub(super) async fn go_on(
    visit: &Visit<'_>,
    login: &str,
    outcome: Outcome,
) -> Result<Reply, Fault> {
    match outcome {
        Outcome::Proved(proved) => visit.signed_in(proved).await,
        Outcome::SignedIn(_) => Err(Fault::broken("a sign-in at the pages ended with tokens")),
        Outcome::Challenged(challenge) => ask(visit, login, challenge, &[], false).await,
        Outcome::Offered(challenge, available) => {
            ask(visit, login, challenge, &available, false).await
        }
    }
}

/// Shows the page for a challenge. A code may have been sent to an address that is being set up.
async fn ask(
    visit: &Visit<'_>,
    login: &str,
    challenge: Challenge,
    available: &[Name],
    is_set_up: bool,
) -> Result<Reply, Fault> {
    let Challenge { name, parameters, session } = challenge;
    let text = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    let (session, login) = (session.unwrap_or_default(), login.to_owned());
    let known = parameters.get("USER_ID_FOR_SRP");
    let username = known.cloned().unwrap_or_else(|| login.clone());
    let code = |factor: Factor, destination| What::Code {
        factor: factor.value().to_owned(),
        destination,
        // Where a code is the first factor, its challenge names nobody.
        is_first: known.is_none(),
        is_set_up,
    };
    let what = match name {
        Name::NewPasswordRequired => {
            let missing = list(&text("requiredAttributes"));
            let bare = |name: String| name.trim_start_matches("userAttributes.").to_owned();
            What::NewPassword { missing: missing.into_iter().map(bare).collect() }
        }
        Name::SoftwareTokenMfa => code(Factor::SoftwareToken, text("FRIENDLY_DEVICE_NAME")),
        Name::SmsMfa => code(Factor::SmsMfa, text("CODE_DELIVERY_DESTINATION")),
        Name::SmsOtp => code(Factor::SmsOtp, text("CODE_DELIVERY_DESTINATION")),
        Name::EmailOtp => code(Factor::EmailOtp, text("CODE_DELIVERY_DESTINATION")),
        Name::SelectMfaType => What::ChooseSecond { factors: list(&text("MFAS_CAN_CHOOSE")) },
        Name::SelectChallenge => {
            let offered = available.iter().map(|name| name.as_str().to_owned());
            let factors: Vec<_> = offered.filter(|name| Factor::of(name).is_some()).collect();
            match factors.as_slice() {
                [only] if only == Factor::Password.value() => What::Password { factors },
                _ => What::Choose { factors },
            }
        }
        Name::WebAuthn => What::Passkey,
        Name::MfaSetup => {
            let mut factors = list(&text("MFAS_CAN_SETUP"));
            // What costs nothing and works everywhere comes first.
            factors.sort_by_key(|name| name != Factor::SoftwareToken.value());
            What::ChooseSetUp { factors }
        }
        _ => return Ok(sign_in::again(visit, &login, Problem::Credentials)),
    };
    let asked = Asked { login, username, session, what };
    if let What::ChooseSetUp { factors } = &asked.what
        && let [only] = factors.as_slice()
    {
        return set_up(visit, &asked, only, factors).await;
    }
    if matches!(asked.what, What::Passkey) {
        let page = Passkey {
            username: asked.login.clone(),
            options: text("CREDENTIAL_REQUEST_OPTIONS"),
            has_other_ways: true,
            problem: None,
        };
        return Ok(Reply::page(Page::Passkey(page), Some(Stage::Asked(asked))));
    }
    Ok(shown(visit, asked, None))
}

/// The field for the address to which the codes of a factor go.
fn contact_field(factor: &str) -> &'static str {
    if factor == Factor::SmsMfa.value() { field::PHONE_NUMBER } else { field::EMAIL }
}

/// A list as challenge parameters hold it.
fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

fn factors(names: &[String]) -> Vec<Factor> {
    names.iter().filter_map(|name| Factor::of(name)).collect()
}

/// The page for what is asked.
fn shown(visit: &Visit<'_>, asked: Asked, problem: Option<Problem>) -> Reply {
    shown_with(visit, asked, problem, None)
}

fn shown_with(
    visit: &Visit<'_>,
    asked: Asked,
    problem: Option<Problem>,
    notice: Option<Notice>,
) -> Reply {
    let (pool, username) = (&visit.mount.pool, asked.login.clone());
    let page = match &asked.what {
        What::NewPassword { missing } => Page::NewPassword(NewPassword {
            username,
            policy: pool.password_policy(),
            attributes: missing.iter().map(|name| attribute(visit, name)).collect(),
            problem,
        }),
        What::Code { factor, destination, is_first, is_set_up } => {
            let factor = Factor::of(factor).unwrap_or(Factor::SoftwareToken);
            Page::Code(Code {
                factor,
                destination: destination.clone(),
                // The codes of sign-ins by choice have eight digits.
                length: if *is_first { 8 } else { 6 },
                resend_after: (factor != Factor::SoftwareToken).then_some(RESEND_AFTER),
                has_other_ways: *is_first || *is_set_up,
                problem,
                notice,
            })
        }
        What::Choose { factors: names } | What::ChooseSecond { factors: names } => {
            Page::Choose(Choose { username, factors: factors(names), problem })
        }
        What::Password { factors } => {
            let may_recover = !recovery::is_for_administrators_only(pool);
            Page::Password(Password {
                username,
                forgot_password: may_recover.then(|| visit.link("/forgotPassword")),
                has_other_ways: factors.len() > 1,
                problem,
            })
        }
        // Its options are asked for anew.
        What::Passkey => {
            return sign_in::again(visit, &username, problem.unwrap_or(Problem::Expired));
        }
        What::ChooseSetUp { factors: names } => {
            Page::ChooseSetUp(ChooseSetUp { factors: factors(names), problem })
        }
        What::SetUpTotp { secret, factors } => Page::SetUpTotp(SetUpTotp {
            uri: uri(visit, &asked.login, secret),
            secret: secret.clone(),
            has_other_ways: factors.len() > 1,
            problem,
        }),
        What::SetUpContact { factor, factors } => Page::SetUpContact(SetUpContact {
            factor: Factor::of(factor).unwrap_or(Factor::EmailOtp),
            value: visit.form.get(contact_field(factor)).to_owned(),
            has_other_ways: factors.len() > 1,
            problem,
        }),
    };
    Reply::page(page, Some(Stage::Asked(asked)))
}

/// The field for an attribute, with what was entered before.
pub(super) fn attribute(visit: &Visit<'_>, name: &str) -> Attribute {
    let schema = visit.mount.pool.schema_attribute(name);
    let text = schema.and_then(|schema| schema.string_attribute_constraints.as_ref());
    let max_length = text.and_then(|text| text.max_length.as_ref()?.parse().ok());
    let kind = schema.and_then(|schema| schema.attribute_data_type);
    Attribute {
        name: name.to_owned(),
        value: visit.form.get(&field::attribute(name)).to_owned(),
        is_number: kind.is_some_and(|kind| kind.as_str() == "Number"),
        max_length,
    }
}

/// What authenticator apps read from the picture.
fn uri(visit: &Visit<'_>, login: &str, secret: &str) -> String {
    let encode = |text: &str| {
        let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        text.replace('+', "%20")
    };
    let name = visit.mount.pool.settings.name.as_deref().unwrap_or("Poolhouse");
    let (issuer, login) = (encode(name), encode(login));
    format!("otpauth://totp/{issuer}:{login}?secret={secret}&issuer={issuer}")
}

/// Takes the answer to what is asked.
pub(super) async fn answer(visit: &Visit<'_>, asked: &Asked) -> Result<Reply, Fault> {
    let form = &visit.form;
    if form.get(field::INTENT) == intent::OTHER_WAY {
        return other_way(visit, asked).await;
    }
    if form.get(field::INTENT) == intent::RESEND
        && let What::Code { is_set_up, .. } = &asked.what
    {
        return send_again(visit, asked, *is_set_up).await;
    }
    let chosen = form.get(field::FACTOR);
    match &asked.what {
        What::NewPassword { missing } => new_password(visit, asked, missing).await,
        What::Code { factor, .. } => {
            let name = match Factor::of(factor) {
                Some(Factor::SmsMfa) => Name::SmsMfa,
                Some(Factor::SmsOtp) => Name::SmsOtp,
                Some(Factor::EmailOtp) => Name::EmailOtp,
                _ => Name::SoftwareTokenMfa,
            };
            let code = form.code();
            if code.is_empty() {
                return Ok(missing(visit, asked, field::CODE));
            }
            send(visit, asked, name, [(format!("{name}_CODE"), code)]).await
        }
        What::Choose { factors } if factors.iter().any(|name| name == chosen) => {
            if chosen == Factor::Password.value() {
                let what = What::Password { factors: factors.clone() };
                return Ok(shown(visit, asked.with(what), None));
            }
            let choice = [("ANSWER".to_owned(), chosen.to_owned())];
            send(visit, asked, Name::SelectChallenge, choice).await
        }
        What::Password { .. } => {
            let password = form.get(field::PASSWORD);
            if password.is_empty() {
                return Ok(missing(visit, asked, field::PASSWORD));
            }
            let answers = [("ANSWER", Factor::Password.value()), ("PASSWORD", password)];
            let answers = answers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            send(visit, asked, Name::SelectChallenge, answers).await
        }
        What::Passkey => {
            let credential = form.get(field::CREDENTIAL).to_owned();
            send(visit, asked, Name::WebAuthn, [("CREDENTIAL".to_owned(), credential)]).await
        }
        What::ChooseSecond { factors } if factors.iter().any(|name| name == chosen) => {
            let choice = [("ANSWER".to_owned(), chosen.to_owned())];
            send(visit, asked, Name::SelectMfaType, choice).await
        }
        What::ChooseSetUp { factors } if factors.iter().any(|name| name == chosen) => {
            set_up(visit, asked, chosen, factors).await
        }
        What::Choose { .. } | What::ChooseSecond { .. } | What::ChooseSetUp { .. } => {
            Ok(shown(visit, asked.clone(), None))
        }
        What::SetUpTotp { .. } => verify_totp(visit, asked).await,
        What::SetUpContact { factor, .. } => {
            let name = contact_field(factor);
            let address = phone_number(form.get(name));
            if address.is_empty() {
                return Ok(missing(visit, asked, name));
            }
            send(visit, asked, Name::MfaSetup, [(name.to_uppercase(), address)]).await
        }
    }
}

fn missing(visit: &Visit<'_>, asked: &Asked, name: &str) -> Reply {
    shown(visit, asked.clone(), Some(Problem::Missing(name.to_owned())))
}

/// Back to the choice.
async fn other_way(visit: &Visit<'_>, asked: &Asked) -> Result<Reply, Fault> {
    let what = match &asked.what {
        What::Password { factors } => What::Choose { factors: factors.clone() },
        What::SetUpTotp { factors, .. } | What::SetUpContact { factors, .. } => {
            What::ChooseSetUp { factors: factors.clone() }
        }
        What::Code { is_set_up: true, .. } => {
            let parameters = hosted::parameters(&visit.checked.client, &asked.username);
            let back = hosted::set_up_again(visit.place(), &asked.session, &parameters).await?;
            return match back {
                Ok(outcome) => Box::pin(go_on(visit, &asked.login, outcome)).await,
                Err(refused) => Ok(refused_as(visit, asked, &refused)),
            };
        }
        // What was chosen has used the session up.
        What::Code { .. } | What::Passkey if hosted::is_by_choice(&visit.checked.client) => {
            let acr_values = visit.checked.request.acr_values.as_deref();
            let started = hosted::with_name(visit.place(), &asked.login, acr_values).await?;
            return Box::pin(sign_in::started_as(visit, &asked.login, started)).await;
        }
        _ => return Ok(shown(visit, asked.clone(), None)),
    };
    Ok(shown(visit, asked.with(what), None))
}

/// Sends an answer through the sign-in, and goes on with what it leads to.
async fn send(
    visit: &Visit<'_>,
    asked: &Asked,
    name: Name,
    answers: impl IntoIterator<Item = (String, String)>,
) -> Result<Reply, Fault> {
    let mut responses: Parameters = hosted::parameters(&visit.checked.client, &asked.username);
    responses.extend(answers);
    let session = Some(asked.session.as_str());
    let answered = answer::answer(visit.place(), name, session, &responses).await?;
    match answered {
        Ok(Outcome::Challenged(challenge)) => {
            let is_set_up = matches!(asked.what, What::SetUpContact { .. });
            Box::pin(ask(visit, &asked.login, challenge, &[], is_set_up)).await
        }
        Ok(outcome) => Box::pin(go_on(visit, &asked.login, outcome)).await,
        Err(refused) => Ok(refused_as(visit, asked, &refused)),
    }
}

/// Sends another code, or says why not.
async fn send_again(visit: &Visit<'_>, asked: &Asked, is_set_up: bool) -> Result<Reply, Fault> {
    let parameters = hosted::parameters(&visit.checked.client, &asked.username);
    match hosted::send_again(visit.place(), &asked.session, &parameters).await? {
        Ok(Outcome::Challenged(challenge)) => {
            let reply = ask(visit, &asked.login, challenge, &[], is_set_up).await?;
            Ok(match reply.stage {
                Some(Stage::Asked(asked)) => shown_with(visit, asked, None, Some(Notice::CodeSent)),
                _ => reply,
            })
        }
        Ok(_) => Err(Fault::broken("a code was sent again, and something else is asked")),
        Err(refused) => Ok(refused_as(visit, asked, &refused)),
    }
}

fn refused_as(visit: &Visit<'_>, asked: &Asked, refused: &AnswerRefused) -> Reply {
    if matches!(asked.what, What::Passkey) {
        return sign_in::again(visit, &asked.login, Problem::PasskeyRefused);
    }
    if let (What::SetUpContact { factor, .. }, AnswerRefused::BadAddress) = (&asked.what, refused) {
        let is_phone = contact_field(factor) == field::PHONE_NUMBER;
        let name = if is_phone { "phone_number" } else { "email" };
        let problem = Problem::InvalidAttribute(name.to_owned());
        return shown(visit, asked.clone(), Some(problem));
    }
    match (problem::of_answer(refused), refused) {
        (Some(problem), _) => shown(visit, asked.clone(), Some(problem)),
        (None, AnswerRefused::SignIn(refused)) => sign_in::refused_as(visit, &asked.login, refused),
        (None, _) => sign_in::again(visit, &asked.login, Problem::Expired),
    }
}

async fn new_password(
    visit: &Visit<'_>,
    asked: &Asked,
    missing_attributes: &[String],
) -> Result<Reply, Fault> {
    let form = &visit.form;
    let password = form.get(field::NEW_PASSWORD);
    if password.is_empty() {
        return Ok(missing(visit, asked, field::NEW_PASSWORD));
    }
    if password != form.get(field::CONFIRM_PASSWORD) {
        return Ok(shown(visit, asked.clone(), Some(Problem::PasswordsDiffer)));
    }
    let mut answers = BTreeMap::from([("NEW_PASSWORD".to_owned(), password.to_owned())]);
    for name in missing_attributes {
        let value = visit.attribute(name);
        if value.is_empty() {
            return Ok(missing(visit, asked, &field::attribute(name)));
        }
        answers.insert(format!("userAttributes.{name}"), value);
    }
    send(visit, asked, Name::NewPasswordRequired, answers).await
}

/// Begins to set up a second factor.
async fn set_up(
    visit: &Visit<'_>,
    asked: &Asked,
    factor: &str,
    factors: &[String],
) -> Result<Reply, Fault> {
    let factors = factors.to_vec();
    if factor != Factor::SoftwareToken.value() {
        let what = What::SetUpContact { factor: factor.to_owned(), factors };
        return Ok(shown(visit, asked.with(what), None));
    }
    let input = json!({ "Session": asked.session });
    let operation = OperationName::AssociateSoftwareToken;
    match visit.operations.call(&visit.ports, operation, &input).await? {
        Ok(answer) => {
            let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
            let what = What::SetUpTotp { secret: text("SecretCode").to_owned(), factors };
            let asked = Asked { session: text("Session").to_owned(), ..asked.with(what) };
            Ok(shown(visit, asked, None))
        }
        Err(_) => Ok(sign_in::again(visit, &asked.login, Problem::Expired)),
    }
}

/// Takes the first code of a new authenticator app, and goes on with the sign-in.
async fn verify_totp(visit: &Visit<'_>, asked: &Asked) -> Result<Reply, Fault> {
    let code = visit.form.code();
    if code.is_empty() {
        return Ok(missing(visit, asked, field::CODE));
    }
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(shown(visit, asked.clone(), Some(Problem::WrongCode)));
    }
    let mut input = json!({ "Session": asked.session, "UserCode": code });
    let name = visit.form.get(field::DEVICE_NAME).trim();
    if let (false, Some(input)) = (name.is_empty(), input.as_object_mut()) {
        input.insert("FriendlyDeviceName".to_owned(), name.into());
    }
    let operation = OperationName::VerifySoftwareToken;
    match visit.operations.call(&visit.ports, operation, &input).await? {
        Ok(answer) => {
            let session = answer.get("Session").and_then(Value::as_str).unwrap_or_default();
            let asked = Asked { session: session.to_owned(), ..asked.clone() };
            send(visit, &asked, Name::MfaSetup, []).await
        }
        Err(refusal) if refusal.name == "NotAuthorizedException" => {
            Ok(sign_in::again(visit, &asked.login, Problem::Expired))
        }
        Err(refusal) => Ok(shown(visit, asked.clone(), Some(problem::of_operation(refusal)))),
    }
}
