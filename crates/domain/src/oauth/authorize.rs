//! What an application asks for when it sends a browser to `/oauth2/authorize`, or to one of the
//! pages with the same query: checked before anything is shown or done.
//!
//! As long as it isn't sure that the redirect URI belongs to the client, a refusal is told on a page
//! of ours ([`Refused::Missing`] and others); from then on it is told to the application
//! ([`Refused::Told`]), so that nobody can use this server to send browsers elsewhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::{mount::Mount, parameters::Parameters};
use crate::{
    app_clients::AppClient,
    fault::{Fault, Ruling},
    granted,
    ports::Ports,
    resource_servers,
    sealing::Purpose,
    shapes::OAuthFlowType,
    tokens::scopes,
};

/// The name under which the users of the pool itself sign in, beside the identity providers'.
pub const COGNITO: &str = "COGNITO";

/// The longest `nonce`, which goes into ID tokens and refresh tokens. (Our choice.)
const LONGEST_NONCE: usize = 1_024;

/// A request that may be granted once a user has signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The app client.
    pub client_id: String,
    /// A code, or tokens at once.
    pub response_type: ResponseType,
    /// How the answer gets to the application.
    pub reply_to: ReplyTo,
    /// Whether the request named the redirect URI; if it did, so must the exchange of the code.
    pub names_redirect_uri: bool,
    /// The scopes that a sign-in gets, in the order in which they were asked for.
    pub scopes: Vec<String>,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// The SHA-256 of the secret by which the application proves that the code is its own (RFC 7636).
    pub code_challenge: Option<String>,
    /// The service that the access token is for, its `aud` (RFC 8707).
    pub resource: Option<String>,
    /// The identity provider at which the user is to sign in, or [`COGNITO`].
    pub identity_provider: Option<String>,
    /// What to put into the field for the name.
    pub login_hint: Option<String>,
    /// The language of the pages, as it was asked for.
    pub lang: Option<String>,
    /// How to deal with the browser's session. Always empty with the classic pages.
    pub prompts: Vec<Prompt>,
    /// For how many seconds a sign-in counts.
    pub max_age: Option<i64>,
    /// The levels of authentication that would do, as they were asked for, separated by spaces.
    pub acr_values: Option<String>,
}

/// What a sign-in is exchanged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseType {
    /// An authorization code.
    Code,
    /// Tokens in the fragment of the redirect URI: the implicit grant.
    Token,
}

/// A wish about the browser's session (OpenID Connect Core 1.0 section 3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// Nothing may be shown.
    None,
    /// The user has to sign in, session or not.
    Login,
    /// For identity providers; nothing here.
    Consent,
    /// For identity providers; nothing here.
    SelectAccount,
}

impl Prompt {
    /// The value in requests, also in those to identity providers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::None, Self::Login, Self::Consent, Self::SelectAccount];
        all.into_iter().find(|prompt| prompt.as_str() == name)
    }
}

/// Where an application waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// One of the client's callback URLs.
    pub redirect_uri: String,
    /// The application's `state` as it stood in its query, still encoded: it goes back as it came.
    pub state: Option<String>,
    /// Whether the answer stands behind `#`, not behind `?`.
    pub in_fragment: bool,
}

impl ReplyTo {
    /// The URL that brings these values to the application, `state` at the end.
    pub fn url(&self, values: &[(&str, &str)]) -> String {
        let uri = &self.redirect_uri;
        let separator = match (self.in_fragment, uri.contains('?')) {
            (true, _) => '#',
            (false, true) => '&',
            (false, false) => '?',
        };
        let mut answer = form_urlencoded::Serializer::new(String::new());
        answer.extend_pairs(values);
        let answer = answer.finish();
        let state = self.state.as_deref().map(|raw| format!("state={}", as_it_came(raw)));
        let parts = [Some(answer).filter(|answer| !answer.is_empty()), state];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("{uri}{separator}{}", parts.join("&"))
    }

    /// An error for the application.
    pub fn error(&self, code: ErrorCode, description: Option<&str>) -> AppError {
        let description = description.map(str::to_owned);
        AppError { reply_to: self.clone(), code, description }
    }
}

/// An encoded value once more, with only those bytes encoded that can't stand in a query or fragment.
fn as_it_came(raw: &str) -> String {
    let stands = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$'()*+,;:@/?=".contains(&byte);
    let mut text = String::with_capacity(raw.len());
    for byte in raw.bytes() {
        if stands(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(form_urlencoded::byte_serialize(&[byte]).next().unwrap_or_default());
        }
    }
    text
}

