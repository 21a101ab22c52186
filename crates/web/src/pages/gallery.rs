//! Every page with sample data, in any language and look: for `dev`, to look at pages while a style
//! is made, and for tests.

use askama::Template;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{CONTENT_TYPE, X_FRAME_OPTIONS},
    request::Parts,
};
use poolhouse_domain::{Fault, ports::Ports, user_pools::PasswordPolicy};

use super::{
    AddPasskey, Attribute, Brand, Cause, Choose, ChooseSetUp, Code, Confirm, Continue, Factor,
    Failed, ForgotPassword, Language, LinkResult, Look, NewPassword, Notice, Page, Passkey,
    Password, Problem, Provider, ProviderKind, ResetPassword, SetUpContact, SetUpTotp, SignIn,
    SignUp, SignedOut, Terms, Username, UsernameKind, brand::Scheme, files, respond,
};

/// Where the gallery is, after the prefix for endpoints of our own.
pub const PATH: &str = "pages";

/// What the query asks for; anything that is not known counts as absent.
#[derive(Default)]
struct Wanted {
    language: Language,
    is_classic: bool,
    scheme: Option<Scheme>,
    client_id: String,
}

#[derive(Template)]
#[template(path = "gallery.html")]
struct Index<'a> {
    stylesheet: &'a str,
    style: String,
    query: &'a str,
    wanted: &'a Wanted,
    modes: [(&'static str, Option<Scheme>); 4],
    languages: [Language; 12],
    pages: Vec<&'static str>,
}

/// Answers a request for the gallery (an empty `name`) or a page in it.
pub async fn serve(ports: &Ports, parts: &Parts, name: &str) -> Response<Vec<u8>> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return bare(StatusCode::METHOD_NOT_ALLOWED);
    }
    let query = parts.uri.query().unwrap_or_default();
    let wanted = Wanted::of(query);
    let brand = match brand(ports, &wanted).await {
        Ok(Some(brand)) => brand,
        Ok(None) => return bare(StatusCode::NOT_FOUND),
        Err(fault) => {
            tracing::error!(%fault, "a style can't be read");
            return bare(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    let name = name.trim_start_matches('/');
    if name.is_empty() {
        return index(&wanted, query);
    }
    let samples = samples(&ToOwned::to_owned);
    let Some((_, page)) = samples.into_iter().find(|(sample, _)| *sample == name) else {
        return bare(StatusCode::NOT_FOUND);
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("lang=")).collect();
    let here = format!("{}?{}", parts.uri.path(), kept.join("&"));
    let look = Look {
        language: wanted.language,
        here: Some(here).filter(|_| !wanted.is_classic),
        brand,
        csrf: "sample".to_owned(),
    };
    respond(StatusCode::OK, &look, &page)
}

impl Wanted {
    fn of(query: &str) -> Self {
        let mut wanted = Self::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match (name, value) {
                ("lang", code) => wanted.language = Language::of_code(code).unwrap_or_default(),
                ("pages", value) => wanted.is_classic = value == "classic",
                ("mode", "LIGHT") => wanted.scheme = Some(Scheme::Light),
                ("mode", "DARK") => wanted.scheme = Some(Scheme::Dark),
                ("mode", "DYNAMIC") => wanted.scheme = Some(Scheme::Dynamic),
                ("client", id) if id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                    id.clone_into(&mut wanted.client_id);
                }
                _ => {}
            }
        }
        wanted
    }
}

/// The look of an app client, or the built-in one; `None` if there is no such client or style.
async fn brand(ports: &Ports, wanted: &Wanted) -> Result<Option<Brand>, Fault> {
    let brand = if wanted.client_id.is_empty() {
        if wanted.is_classic { Brand::classic(None) } else { Brand::default() }
    } else {
        let Some(client) = ports.directory.app_client(&wanted.client_id).await? else {
            return Ok(None);
        };
        let mut tx = ports.store.read().await?;
        let (pool, is_managed) = (client.user_pool_id(), !wanted.is_classic);
        match Brand::load(&mut *tx, pool, &wanted.client_id, is_managed).await? {
            Some(brand) => brand,
            None => return Ok(None),
        }
    };
    Ok(Some(match wanted.scheme {
        Some(scheme) => brand.in_scheme(scheme),
        None => brand,
    }))
}

