//! A pool with a domain, app clients and a user, for the tests of the endpoints.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, Request, Response};
use poolhouse_domain::{
    Fault,
    app_clients::{AppClient, ClientSecret},
    attributes::Creator,
    auth::Place,
    auth_levels::Methods,
    domains::UserPoolDomain,
    limits::{LimitSettings, Limits},
    oauth::{
        authorize::{self, Checked, Refused},
        browser_session::{self, Begun},
        grant::{self, SignedIn},
        mount::{self, Mount},
    },
    ports::{Ports, Store, Transaction},
    resource_servers,
    shapes::{
        DomainDescriptionType, OAuthFlowType, ResourceServerScopeType, UserPoolClientType,
        UserPoolType,
    },
    time::Timestamp,
    tokens::keys::{KeyUse, StoredSigningKey},
    user_pools::UserPool,
    users::{User, aliases::OnConflict, create},
};
use poolhouse_testkit::Kit;
use serde_json::Value;
use url::form_urlencoded;

pub(crate) const POOL: &str = "us-east-1_AbCdEfGhI";
/// The host of the domain `shop`.
pub(crate) const HOST: &str = "shop.auth.localhost:7665";
/// A public client for the code and implicit grants.
pub(crate) const CLIENT: &str = "webclient";
/// A client with two secrets.
pub(crate) const CONFIDENTIAL: &str = "confidential";
pub(crate) const SECRET: &str = "secret_of_thirty_characters_xx";
/// A client with the same secrets for the client credentials grant.
pub(crate) const MACHINE: &str = "machine";
pub(crate) const CALLBACK: &str = "https://app.test/cb";
pub(crate) const LOGGED_OUT: &str = "https://app.test/bye?x=1";
/// The secret of RFC 7636 appendix B, and its challenge.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A server with one pool.
pub(crate) struct Scene {
    pub(crate) kit: Kit,
    pub(crate) user: User,
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn client(id: &str, flows: &[OAuthFlowType], scopes: &[&str], has_secret: bool) -> AppClient {
    let settings = UserPoolClientType {
        user_pool_id: Some(POOL.to_owned()),
        client_id: Some(id.to_owned().into()),
        allowed_oauth_flows_user_pool_client: Some(true),
        allowed_oauth_flows: Some(flows.to_vec()),
        allowed_oauth_scopes: Some(texts(scopes)),
        callback_urls: Some(texts(&[CALLBACK, "myapp://cb", "https://app.test/other"])),
        logout_urls: Some(texts(&[LOGGED_OUT])),
        supported_identity_providers: Some(texts(&["COGNITO"])),
        read_attributes: Some(texts(&["email", "email_verified", "name", "custom:tier"])),
        ..UserPoolClientType::default()
    };
    let secrets = [SECRET, "another_secret_of_the_client"].map(|value| ClientSecret {
        id: format!("{id}--{}", value.len()),
        value: value.to_owned(),
        created_at: poolhouse_testkit::START,
    });
    let secrets = if has_secret { secrets.to_vec() } else { Vec::new() };
    AppClient { settings, secrets, ..AppClient::default() }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let kit = Kit::new().await.unwrap();
        let ports = &kit.ports;
        let now = ports.clock.now();
        let settings = UserPoolType {
            id: Some(POOL.to_owned()),
            domain: Some("shop".to_owned()),
            ..UserPoolType::default()
        };
        let pool = UserPool { settings, ..UserPool::default() };
        let mut tx = ports.store.write().await.unwrap();
        tx.insert_user_pool(&pool).await.unwrap();
        for key_use in [KeyUse::Id, KeyUse::Access] {
            let key = ports.key_reserve.take(&*ports.workers).await.unwrap();
            let stored = StoredSigningKey {
                user_pool_id: POOL.to_owned(),
                kid: key.kid().to_owned(),
                key_use,
                pkcs8: key.to_pkcs8().unwrap().to_vec(),
                created_at: now,
            };
            tx.insert_signing_key(&stored).await.unwrap();
        }
        let domain = DomainDescriptionType {
            user_pool_id: Some(POOL.to_owned()),
            domain: Some("shop".to_owned()),
            managed_login_version: Some(2),
            ..DomainDescriptionType::default()
        };
        let domain = UserPoolDomain { settings: domain, ..UserPoolDomain::default() };
        tx.insert_domain(&domain).await.unwrap();
        let scopes = ["read", "write"].map(|name| ResourceServerScopeType {
            scope_name: name.to_owned(),
            scope_description: name.to_owned(),
        });
        let (identifier, name) = ("orders".to_owned(), "Orders".to_owned());
        let server =
            resource_servers::create(&mut *tx, POOL, identifier, name, Some(scopes.to_vec()));
        server.await.unwrap().unwrap();
        let people = ["openid", "email", "profile", "orders/read", "aws.cognito.signin.user.admin"];
        let code = [OAuthFlowType::Code, OAuthFlowType::Implicit];
        let own = [OAuthFlowType::ClientCredentials];
        for client in [
            client(CLIENT, &code, &people, false),
            client(CONFIDENTIAL, &code, &people, true),
            client(MACHINE, &own, &["orders/read", "orders/write", "gone/read"], true),
        ] {
            tx.insert_app_client(&client).await.unwrap();
        }
        let creator = Creator::Administrator;
        let mut user = create::draft(&pool, "ada", &[], creator, &*ports.entropy, now).unwrap();
        for (name, value) in [
            ("email", "ada@example.com"),
            ("email_verified", "true"),
            ("name", "Ada"),
            ("custom:tier", "3"),
            ("phone_number", "+15550100"),
        ] {
            user.attributes.insert(name.to_owned(), value.to_owned());
        }
        create::insert(&mut *tx, &pool, &user, OnConflict::Refuse).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        Self { kit, user }
    }