/// Errors that applications are told (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section
/// 3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is wrong.
    InvalidRequest,
    /// The client may not use this flow.
    UnauthorizedClient,
    /// A scope is unknown, or not for this client.
    InvalidScope,
    /// Nothing may be shown, but something would have to be.
    LoginRequired,
    /// A fault of ours.
    ServerError,
}

impl ErrorCode {
    /// The value of `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidScope => "invalid_scope",
            Self::LoginRequired => "login_required",
            Self::ServerError => "server_error",
        }
    }
}

/// An error on its way to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppError {
    reply_to: ReplyTo,
    code: ErrorCode,
    description: Option<String>,
}

impl AppError {
    /// Where the browser is to be sent.
    pub fn url(&self) -> String {
        let description = self.description.as_deref();
        let described = description.map(|text| ("error_description", text));
        let values: Vec<_> = described.into_iter().chain([("error", self.code.as_str())]).collect();
        self.reply_to.url(&values)
    }
}

/// Why a request is not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A parameter is missing without which there is nobody to tell. For a page.
    Missing(&'static str),
    /// The same for one that stands there twice. For a page.
    Repeated(&'static str),
    /// The pool has no such client. For a page.
    UnknownClient,
    /// The redirect URI is not one of the client's. For a page.
    RedirectMismatch {
        /// The client.
        client_id: String,
    },
    /// For the application.
    Told(AppError),
}

impl From<AppError> for Refused {
    fn from(error: AppError) -> Self {
        Self::Told(error)
    }
}

/// A request that has passed every check, and its client.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The request.
    pub request: Request,
    /// The app client.
    pub client: Arc<AppClient>,
}

impl Request {
    /// The request as text that only this server can read, for what must come back unchanged.
    pub fn seal(&self, ports: &Ports) -> Result<String, Fault> {
        let content = serde_json::to_vec(self)
            .map_err(|error| Fault::because("an authorize request can't be written", error))?;
        Ok(ports.keyring.seal_text(Purpose::AuthorizeRequest, b"", &content, &*ports.entropy))
    }

    /// Reads what [`Self::seal`] wrote; none for other text. How old it is, is not known.
    pub fn open(ports: &Ports, text: &str) -> Option<Self> {
        let content = ports.keyring.open_text(Purpose::AuthorizeRequest, b"", text).ok()?;
        serde_json::from_slice(&content).ok()
    }

    /// Whether nothing may be shown.
    pub fn is_silent(&self) -> bool {
        self.prompts.contains(&Prompt::None)
    }

    /// Whether the user has to sign in even if the browser has a session.
    pub fn demands_sign_in(&self) -> bool {
        self.prompts.contains(&Prompt::Login)
    }
}

/// Checks the query with which a browser comes to a domain.
///
/// A fault of ours is logged and told to the application as soon as it is known which one that is:
/// the user could do nothing with it.
pub async fn check(ports: &Ports, mount: &Mount, query: &str) -> Ruling<Checked, Refused> {
    let parameters = Parameters::parse(query);
    let client = granted!(client(ports, mount, &parameters).await?);
    let (reply_to, names_redirect_uri) = granted!(reply_to(&client, &parameters));
    let told = (&reply_to, names_redirect_uri);
    Ok(match check_rest(ports, mount, &client, &parameters, told).await {
        Ok(checked) => checked.map(|request| Checked { request, client }),
        Err(fault) => {
            let source = std::error::Error::source(&fault).map(ToString::to_string);
            tracing::error!(%fault, source, "an authorize request can't be checked");
            Err(reply_to.error(ErrorCode::ServerError, None).into())
        }
    })
}

/// Checks everything of which the application is told. The checks are in the order in which their
/// refusals win.
async fn check_rest(
    ports: &Ports,
    mount: &Mount,
    client: &AppClient,
    parameters: &Parameters<'_>,
    (reply_to, names_redirect_uri): (&ReplyTo, bool),
) -> Ruling<Request, Refused> {
    let told = |code| Refused::Told(reply_to.error(code, None));
    granted!(check_enabled(client, reply_to));
    let response_type = granted!(response_type(parameters).map_err(told));
    granted!(check_flow(client, response_type).map_err(told));
    granted!(check_single(parameters).map_err(told));
    let one = |name| parameters.one(name).ok().flatten();
    let code_challenge = granted!(code_challenge(one, response_type).map_err(told));
    let scopes = scopes(ports, client, one("scope")).await?;
    let scopes = granted!(scopes.map_err(told));
    let resource = granted!(resource(one("resource")).map_err(told));
    let nonce = granted!(nonce(one("nonce")).map_err(told));
    let prompts = granted!(prompts(mount, one("prompt")).map_err(told));
    let max_age = granted!(max_age(one("max_age")).map_err(told));
    let (named, identifier) = (one("identity_provider"), one("idp_identifier"));
    let provider = identity_provider(ports, client, named, identifier).await?;
    let identity_provider = granted!(provider.map_err(told));
    Ok(Ok(Request {
        client_id: client.id().to_owned(),
        response_type,
        reply_to: reply_to.clone(),
        names_redirect_uri,
        scopes,
        nonce,
        code_challenge,
        resource,
        identity_provider,
        login_hint: one("login_hint").map(str::to_owned),
        lang: one("lang").map(str::to_owned),
        prompts,
        max_age,
        acr_values: one("acr_values").map(str::to_owned),
    }))
}