fn index(wanted: &Wanted, query: &str) -> Response<Vec<u8>> {
    let index = Index {
        stylesheet: &files::STYLESHEET.href,
        style: Brand::default().in_scheme(Scheme::Dynamic).stylesheet(),
        query,
        wanted,
        modes: [
            ("", None),
            ("LIGHT", Some(Scheme::Light)),
            ("DARK", Some(Scheme::Dark)),
            ("DYNAMIC", Some(Scheme::Dynamic)),
        ],
        languages: Language::ALL,
        pages: samples(&ToOwned::to_owned).into_iter().map(|(name, _)| name).collect(),
    };
    let mut response = Response::new(index.render().unwrap_or_default().into_bytes());
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response.headers_mut().insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

/// A response without a body.
fn bare(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

/// What a sample's texts go through: as they are for the gallery, changed for tests.
type Text<'a> = &'a dyn Fn(&str) -> String;

/// Every page, some of them in several states. Each string of a view model is there in one of them.
pub(super) fn samples(s: Text<'_>) -> Vec<(&'static str, Page)> {
    let mut samples = sign_in(s);
    samples.extend(factors(s));
    samples.extend(set_up(s));
    samples.extend(accounts(s));
    samples.extend(messages(s));
    samples
}

fn sign_in(s: Text<'_>) -> Vec<(&'static str, Page)> {
    let password = SignIn {
        username: Some(Username { kind: UsernameKind::Email, value: String::new() }),
        is_identity_first: false,
        passkey_options: None,
        providers: Vec::new(),
        domain_search: None,
        forgot_password: Some(s("/forgotPassword")),
        sign_up: Some(s("/signup")),
        problem: None,
        notice: None,
    };
    let refused = SignIn {
        username: Some(Username { kind: UsernameKind::Any, value: s("jane") }),
        providers: providers(s),
        problem: Some(Problem::Credentials),
        ..password.clone()
    };
    let identity_first = SignIn {
        username: Some(Username { kind: UsernameKind::UsernameOrEmail, value: String::new() }),
        is_identity_first: true,
        passkey_options: Some(s(r#"{"challenge":"AAAA","rpId":"localhost"}"#)),
        notice: Some(Notice::PasswordChanged),
        ..password.clone()
    };
    let only_providers = SignIn {
        username: None,
        domain_search: Some(s("")),
        providers: providers(s),
        forgot_password: None,
        sign_up: None,
        ..password.clone()
    };
    let search = SignIn {
        username: Some(Username { kind: UsernameKind::Phone, value: s("+15550100199") }),
        domain_search: Some(s("jane@example.com")),
        problem: Some(Problem::UnknownDomain),
        ..password.clone()
    };
    vec![
        ("sign-in", Page::SignIn(password)),
        ("sign-in-refused", Page::SignIn(refused)),
        ("sign-in-identity-first", Page::SignIn(identity_first)),
        ("sign-in-providers", Page::SignIn(only_providers)),
        ("sign-in-search", Page::SignIn(search)),
    ]
}

fn providers(s: Text<'_>) -> Vec<Provider> {
    let provider = |name, kind| Provider {
        name: s(name),
        kind,
        href: s("/oauth2/authorize?identity_provider=sample"),
    };
    vec![
        provider("Google", ProviderKind::Google),
        provider("Facebook", ProviderKind::Facebook),
        provider("Amazon", ProviderKind::Amazon),
        provider("Apple", ProviderKind::Apple),
        provider("Example Company", ProviderKind::Company),
    ]
}

fn factors(s: Text<'_>) -> Vec<(&'static str, Page)> {
    let password = Password {
        username: s("jane@example.com"),
        forgot_password: Some(s("/forgotPassword")),
        has_other_ways: true,
        problem: None,
    };
    let choose = Choose {
        username: s("jane@example.com"),
        factors: vec![Factor::Passkey, Factor::Password, Factor::EmailOtp, Factor::SmsOtp],
        problem: None,
    };
    let choose_second = Choose {
        factors: vec![Factor::SoftwareToken, Factor::SmsMfa, Factor::EmailOtp],
        ..choose.clone()
    };
    let email = Code {
        factor: Factor::EmailOtp,
        destination: s("j***@e***"),
        length: 8,
        resend_after: Some(30),
        has_other_ways: true,
        problem: None,
        notice: None,
    };
    let sms = Code {
        factor: Factor::SmsMfa,
        destination: s("+*******0199"),
        length: 6,
        resend_after: Some(0),
        has_other_ways: false,
        notice: Some(Notice::CodeSent),
        ..email.clone()
    };
    let app = Code {
        factor: Factor::SoftwareToken,
        destination: s("Jane's phone"),
        length: 6,
        resend_after: None,
        problem: Some(Problem::WrongCode),
        ..email.clone()
    };
    let passkey = Passkey {
        username: s("jane@example.com"),
        options: s(r#"{"challenge":"AAAA","rpId":"localhost"}"#),
        has_other_ways: true,
        problem: None,
    };
    vec![
        ("password", Page::Password(password)),
        ("choose", Page::Choose(choose)),
        ("choose-second", Page::Choose(choose_second)),
        ("code-email", Page::Code(email)),
        ("code-sms", Page::Code(sms)),
        ("code-app", Page::Code(app)),
        ("passkey", Page::Passkey(passkey)),
    ]
}

fn set_up(s: Text<'_>) -> Vec<(&'static str, Page)> {
    let secret = s("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSW");
    let totp = SetUpTotp {
        uri: s("otpauth://totp/Example:jane@example.com?secret=\
                JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSW&issuer=Example"),
        secret,
        has_other_ways: true,
        problem: None,
    };
    let email = SetUpContact {
        factor: Factor::EmailOtp,
        value: s("jane@example"),
        has_other_ways: true,
        problem: Some(Problem::Missing(super::field::EMAIL.to_owned())),
    };
    let sms = SetUpContact {
        factor: Factor::SmsMfa,
        value: String::new(),
        problem: None,
        has_other_ways: false,
    };
    let wrong_sms = SetUpContact {
        value: s("+1 555"),
        problem: Some(Problem::InvalidAttribute(s("phone_number"))),
        has_other_ways: true,
        ..sms.clone()
    };
    let choose = ChooseSetUp {
        factors: vec![Factor::SoftwareToken, Factor::EmailOtp, Factor::SmsMfa],
        problem: Some(Problem::Text(s("Your organization asks for it."))),
    };
    let add_passkey = AddPasskey {
        options: Some(s(concat!(
            r#"{"challenge":"AAAA","rp":{"id":"localhost","name":"localhost"},"#,
            r#""user":{"id":"AAAA","name":"jane","displayName":"jane"},"#,
            r#""authenticatorSelection":{"residentKey":"required","userVerification":"preferred"},"#,
            r#""pubKeyCredParams":[{"alg":-7,"type":"public-key"},{"alg":-257,"type":"public-key"}]}"#
        ))),
        problem: None,
    };
    let refused_passkey =
        AddPasskey { problem: Some(Problem::PasskeyRefused), ..add_passkey.clone() };
    let full = AddPasskey { options: None, problem: Some(Problem::PasskeysFull) };
    vec![
        ("choose-set-up", Page::ChooseSetUp(choose)),
        ("set-up-totp", Page::SetUpTotp(totp)),
        ("set-up-email", Page::SetUpContact(email)),
        ("set-up-sms", Page::SetUpContact(sms)),
        ("set-up-sms-refused", Page::SetUpContact(wrong_sms)),
        ("add-passkey", Page::AddPasskey(add_passkey)),
        ("add-passkey-refused", Page::AddPasskey(refused_passkey)),
        ("add-passkey-full", Page::AddPasskey(full)),
    ]
}

fn strict() -> PasswordPolicy {
    PasswordPolicy {
        minimum_length: 8,
        requires_uppercase: true,
        requires_lowercase: true,
        requires_numbers: true,
        requires_symbols: true,
        history_size: 0,
        temporary_password_days: 7,
    }
}

/// A field for an attribute of the name.
fn attribute(s: Text<'_>, name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: s(value),
        is_number: name == "updated_at",
        max_length: Some(2048),
    }
}

fn accounts(s: Text<'_>) -> Vec<(&'static str, Page)> {
    let simple = SignUp {
        username: Username { kind: UsernameKind::Email, value: String::new() },
        policy: strict(),
        is_password_optional: false,
        attributes: vec![attribute(s, "given_name", ""), attribute(s, "family_name", "")],
        terms: Some(Terms {
            terms_of_use: s("https://example.com/terms"),
            privacy_policy: s("https://example.com/privacy"),
        }),
        providers: Vec::new(),
        sign_in: Some(s("/login")),
        problem: None,
    };
    let every = [
        "address",
        "birthdate",
        "email",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
        "nickname",
        "phone_number",
        "picture",
        "preferred_username",
        "profile",
        "updated_at",
        "website",
        "zoneinfo",
    ];
    let mut attributes: Vec<Attribute> = every.iter().map(|name| attribute(s, name, "")).collect();
    attributes.push(Attribute { name: s("custom:team"), ..attribute(s, "", "Blue") });
    let full = SignUp {
        username: Username { kind: UsernameKind::Username, value: s("jane") },
        attributes,
        providers: providers(s),
        problem: Some(Problem::InvalidAttribute(s("birthdate"))),
        ..simple.clone()
    };
    let without_password = SignUp {
        is_password_optional: true,
        terms: None,
        attributes: Vec::new(),
        problem: Some(Problem::AliasExists),
        ..simple.clone()
    };
    let confirm = Confirm {
        username: s("jane@example.com"),
        destination: s("j***@e***"),
        resend_after: Some(0),
        sign_in: Some(s("/login")),
        problem: None,
        notice: None,
    };
    let forgot = ForgotPassword {
        username: Username { kind: UsernameKind::EmailOrPhone, value: s("jane") },
        sign_in: Some(s("/login")),
        problem: Some(Problem::InvalidUsername),
    };
    let reset = ResetPassword {
        username: s("jane@example.com"),
        destination: s("j***@e***"),
        policy: strict(),
        resend_after: Some(0),
        problem: None,
        notice: None,
    };
    let new_password = NewPassword {
        username: s("jane@example.com"),
        policy: strict(),
        attributes: vec![attribute(s, "name", "Jane")],
        problem: Some(Problem::Missing(s("requiredAttributes[name]"))),
    };
    vec![
        ("sign-up", Page::SignUp(simple)),
        ("sign-up-full", Page::SignUp(full)),
        ("sign-up-without-password", Page::SignUp(without_password)),
        ("confirm", Page::Confirm(confirm)),
        ("forgot-password", Page::ForgotPassword(forgot)),
        ("reset-password", Page::ResetPassword(reset)),
        ("new-password", Page::NewPassword(new_password)),
    ]
}

fn messages(s: Text<'_>) -> Vec<(&'static str, Page)> {
    let confirmed = LinkResult { problem: None, sign_in: Some(s("/login")) };
    let not_confirmed =
        LinkResult { problem: Some(Problem::ExpiredCode), sign_in: Some(s("/login")) };
    let failed = Failed {
        code: s("redirect_mismatch"),
        cause: Some(Cause::RedirectMismatch),
        detail: s("The redirect_uri is not one of the callback URLs of the app client."),
        request_id: s("0e3c5a3e-6f0b-4a53-9f70-0f5f0a0b8a55"),
        retry: Some(s("/login")),
    };
    let caused = |cause: Cause| Failed {
        code: cause.code().to_owned(),
        cause: Some(cause),
        ..Failed::default()
    };
    vec![
        ("continue", Page::Continue(Continue { username: s("jane@example.com") })),
        ("confirmed", Page::LinkResult(confirmed)),
        ("not-confirmed", Page::LinkResult(not_confirmed)),
        ("signed-out", Page::SignedOut(SignedOut { sign_in: Some(s("/login")) })),
        ("failed", Page::Failed(failed)),
        ("error-client", Page::Failed(caused(Cause::InvalidClient))),
        ("error-request", Page::Failed(caused(Cause::InvalidRequest))),
        ("error-denied", Page::Failed(caused(Cause::AccessDenied))),
        ("error-server", Page::Failed(caused(Cause::ServerError))),
        ("error-unknown", Page::Failed(Failed::default())),
        ("unavailable", Page::Unavailable),
    ]
}