    /// The same with rates in force.
    pub(crate) fn with_rates(mut self) -> Self {
        let settings = LimitSettings { rates_are_enforced: true, ..LimitSettings::default() };
        let ports = &mut self.kit.ports;
        let (store, clock) = (Arc::clone(&ports.store), Arc::clone(&ports.clock));
        ports.limits = Arc::new(Limits::new(settings, store, clock));
        ports.caller.ip = Some([192, 0, 2, 7].into());
        self
    }

    /// The same with a store that doesn't answer any more. What was read before is remembered.
    pub(crate) fn without_store(mut self) -> Self {
        self.kit.ports.store = Arc::new(NoStore);
        self
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.kit.ports
    }

    pub(crate) async fn mount(&self) -> Mount {
        mount::resolve(self.ports(), Some(HOST), "/").await.unwrap().unwrap().0
    }

    /// Changes an app client.
    pub(crate) async fn change(&self, id: &str, change: impl FnOnce(&mut AppClient)) {
        let mut tx = self.ports().store.write().await.unwrap();
        let mut client = tx.app_client(id).await.unwrap().unwrap();
        change(&mut client);
        tx.update_app_client(&mut client).await.unwrap();
        tx.commit().await.unwrap();
        self.ports().directory.forget_app_client(id);
    }

    /// Changes the pool.
    pub(crate) async fn change_pool(&self, change: impl FnOnce(&mut UserPool)) {
        let mut tx = self.ports().store.write().await.unwrap();
        let mut pool = tx.user_pool(POOL).await.unwrap().unwrap();
        change(&mut pool);
        tx.update_user_pool(&mut pool).await.unwrap();
        tx.commit().await.unwrap();
        self.ports().directory.forget_user_pool(POOL);
    }