/// The app client, if it belongs to the domain's pool.
async fn client(
    ports: &Ports,
    mount: &Mount,
    parameters: &Parameters<'_>,
) -> Ruling<Arc<AppClient>, Refused> {
    let id = match parameters.one("client_id") {
        Ok(Some(id)) => id,
        Ok(None) => return Ok(Err(Refused::Missing("client_id"))),
        Err(_) => return Ok(Err(Refused::Repeated("client_id"))),
    };
    let client = ports.directory.app_client(id).await?;
    let client = client.filter(|client| client.user_pool_id() == mount.pool.id());
    Ok(client.ok_or(Refused::UnknownClient))
}

/// Where the answer goes, and whether the request says so itself.
///
/// Compared as text, to the letter (RFC 9700 section 4.1.3).
fn reply_to(client: &AppClient, parameters: &Parameters<'_>) -> Result<(ReplyTo, bool), Refused> {
    let named = parameters.one("redirect_uri").map_err(|_| Refused::Repeated("redirect_uri"))?;
    let callbacks = client.settings.callback_urls.as_deref().unwrap_or_default();
    let redirect_uri = named.or_else(|| usual_redirect_uri(client, callbacks));
    let redirect_uri = redirect_uri.ok_or(Refused::Missing("redirect_uri"))?;
    if !callbacks.iter().any(|callback| callback == redirect_uri) {
        return Err(Refused::RedirectMismatch { client_id: client.id().to_owned() });
    }
    let reply_to = ReplyTo {
        redirect_uri: redirect_uri.to_owned(),
        // One that stands there twice is refused later; that refusal carries none.
        state: parameters.one_raw("state").ok().flatten().map(str::to_owned),
        in_fragment: parameters.one("response_type") == Ok(Some("token")),
    };
    Ok((reply_to, named.is_some()))
}

/// Where answers go that a request doesn't direct: only for a client with exactly one identity
/// provider.
fn usual_redirect_uri<'a>(client: &'a AppClient, callbacks: &'a [String]) -> Option<&'a str> {
    let [_] = client.identity_providers() else { return None };
    match (&client.settings.default_redirect_uri, callbacks) {
        (Some(uri), _) => Some(uri),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// Whether the client has anything to do with OAuth, and somebody who can sign in there.
fn check_enabled(client: &AppClient, reply_to: &ReplyTo) -> Result<(), AppError> {
    let refuse = |text| Err(reply_to.error(ErrorCode::InvalidRequest, Some(text)));
    if !client.is_enabled_for_oauth() {
        return refuse("Client is not enabled for OAuth2.0 flows ");
    }
    if client.identity_providers().is_empty() {
        // The text is a belief.
        return refuse("Client has no identity providers ");
    }
    Ok(())
}

fn response_type(parameters: &Parameters<'_>) -> Result<ResponseType, ErrorCode> {
    match parameters.one("response_type") {
        Ok(Some("code")) => Ok(ResponseType::Code),
        Ok(Some("token")) => Ok(ResponseType::Token),
        _ => Err(ErrorCode::InvalidRequest),
    }
}

fn check_flow(client: &AppClient, response_type: ResponseType) -> Result<(), ErrorCode> {
    let flow = match response_type {
        ResponseType::Code => OAuthFlowType::Code,
        ResponseType::Token => OAuthFlowType::Implicit,
    };
    if client.allows_oauth_flow(flow) { Ok(()) } else { Err(ErrorCode::UnauthorizedClient) }
}

/// No parameter may stand there twice, of those that mean something here.
fn check_single(parameters: &Parameters<'_>) -> Result<(), ErrorCode> {
    let known = [
        "state",
        "scope",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "identity_provider",
        "idp_identifier",
        "login_hint",
        "lang",
        "prompt",
        "max_age",
        "acr_values",
    ];
    if parameters.repeats(&known) { Err(ErrorCode::InvalidRequest) } else { Ok(()) }
}

/// PKCE with SHA-256 or without; plain challenges are refused. Without meaning where no code is
/// given.
fn code_challenge<'a>(
    one: impl Fn(&'static str) -> Option<&'a str>,
    response_type: ResponseType,
) -> Result<Option<String>, ErrorCode> {
    // 32 bytes in base64url without padding.
    let is_sha256 = |challenge: &str| {
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        challenge.len() == 43 && challenge.bytes().all(is_digit)
    };
    match (one("code_challenge"), one("code_challenge_method")) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) if is_sha256(challenge) => {
            let is_code = response_type == ResponseType::Code;
            Ok(is_code.then(|| challenge.to_owned()))
        }
        _ => Err(ErrorCode::InvalidRequest),
    }
}

