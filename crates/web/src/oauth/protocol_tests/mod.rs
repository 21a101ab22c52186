//! The endpoints case by case, as documented and as attacked: status, every header, body.

mod authorize;
mod client_endpoints;
mod discovery;
mod grants;
mod tokens;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, Response};
use poolhouse_domain::{
    app_clients::{AppClient, ClientSecret},
    attributes::Creator,
    auth::Place,
    auth_levels::Methods,
    domains::UserPoolDomain,
    oauth::{
        authorize::COGNITO,
        browser_session,
        grant::{self, SignedIn},
        mount::{self, Mount},
    },
    shapes::{DomainDescriptionType, UserPoolType},
    tokens::keys::{KeyUse, StoredSigningKey},
    user_pools::UserPool,
    users::{User, aliases::OnConflict, create},
};
use serde_json::Value;
use url::form_urlencoded;

use super::{
    headers::SameOrigin,
    testing::{CLIENT, CONFIDENTIAL, POOL, Scene},
};

/// What every answer says that is not to be kept, over plain HTTP.
const ALWAYS: [(&str, &str); 6] = [
    ("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),
    ("expires", "0"),
    ("pragma", "no-cache"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "1; mode=block"),
];
const JSON: (&str, &str) = ("content-type", "application/json;charset=UTF-8");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Checks an answer whole: its status, its headers ([`ALWAYS`] and these, no others), its body.
#[track_caller]
pub(crate) fn is_exactly(
    answer: &Response<String>,
    status: u16,
    own: &[(&str, &str)],
    body: &str,
    case: &str,
) {
    assert_eq!(answer.status().as_u16(), status, "{case}: {}", answer.body());
    let mut expected = [&ALWAYS[..], own].concat();
    expected.sort_unstable();
    let headers = answer.headers().iter();
    let mut found: Vec<_> = headers.map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{case}");
    assert_eq!(answer.body(), body, "{case}");
}

/// Checks an error of an endpoint that applications call.
#[track_caller]
fn is_error(answer: &Response<String>, status: u16, code: &str, case: &str) {
    is_exactly(answer, status, &[JSON], &format!("{{\"error\":\"{code}\"}}"), case);
    assert!(!is_private(answer), "{case}");
}

/// Checks a redirect, which nobody else may read and which leaves the cookies alone.
#[track_caller]
fn leads_to(answer: &Response<String>, url: &str, case: &str) {
    is_exactly(answer, 302, &[("location", url)], "", case);
    assert!(is_private(answer), "{case}");
}

/// Checks that a page says this, and that it is one which nobody can frame, keep or read.
#[track_caller]
pub(crate) fn is_safe_page(answer: &Response<String>, status: u16, text: &str, case: &str) {
    assert_eq!(answer.status().as_u16(), status, "{case}: {}", answer.body());
    let header = |name: &str| answer.headers().get(name).map_or("", |v| v.to_str().unwrap());
    assert!(header("content-type").starts_with("text/html"), "{case}");
    assert!(header("cache-control").contains("no-store"), "{case}");
    assert_eq!(header("x-frame-options"), "DENY", "{case}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{case}");
    assert!(["no-referrer", "same-origin"].contains(&header("referrer-policy")), "{case}");
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{case}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{case}: {policy}");
    assert!(!answer.headers().contains_key("location"), "{case}");
    assert!(is_private(answer), "{case}");
    let body = answer.body().replace("&#39;", "'").replace("&#x27;", "'");
    assert!(body.contains(text), "{case}: no {text:?} in {body}");
}

/// Whether pages of other origins may not read an answer.
fn is_private(answer: &Response<String>) -> bool {
    answer.extensions().get::<SameOrigin>().is_some()
}

/// Text as a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The header of an app client with its secret.
fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// Posts a form as it stands.
async fn post(scene: &Scene, path: &str, headers: &[(&str, &str)], body: &str) -> Response<String> {
    scene.send(Method::POST, path, &[&[FORM], headers].concat(), body).await
}

/// Posts pairs.
async fn post_pairs(scene: &Scene, path: &str, pairs: &[(&str, &str)]) -> Response<String> {
    scene.post(path, None, pairs).await
}

/// These pairs with one changed or added; an empty value takes it away.
fn with<'a>(
    pairs: &[(&'a str, &'a str)],
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut pairs: Vec<_> = pairs.iter().copied().filter(|(n, _)| *n != name).collect();
    pairs.extend([(name, value)].into_iter().filter(|_| !value.is_empty()));
    pairs
}