    /// Changes the user.
    pub(crate) async fn change_user(&self, change: impl FnOnce(&mut User)) {
        let mut tx = self.ports().store.write().await.unwrap();
        let mut user = tx.user_by_sub(POOL, &self.user.sub).await.unwrap().unwrap();
        change(&mut user);
        tx.update_user(&mut user).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<String> {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        super::serve(self.ports(), &parts, body.as_bytes()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response<String> {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn get_with(&self, path: &str, header: (&str, &str)) -> Response<String> {
        self.send(Method::GET, path, &[header], "").await
    }

    /// Posts a form.
    pub(crate) async fn post(
        &self,
        path: &str,
        header: Option<(&str, &str)>,
        pairs: &[(&str, &str)],
    ) -> Response<String> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let form = ("content-type", "application/x-www-form-urlencoded");
        let headers: Vec<_> = [form].into_iter().chain(header).collect();
        self.send(Method::POST, path, &headers, &body).await
    }

    /// Posts a form to the token endpoint; status and body of the answer.
    pub(crate) async fn token(&self, pairs: &[(&str, &str)]) -> (u16, Value) {
        read(&self.post("/oauth2/token", None, pairs).await)
    }

    /// The request that a query makes, and its client.
    pub(crate) async fn checked(&self, query: &str) -> Result<Checked, Refused> {
        authorize::check(self.ports(), &self.mount().await, query).await.unwrap()
    }

    /// A browser that signs the user in through this client.
    pub(crate) async fn sign_in(&self, client: &str) -> Begun {
        let mount = self.mount().await;
        let client = self.ports().directory.app_client(client).await.unwrap().unwrap();
        let place = Place::new(self.ports(), &mount.pool, &client);
        browser_session::begin(place, &mount, &self.user, authorize::COGNITO).await.unwrap()
    }

    /// Where the browser is sent after a sign-in for this query.
    pub(crate) async fn granted(&self, query: &str) -> String {
        let checked = self.checked(query).await.unwrap();
        let mount = self.mount().await;
        let place = Place::new(self.ports(), &mount.pool, &checked.client);
        let auth_time = self.ports().clock.now();
        let signed_in = SignedIn {
            auth_time,
            event_id: None,
            session_id: None,
            session_ends_at: None,
            methods: Methods::default(),
        };
        grant::issue(place, &checked.request, &self.user, &signed_in).await.unwrap().unwrap()
    }

    /// The code that a sign-in for this query gives.
    pub(crate) async fn code(&self, query: &str) -> String {
        parameter(&self.granted(query).await, "code")
    }

    /// The tokens of a sign-in for these scopes, through the public client.
    pub(crate) async fn tokens(&self, scope: &str) -> Value {
        let code = self.code(&format!("{}&scope={scope}", query(CLIENT))).await;
        let (status, answer) = self.token(&exchange(&code)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

/// A store that is out of order.
struct NoStore;

#[async_trait]
impl Store for NoStore {
    async fn read(&self) -> Result<Box<dyn Transaction>, Fault> {
        Err(Fault::broken("the store is out of order"))
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, Fault> {
        Err(Fault::broken("the store is out of order"))
    }

    async fn write_once(&self) -> Result<Box<dyn Transaction>, Fault> {
        Err(Fault::broken("the store is out of order"))
    }

    async fn sweep(&self, _: Timestamp) -> Result<bool, Fault> {
        Err(Fault::broken("the store is out of order"))
    }
}

/// The query of a plain request for a code.
pub(crate) fn query(client: &str) -> String {
    format!("response_type=code&client_id={client}&redirect_uri=https%3A%2F%2Fapp.test%2Fcb")
}

/// What exchanges a code of [`query`] for the public client.
pub(crate) fn exchange(code: &str) -> [(&'static str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ]
}

/// Status and JSON body; null for an empty one.
pub(crate) fn read(answer: &Response<String>) -> (u16, Value) {
    let body = serde_json::from_str(answer.body()).unwrap_or_default();
    (answer.status().as_u16(), body)
}

/// Where an answer sends the browser.
pub(crate) fn location(answer: &Response<String>) -> &str {
    assert_eq!(answer.status(), 302, "{}", answer.body());
    answer.headers()["location"].to_str().unwrap()
}

/// A value in the query or the fragment of a URL.
pub(crate) fn parameter(url: &str, name: &str) -> String {
    let (_, values) = url.split_once(['?', '#']).unwrap();
    let found = form_urlencoded::parse(values.as_bytes()).find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

/// The claims of a token. Nothing is verified.
pub(crate) fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
