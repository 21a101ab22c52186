//! Sign-ins of browsers at the pages of a domain, and what applications ask of its endpoints.
//!
//! A browser here runs no scripts: it follows redirects, keeps cookies and posts the form that it was
//! shown.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{
    Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
};
use poolhouse_adapters::entropy::SystemEntropy;
use poolhouse_domain::ports::Entropy;
use serde_json::{Value, json};

use crate::{
    Outcome,
    http::{Answer, Connection, text},
    world::{PASSWORD, Pool, World, add_user, create_pool, username},
};

/// Users of the pool.
const USERS: u32 = 64;
/// Where the application is sent its codes. Nobody listens there.
const CALLBACK: &str = "https://app.example.test/cb";
/// The scope of the resource server that both clients may ask for.
const SCOPE: &str = "orders/read";
/// The name of the field against forged forms, and of the cookie with the same value.
const TOKEN_FIELD: &str = "csrf";
const TOKEN_COOKIE: &str = "XSRF-TOKEN";

/// What is asked of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The whole round of a browser: authorize, page, form, and the application's exchange of the
    /// code.
    SignIn,
    /// Authorize in a browser that has signed in before: a code at once.
    SilentSso,
    /// The exchange of a refresh token.
    Refresh,
    /// A token for a client itself.
    ClientCredentials,
    UserInfo,
    LoginInEnglish,
    LoginInGerman,
    SignUpInEnglish,
    SignUpInGerman,
}

impl Request {
    pub(crate) const ALL: [Self; 9] = [
        Self::SignIn,
        Self::SilentSso,
        Self::Refresh,
        Self::ClientCredentials,
        Self::UserInfo,
        Self::LoginInEnglish,
        Self::LoginInGerman,
        Self::SignUpInEnglish,
        Self::SignUpInGerman,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "OAuth: sign-in with code",
            Self::SilentSso => "OAuth: authorize, signed in",
            Self::Refresh => "OAuth: refresh",
            Self::ClientCredentials => "OAuth: client_credentials",
            Self::UserInfo => "OAuth: userInfo",
            Self::LoginInEnglish => "page: /login, English",
            Self::LoginInGerman => "page: /login, German",
            Self::SignUpInEnglish => "page: /signup, English",
            Self::SignUpInGerman => "page: /signup, German",
        }
    }
}

/// A pool with a domain, an application for people and one for itself, and browsers that have signed
/// in.
pub(crate) struct Site {
    pool: Pool,
    /// The path of the domain, such as `/bench`.
    path: String,
    /// `Authorization` of the client that gets tokens for itself.
    machine: String,
    visitors: Vec<Visitor>,
}

/// Somebody who has signed in.
struct Visitor {
    cookies: Cookies,
    access: String,
    refresh: String,
}

/// What a browser keeps of a domain, by name.
#[derive(Clone, Default)]
struct Cookies(BTreeMap<String, String>);