/// The claims of an access token of the pages.
const ACCESS: [&str; 13] = [
    "auth_time",
    "client_id",
    "event_id",
    "exp",
    "iat",
    "iss",
    "jti",
    "origin_jti",
    "scope",
    "sub",
    "token_use",
    "username",
    "version",
];

/// The claims of an ID token with a nonce and an e-mail address, and no scope for more.
const ID: [&str; 15] = [
    "at_hash",
    "aud",
    "auth_time",
    "cognito:username",
    "email",
    "email_verified",
    "event_id",
    "exp",
    "iat",
    "iss",
    "jti",
    "nonce",
    "origin_jti",
    "sub",
    "token_use",
];

/// The names of a token's claims.
fn names(claims: &Value) -> Vec<&str> {
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Addresses that are not among the client's, however much they look like `https://app.test/cb`
/// or `myapp://cb`, which are.
pub(crate) const FOREIGN: [&str; 66] = [
    "https://app.test/cb/",
    "https://app.test/CB",
    "HTTPS://app.test/cb",
    "https://APP.test/cb",
    "https://app.test./cb",
    "https://app.test:443/cb",
    "https://app.test:8443/cb",
    "https://app.test:/cb",
    "https://app.test/cb?",
    "https://app.test/cb?x=1",
    "https://app.test/cb#",
    "https://app.test/cb#x",
    "https://app.test/cb;x",
    "https://app.test/cb/../cb",
    "https://app.test/cb/../evil",
    "https://app.test/cb/..%2Fevil",
    "https://app.test/./cb",
    "https://app.test//cb",
    "https://app.test/%63b",
    "https://app.test%2Fcb",
    "https:%2F%2Fapp.test%2Fcb",
    "https%3A%2F%2Fapp.test%2Fcb",
    "https://app.test@evil.test/cb",
    "https://app.test:pw@evil.test/cb",
    "https://user@app.test/cb",
    "https://evil.test\\@app.test/cb",
    "https://evil.test#@app.test/cb",
    "https://evil.test?https://app.test/cb",
    "https://evil.test/https://app.test/cb",
    "https://app.test.evil.test/cb",
    "https://evilapp.test/cb",
    "https://sub.app.test/cb",
    "http://app.test/cb",
    "//app.test/cb",
    "//evil.test",
    "///evil.test",
    "\\\\evil.test",
    "/\\evil.test",
    "https:/\\app.test/cb",
    "https:/app.test/cb",
    "https:app.test/cb",
    "/cb",
    "cb",
    "?x",
    "#x",
    " https://app.test/cb",
    "https://app.test/cb ",
    "https://app.test/cb\0",
    "https://app.test/cb\t",
    "https://app.test/cb\r\nLocation: https://evil.test",
    "javascript:alert(1)//https://app.test/cb",
    "data:text/html,<script>alert(1)</script>",
    "MYAPP://cb",
    "myapp:/cb",
    "myapp://cb/",
    "myapp://evil",
    "otherapp://cb",
    "https://[::1]/cb",
    "https://[::ffff:127.0.0.1]/cb",
    "https://2130706433/cb",
    "https://\u{430}pp.test/cb",
    "https://app\u{3002}test/cb",
    "https://app.test/cb\u{202e}",
    "*",
    "https://app.test/cb,https://evil.test",
    "https://app.test/cb https://evil.test",
];

/// The host of the second pool's domain.
pub(crate) const MALL_HOST: &str = "mall.auth.localhost:7665";
/// Its app client, which is like [`CLIENT`].
pub(crate) const MALL_CLIENT: &str = "mallclient";

/// A second pool on the same server, with a domain, a client and a user of the same name.
pub(crate) struct Mall {
    pub(crate) pool: &'static str,
    pub(crate) user: User,
}

impl Mall {
    pub(crate) async fn beside(scene: &Scene) -> Self {
        let (ports, id) = (scene.ports(), "us-east-1_ZyXwVuTsR");
        let settings = UserPoolType {
            id: Some(id.to_owned()),
            domain: Some("mall".to_owned()),
            ..UserPoolType::default()
        };
        let pool = UserPool { settings, ..UserPool::default() };
        let mut tx = ports.store.write().await.unwrap();
        tx.insert_user_pool(&pool).await.unwrap();
        for key_use in [KeyUse::Id, KeyUse::Access] {
            let key = ports.key_reserve.take(&*ports.workers).await.unwrap();
            let stored = StoredSigningKey {
                user_pool_id: id.to_owned(),
                kid: key.kid().to_owned(),
                key_use,
                pkcs8: key.to_pkcs8().unwrap().to_vec(),
                created_at: ports.clock.now(),
            };
            tx.insert_signing_key(&stored).await.unwrap();
        }
        tx.insert_domain(&domain(id, "mall", None)).await.unwrap();
        let shop = tx.app_client(CLIENT).await.unwrap().unwrap();
        let mut settings = shop.settings;
        settings.user_pool_id = Some(id.to_owned());
        settings.client_id = Some(MALL_CLIENT.to_owned().into());
        settings.allowed_oauth_scopes = Some(vec!["openid".to_owned(), "email".to_owned()]);
        tx.insert_app_client(&AppClient { settings, ..AppClient::default() }).await.unwrap();
        let (by, now) = (Creator::Administrator, ports.clock.now());
        let user = create::draft(&pool, "ada", &[], by, &*ports.entropy, now).unwrap();
        create::insert(&mut *tx, &pool, &user, OnConflict::Refuse).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        Self { pool: id, user }
    }

    async fn mount(scene: &Scene) -> Mount {
        mount::resolve(scene.ports(), Some(MALL_HOST), "/").await.unwrap().unwrap().0
    }

    /// The cookie of a browser that has signed in there.
    pub(crate) async fn cookie(&self, scene: &Scene) -> String {
        let mount = Self::mount(scene).await;
        let client = scene.ports().directory.app_client(MALL_CLIENT).await.unwrap().unwrap();
        let place = Place::new(scene.ports(), &mount.pool, &client);
        browser_session::begin(place, &mount, &self.user, COGNITO).await.unwrap().cookie
    }

    /// A code of a sign-in there.
    async fn code(&self, scene: &Scene) -> String {
        let (ports, mount) = (scene.ports(), Self::mount(scene).await);
        let query = format!("{}&scope=openid", super::testing::query(MALL_CLIENT));
        let checked = poolhouse_domain::oauth::authorize::check(ports, &mount, &query).await;
        let checked = checked.unwrap().unwrap();
        let place = Place::new(ports, &mount.pool, &checked.client);
        let signed_in = SignedIn {
            auth_time: ports.clock.now(),
            event_id: None,
            session_id: None,
            session_ends_at: None,
            methods: Methods::default(),
        };
        let url = grant::issue(place, &checked.request, &self.user, &signed_in).await;
        super::testing::parameter(&url.unwrap().unwrap(), "code")
    }

    /// The tokens of a sign-in there.
    async fn tokens(&self, scene: &Scene) -> Value {
        let code = self.code(scene).await;
        let body = format!(
            "grant_type=authorization_code&client_id={MALL_CLIENT}&code={code}\
             &redirect_uri=https%3A%2F%2Fapp.test%2Fcb"
        );
        let headers = [("host", MALL_HOST)];
        let answer = post(scene, "/oauth2/token", &headers, &body).await;
        assert_eq!(answer.status(), 200, "{}", answer.body());
        serde_json::from_str(answer.body()).unwrap()
    }
}

/// A domain of a pool; custom if it has a place among those.
fn domain(pool: &str, name: &str, place: Option<i64>) -> UserPoolDomain {
    let settings = DomainDescriptionType {
        user_pool_id: Some(pool.to_owned()),
        domain: Some(name.to_owned()),
        managed_login_version: Some(2),
        ..DomainDescriptionType::default()
    };
    UserPoolDomain { settings, place, ..UserPoolDomain::default() }
}

/// A second confidential client like [`CONFIDENTIAL`], with another secret.
const TWIN: &str = "twin";
const TWIN_SECRET: &str = "the_secret_of_the_twin_only";

async fn with_twin(scene: &Scene) {
    let mut tx = scene.ports().store.write().await.unwrap();
    let model = tx.app_client(CONFIDENTIAL).await.unwrap().unwrap();
    let mut settings = model.settings;
    settings.client_id = Some(TWIN.to_owned().into());
    let secret = ClientSecret {
        id: format!("{TWIN}--1"),
        value: TWIN_SECRET.to_owned(),
        created_at: poolhouse_testkit::START,
    };
    let twin = AppClient { settings, secrets: vec![secret], ..AppClient::default() };
    tx.insert_app_client(&twin).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(twin.user_pool_id(), POOL);
}