/// The scopes that are granted: those asked for, each once, or all that the client has.
///
/// One that the client does not have is refused; the documentation also says that it is ignored. One
/// of a resource server that doesn't define it any more is left out.
async fn scopes(
    ports: &Ports,
    client: &AppClient,
    asked: Option<&str>,
) -> Ruling<Vec<String>, ErrorCode> {
    let allowed = client.settings.allowed_oauth_scopes.as_deref().unwrap_or_default();
    let mut view = ports.store.read().await?;
    let defined = resource_servers::defined(&mut *view, client.user_pool_id(), allowed).await?;
    let is_alive = |scope: &str| !scope.contains('/') || defined.contains(scope);
    let asked: Vec<&str> = match asked {
        Some(asked) => asked.split(' ').filter(|scope| !scope.is_empty()).collect(),
        None => allowed.iter().map(String::as_str).collect(),
    };
    if !asked.iter().all(|scope| allowed.iter().any(|allowed| allowed == scope)) {
        return Ok(Err(ErrorCode::InvalidScope));
    }
    let mut granted: Vec<String> = Vec::new();
    for scope in asked.into_iter().filter(|scope| is_alive(scope)) {
        if !granted.iter().any(|granted| granted == scope) {
            granted.push(scope.to_owned());
        }
    }
    let asks_attributes = [scopes::EMAIL, scopes::PHONE, scopes::PROFILE];
    let has = |name: &str| granted.iter().any(|scope| scope == name);
    let lacks_openid = asks_attributes.into_iter().any(has) && !has(scopes::OPENID);
    let is_good = !granted.is_empty() && !lacks_openid;
    Ok(if is_good { Ok(granted) } else { Err(ErrorCode::InvalidScope) })
}