impl Cookies {
    fn take(&mut self, answer: &Answer) -> Outcome {
        for line in answer.headers.get_all(SET_COOKIE) {
            let pair = line.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').ok_or("a cookie has no value")?;
            self.0.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    fn header(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

/// What an application keeps while its user signs in.
struct Application {
    query: String,
    verifier: String,
}

impl Site {
    /// Makes the pool with its domain, clients and users, and signs everybody in once.
    pub(crate) async fn create(address: SocketAddr) -> Outcome<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut connection = Connection::open(address).await?;
        let prefix = format!("bench-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let people = json!({
            "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["openid", "email"], "CallbackURLs": [CALLBACK],
            "SupportedIdentityProviders": ["COGNITO"],
        });
        let pool = create_pool(&mut connection, "site", &json!({}), &people).await?;
        let domain = json!({ "UserPoolId": pool.id, "Domain": prefix, "ManagedLoginVersion": 2 });
        connection.call("CreateUserPoolDomain", &domain).await?;
        let style = json!({
            "UserPoolId": pool.id, "ClientId": pool.client_id, "UseCognitoProvidedValues": true,
        });
        connection.call("CreateManagedLoginBranding", &style).await?;
        let machine = create_machine(&mut connection, &pool).await?;
        let mut site = Self { pool, path: format!("/{prefix}"), machine, visitors: Vec::new() };
        for number in 0..USERS {
            add_user(&mut connection, &site.pool, &username(number)).await?;
            add_user(&mut connection, &site.pool, &username(USERS + number)).await?;
            let visitor = site.sign_in(&mut connection, number).await?;
            site.visitors.push(visitor);
        }
        Ok(site)
    }

    /// Asks once.
    pub(crate) async fn ask(
        &self,
        connection: &mut Connection,
        request: Request,
        draw: u32,
    ) -> Outcome {
        match request {
            // Others than the visitors: of a user's sessions only the newest are kept.
            Request::SignIn => self.sign_in(connection, USERS + draw % USERS).await.map(drop),
            Request::SilentSso => self.resume(connection, draw).await,
            Request::Refresh => {
                let refresh = &World::some(&self.visitors, draw)?.refresh;
                let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
                self.token(connection, None, &form).await.map(drop)
            }
            Request::ClientCredentials => {
                let form = [("grant_type", "client_credentials"), ("scope", SCOPE)];
                self.token(connection, Some(&self.machine), &form).await.map(drop)
            }
            Request::UserInfo => {
                let token = &World::some(&self.visitors, draw)?.access;
                let path = format!("{}/oauth2/userInfo", self.path);
                let header = (AUTHORIZATION, format!("Bearer {token}"));
                let answer = connection.fetch(Method::GET, &path, &[header], "").await?;
                text(&json_of(&answer)?, "/sub").map(drop)
            }
            Request::LoginInEnglish => self.page(connection, "/login", "en").await,
            Request::LoginInGerman => self.page(connection, "/login", "de").await,
            Request::SignUpInEnglish => self.page(connection, "/signup", "en").await,
            Request::SignUpInGerman => self.page(connection, "/signup", "de").await,
        }
    }

    /// What an application begins a sign-in with.
    fn application(&self) -> Application {
        let mut random = [0; 48];
        SystemEntropy.fill(&mut random);
        let (verifier, state) = random.split_at(32);
        let (verifier, state) = (URL_SAFE_NO_PAD.encode(verifier), URL_SAFE_NO_PAD.encode(state));
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let query = format!(
            "response_type=code&client_id={}&redirect_uri={}&scope=openid+email&state={state}\
             &code_challenge={challenge}&code_challenge_method=S256",
            self.pool.client_id,
            escaped(CALLBACK),
        );
        Application { query, verifier }
    }

    /// A browser's way from the application's link to its tokens.
    async fn sign_in(&self, connection: &mut Connection, number: u32) -> Outcome<Visitor> {
        let (application, mut cookies) = (self.application(), Cookies::default());
        let start = format!("{}/oauth2/authorize?{}", self.path, application.query);
        let answer = connection.fetch(Method::GET, &start, &[], "").await?;
        cookies.take(&answer)?;
        let page = local(location(&answer)?);
        let headers = [(COOKIE, cookies.header())];
        let answer = connection.fetch(Method::GET, &page, &headers, "").await?;
        expect(&answer, StatusCode::OK)?;
        cookies.take(&answer)?;
        let token = cookies.0.get(TOKEN_COOKIE).cloned().unwrap_or_default();
        let name = username(number);
        let fields = [(TOKEN_FIELD, token.as_str()), ("username", &name), ("password", PASSWORD)];
        let headers = [form_type(), (COOKIE, cookies.header())];
        let answer = connection.fetch(Method::POST, &page, &headers, &form(&fields)).await?;
        cookies.take(&answer)?;
        let code = code_of(&answer)?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", &application.verifier),
        ];
        let tokens = self.token(connection, None, &fields).await?;
        let member = |name: &str| Ok::<_, crate::Failed>(text(&tokens, name)?.to_owned());
        let (access, refresh) = (member("/access_token")?, member("/refresh_token")?);
        member("/id_token")?;
        Ok(Visitor { cookies, access, refresh })
    }

    /// Authorize in a browser that is signed in.
    async fn resume(&self, connection: &mut Connection, draw: u32) -> Outcome {
        let visitor = World::some(&self.visitors, draw)?;
        let path = format!("{}/oauth2/authorize?{}", self.path, self.application().query);
        let headers = [(COOKIE, visitor.cookies.header())];
        let answer = connection.fetch(Method::GET, &path, &headers, "").await?;
        code_of(&answer).map(drop)
    }

    /// Asks the token endpoint; with a header for the client that has a secret, or as the public one.
    async fn token(
        &self,
        connection: &mut Connection,
        authorization: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Outcome<Value> {
        let mut headers = vec![form_type()];
        let mut fields = fields.to_vec();
        match authorization {
            Some(value) => headers.push((AUTHORIZATION, value.to_owned())),
            None => fields.push(("client_id", &self.pool.client_id)),
        }
        let path = format!("{}/oauth2/token", self.path);
        let answer = connection.fetch(Method::POST, &path, &headers, &form(&fields)).await?;
        let content = json_of(&answer)?;
        text(&content, "/access_token")?;
        Ok(content)
    }

    /// A page as it is first opened.
    async fn page(&self, connection: &mut Connection, page: &str, language: &str) -> Outcome {
        let query = self.application().query;
        let path = format!("{}{page}?{query}&lang={language}", self.path);
        let answer = connection.fetch(Method::GET, &path, &[], "").await?;
        expect(&answer, StatusCode::OK)?;
        let shown = format!("lang=\"{language}\"");
        if std::str::from_utf8(&answer.body)?.contains(&shown) {
            return Ok(());
        }
        Err(format!("{page} is not in the language {language}").into())
    }
}

/// A client that gets tokens for itself; answers how it proves itself.
async fn create_machine(connection: &mut Connection, pool: &Pool) -> Outcome<String> {
    let server = json!({
        "UserPoolId": pool.id, "Identifier": "orders", "Name": "orders",
        "Scopes": [{ "ScopeName": "read", "ScopeDescription": "read" }],
    });
    connection.call("CreateResourceServer", &server).await?;
    let client = json!({
        "UserPoolId": pool.id, "ClientName": "machine", "GenerateSecret": true,
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": [SCOPE],
    });
    let made = connection.call("CreateUserPoolClient", &client).await?;
    let id = text(&made, "/UserPoolClient/ClientId")?;
    let secret = text(&made, "/UserPoolClient/ClientSecret")?;
    Ok(format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
}

fn form_type() -> (http::HeaderName, String) {
    (CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned())
}

/// The body of a form.
fn form(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    fields.join("&")
}

/// A text as a query or a form holds it: what is neither a letter nor a digit becomes `%` and two
/// digits.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn expect(answer: &Answer, status: StatusCode) -> Outcome {
    if answer.status == status {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&answer.body);
    Err(format!("{status} was expected, not {}: {text}", answer.status).into())
}

fn json_of(answer: &Answer) -> Outcome<Value> {
    expect(answer, StatusCode::OK)?;
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Where a redirect leads.
fn location(answer: &Answer) -> Outcome<&str> {
    expect(answer, StatusCode::FOUND)?;
    Ok(answer.headers.get(LOCATION).ok_or("a redirect leads nowhere")?.to_str()?)
}

/// The path and query of an address of the server itself.
fn local(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    after.find('/').and_then(|start| after.get(start..)).unwrap_or("/").to_owned()
}

/// The code that the application is brought.
fn code_of(answer: &Answer) -> Outcome<String> {
    let url = location(answer)?;
    let query = url.strip_prefix(CALLBACK).and_then(|rest| rest.strip_prefix('?'));
    let mut parameters = query.unwrap_or_default().split('&');
    let code = parameters.find_map(|parameter| parameter.strip_prefix("code="));
    code.map(str::to_owned).ok_or_else(|| format!("no code came with {url}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_addresses_are_written_and_read() {
        assert_eq!(form(&[("a", "x y&z"), ("b", "~ü")]), "a=x%20y%26z&b=~%C3%BC");
        assert_eq!(local("http://127.0.0.1:80/bench-0/login?a=b"), "/bench-0/login?a=b");
        assert_eq!(local("/login"), "/login");
    }
}