/// An absolute URL without fragment: `https`, a scheme of an application's own, or plain `http` on
/// the user's machine. (That a wrong one is an `invalid_request` is a belief.)
fn resource(named: Option<&str>) -> Result<Option<String>, ErrorCode> {
    let Some(text) = named else { return Ok(None) };
    let url = Url::parse(text).map_err(|_| ErrorCode::InvalidRequest)?;
    let is_plain_elsewhere = url.scheme() == "http" && url.host_str() != Some("localhost");
    if is_plain_elsewhere || url.fragment().is_some() || text.len() > LONGEST_NONCE {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(Some(text.to_owned()))
}

fn nonce(named: Option<&str>) -> Result<Option<String>, ErrorCode> {
    match named {
        Some(nonce) if nonce.len() > LONGEST_NONCE => Err(ErrorCode::InvalidRequest),
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

/// Only managed login knows them. (That the classic pages ignore them is a belief.)
fn prompts(mount: &Mount, named: Option<&str>) -> Result<Vec<Prompt>, ErrorCode> {
    if !mount.domain.shows_managed_login() {
        return Ok(Vec::new());
    }
    let names = named.unwrap_or_default().split(' ').filter(|name| !name.is_empty());
    let prompts: Option<Vec<Prompt>> = names.map(Prompt::named).collect();
    let prompts = prompts.ok_or(ErrorCode::InvalidRequest)?;
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(prompts)
}

fn max_age(named: Option<&str>) -> Result<Option<i64>, ErrorCode> {
    let parsed = named.map(|text| text.parse().ok().filter(|seconds| *seconds >= 0));
    match parsed {
        Some(None) => Err(ErrorCode::InvalidRequest),
        Some(seconds) => Ok(seconds),
        None => Ok(None),
    }
}

/// The identity provider that is asked for by name or, if not, by one of its identifiers. (That one
/// which the client doesn't offer is an `invalid_request` is a belief.)
async fn identity_provider(
    ports: &Ports,
    client: &AppClient,
    named: Option<&str>,
    identifier: Option<&str>,
) -> Ruling<Option<String>, ErrorCode> {
    let name = match (named, identifier) {
        (Some(name), _) => name.to_owned(),
        (None, Some(identifier)) => {
            let mut view = ports.store.read().await?;
            let pool_id = client.user_pool_id();
            let found = view.identity_provider_by_identifier(pool_id, identifier).await?;
            let Some(provider) = found else { return Ok(Err(ErrorCode::InvalidRequest)) };
            provider.name().to_owned()
        }
        (None, None) => return Ok(Ok(None)),
    };
    let is_offered = client.identity_providers().contains(&name);
    Ok(if is_offered { Ok(Some(name)) } else { Err(ErrorCode::InvalidRequest) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply_to(uri: &str, state: Option<&str>, in_fragment: bool) -> ReplyTo {
        ReplyTo { redirect_uri: uri.to_owned(), state: state.map(str::to_owned), in_fragment }
    }

    #[test]
    fn state_goes_back_as_it_came() {
        for state in ["a%2Bb+%20c", "%7B%22a%22%3A1%7D", "eyJhIjoxfQ==", "%FF%00", "a/b?c=d"] {
            let url = reply_to("https://app.test/cb", Some(state), false).url(&[("code", "x")]);
            assert_eq!(url, format!("https://app.test/cb?code=x&state={state}"));
        }
    }

    #[test]
    fn state_can_neither_break_out_of_its_place_nor_into_headers() {
        let hostile = "a\r\nSet-Cookie: x&code=evil#<\"ä";
        let url = reply_to("https://app.test/cb", Some(hostile), false).url(&[("code", "x")]);
        let expected = "https://app.test/cb?code=x&state=\
                        a%0D%0ASet-Cookie:+x%26code=evil%23%3C%22%C3%A4";
        assert_eq!(url, expected);
    }

    proptest! {
        #[test]
        fn whatever_the_state_it_stays_one_value(state in "\\PC*|[ -~\\r\\n]*") {
            let url = reply_to("https://app.test/cb", Some(&state), false).url(&[("code", "x")]);
            prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{url}");
            let url = Url::parse(&url).unwrap();
            prop_assert_eq!(url.host_str(), Some("app.test"));
            prop_assert_eq!(url.fragment(), None);
            let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
            prop_assert_eq!(names, ["code", "state"]);
        }
    }

    #[test]
    fn answers_stand_behind_what_the_redirect_uri_has_already() {
        let code = [("code", "1 2")];
        assert_eq!(reply_to("app://cb?x=y", None, false).url(&code), "app://cb?x=y&code=1+2");
        assert_eq!(reply_to("app://cb?x=y", None, true).url(&code), "app://cb?x=y#code=1+2");
    }

    #[test]
    fn errors_tell_their_description_first() {
        let reply_to = reply_to("https://app.test/", Some("s"), true);
        let error = reply_to.error(ErrorCode::InvalidRequest, Some("No such thing "));
        let expected =
            "https://app.test/#error_description=No+such+thing+&error=invalid_request&state=s";
        assert_eq!(error.url(), expected);
    }

    #[test]
    fn only_sha256_challenges_are_taken_and_both_parts_are_needed() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let ask = |challenge: Option<&'static str>, method: Option<&'static str>| {
            let one = |name| if name == "code_challenge" { challenge } else { method };
            code_challenge(one, ResponseType::Code)
        };
        assert_eq!(ask(Some(challenge), Some("S256")), Ok(Some(challenge.to_owned())));
        assert_eq!(ask(None, None), Ok(None));
        for (challenge, method) in [
            (Some(challenge), None),
            (None, Some("S256")),
            (Some(challenge), Some("plain")),
            (Some(challenge), Some("s256")),
            (Some("short"), Some("S256")),
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c="), Some("S256")),
        ] {
            assert_eq!(ask(challenge, method), Err(ErrorCode::InvalidRequest));
        }
    }

    #[test]
    fn a_resource_is_an_absolute_url_that_is_safe_to_name() {
        for good in ["https://api.test", "http://localhost:3000/x", "myapp://api", "urn:x:y"] {
            assert_eq!(resource(Some(good)), Ok(Some(good.to_owned())), "{good}");
        }
        for bad in ["api", "/x", "http://api.test", "https://api.test/#x", "http://localhost.x"] {
            assert_eq!(resource(Some(bad)), Err(ErrorCode::InvalidRequest), "{bad}");
        }
    }
}
