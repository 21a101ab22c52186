//! Whole flows as a browser goes through them, cookies included.

mod levels;
mod passkeys;
mod passwordless;
mod second_factors;
mod triggers;

use std::collections::BTreeMap;

use http::{Method, Request, Response};
use poolhouse_api::InProcess;
use poolhouse_domain::{
    branding::Style,
    passwords,
    shapes::{
        AdminCreateUserConfigType, ExplicitAuthFlowsType, ManagedLoginBrandingType,
        UserPoolMfaType, UserStatusType, VerifiedAttributeType,
    },
    totp::code,
    user_pools::schema,
    users::User,
};
use serde_json::Value;
use url::form_urlencoded;

use crate::oauth::testing::{
    CALLBACK, CLIENT, CONFIDENTIAL, HOST, POOL, Scene, claims, location, parameter, query,
};

const PASSWORD: &str = "Correct-Horse-7";
const OTHER: &str = "Battery-Staple-8";

/// A browser: what it was given, it brings again.
struct Browser<'a> {
    scene: &'a Scene,
    cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    fn new(scene: &'a Scene) -> Self {
        Self { scene, cookies: BTreeMap::new() }
    }

    async fn send(&mut self, method: Method, path: &str, body: &str) -> Response<String> {
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut request = Request::builder().method(method).uri(path).header("host", HOST);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let ports = self.scene.ports();
        let answer = match super::serve(ports, &InProcess, &parts, body.as_bytes()).await {
            Some(answer) => answer,
            None => crate::oauth::serve(ports, &parts, body.as_bytes()).await.unwrap(),
        };
        for line in answer.headers().get_all("set-cookie") {
            let line = line.to_str().unwrap();
            assert!(line.contains("; HttpOnly; SameSite=Lax"), "{line}");
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Opens a page.
    async fn open(&mut self, path: &str) -> String {
        let answer = self.send(Method::GET, path, "").await;
        assert_eq!(answer.status(), 200, "{path}: {:?}", answer.headers());
        answer.into_body()
    }

    /// Posts the form of the page that was opened last.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response<String> {
        let csrf = self.cookies.get("XSRF-TOKEN").cloned().unwrap_or_default();
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", &csrf)
            .extend_pairs(fields)
            .finish();
        self.send(Method::POST, path, &body).await
    }

    /// Follows a redirect to one of the pages.
    async fn follow(&mut self, answer: &Response<String>, path: &str) -> String {
        let url = location(answer).strip_prefix(&format!("http://{HOST}")).unwrap().to_owned();
        assert!(url.starts_with(&format!("{path}?")), "{url}");
        self.open(&url).await
    }

    async fn sign_in(&mut self, at: &str, username: &str, password: &str) -> Response<String> {
        self.open(at).await;
        self.post(at, &[("username", username), ("password", password)]).await
    }
}

fn login(client: &str) -> String {
    format!("/login?{}&state=a%20b&scope=openid+email", query(client))
}

/// A scene whose clients have styles, and whose user has a password.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    for client in [CLIENT, CONFIDENTIAL] {
        let details = ManagedLoginBrandingType {
            managed_login_branding_id: Some(format!("style-of-{client}")),
            user_pool_id: Some(POOL.to_owned()),
            ..ManagedLoginBrandingType::default()
        };
        let style = Style { details, client_id: client.to_owned(), version: 0 };
        let mut tx = scene.ports().store.write().await.unwrap();
        assert!(tx.insert_style(&style).await.unwrap());
        tx.commit().await.unwrap();
    }
    set_password(&scene, PASSWORD).await;
    scene
}

async fn set_password(scene: &Scene, password: &str) {
    let stored = passwords::store_form(scene.ports(), &scene.user, password).await.unwrap();
    scene
        .change_user(|user| {
            user.password = Some(stored);
            user.status = UserStatusType::Confirmed;
        })
        .await;
}

fn shows(page: &str, text: &str) {
    assert!(page.contains(text), "no {text:?} in {page}");
}

/// Checks that somebody is back at the application with a code, and exchanges it.
async fn redeemed(scene: &Scene, answer: &Response<String>) -> Value {
    let url = location(answer);
    assert!(
        url.starts_with(&format!("{CALLBACK}?code=")) && url.ends_with("&state=a%20b"),
        "{url}"
    );
    let code = parameter(url, "code");
    let (status, tokens) = scene.token(&crate::oauth::testing::exchange(&code)).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

async fn user(scene: &Scene, name: &str) -> User {
    let mut view = scene.ports().store.read().await.unwrap();
    view.user_by_username(POOL, name).await.unwrap().unwrap()
}

/// The pool offers authenticator apps.
async fn with_totp(scene: &Scene, mfa: UserPoolMfaType) {
    scene
        .change_pool(|pool| {
            pool.settings.mfa_configuration = Some(mfa);
            pool.factors.software_token = true;
        })
        .await;
}

/// The pool lets people sign up with an e-mail address that is verified.
async fn with_sign_up(scene: &Scene) {
    scene
        .change_pool(|pool| {
            pool.settings.auto_verified_attributes = Some(vec![VerifiedAttributeType::Email]);
            pool.settings.schema_attributes = Some(schema::initial(&[]).unwrap());
        })
        .await;
}

#[tokio::test]
async fn name_and_password_lead_back_to_the_application() {
    let scene = scene().await;
    let mut browser = Browser::new(&scene);
    let page = browser.open(&login(CLIENT)).await;
    shows(&page, "name=\"username\"");
    shows(&page, "/forgotPassword?");
    shows(&page, "/signup?");
    let before = browser.cookies["XSRF-TOKEN"].clone();
    shows(&page, &before);
    let answer = browser.sign_in(&login(CLIENT), "ada", PASSWORD).await;
    let tokens = redeemed(&scene, &answer).await;
    assert!(tokens["id_token"].is_string() && tokens["refresh_token"].is_string());
    assert_ne!(browser.cookies["XSRF-TOKEN"], before);
    assert!(!browser.cookies.contains_key("page-data"));
    // From now on without a page.
    let authorize = format!("/oauth2/authorize?{}&state=a%20b", query(CLIENT));
    let answer = browser.send(Method::GET, &authorize, "").await;
    assert!(location(&answer).starts_with(&format!("{CALLBACK}?code=")));
}

#[tokio::test]
async fn a_client_with_a_secret_needs_no_flow_of_the_api() {
    let scene = scene().await;
    let mut browser = Browser::new(&scene);
    let at = format!("/oauth2/login?{}", query(CONFIDENTIAL));
    let answer = browser.sign_in(&at, "ada", PASSWORD).await;
    assert!(location(&answer).starts_with(&format!("{CALLBACK}?code=")));
}

#[tokio::test]
async fn a_session_that_a_stranger_planted_is_replaced() {
    let scene = scene().await;
    let planted = scene.sign_in(CLIENT).await.cookie;
    let mut browser = Browser::new(&scene);
    browser.cookies.insert("cognito".to_owned(), planted.clone());
    let answer = browser.sign_in(&login(CLIENT), "ada", PASSWORD).await;
    redeemed(&scene, &answer).await;
    assert_ne!(browser.cookies["cognito"], planted);
}

#[tokio::test]
async fn a_wrong_password_is_told_above_the_form_and_nothing_is_markup() {
    let scene = scene().await;
    let mut browser = Browser::new(&scene);
    let name = "<script>alert(1)</script>\"";
    for (client, name) in [(CLIENT, "ada"), (CLIENT, name), (CONFIDENTIAL, "nobody")] {
        let at = login(client);
        let answer = browser.sign_in(&at, name, "Wrong-Horse-7").await;
        assert_eq!(answer.status(), 200);
        assert!(!browser.cookies.contains_key("cognito"));
        assert_eq!(answer.headers()["x-frame-options"], "DENY");
        let page = answer.body();
        shows(page, "id=\"problem\"");
        assert!(!page.contains("<script>alert"), "{page}");
    }
}

#[tokio::test]
async fn forms_that_are_not_ours_are_refused() {
    let scene = scene().await;
    let at = login(CLIENT);
    let mut browser = Browser::new(&scene);
    let fields = [("username", "ada"), ("password", PASSWORD)];
    // No page was opened, so that there is no cookie.
    assert_eq!(browser.post(&at, &fields).await.status(), 403);
    browser.cookies.clear();
    browser.open(&at).await;
    let good = browser.cookies["XSRF-TOKEN"].clone();
    for csrf in ["", "x", &good.to_lowercase(), &good[1..]] {
        let body = format!("csrf={csrf}&username=ada&password={PASSWORD}");
        let answer = browser.send(Method::POST, &at, &body).await;
        assert_eq!(answer.status(), 403, "{csrf}");
        assert!(!answer.headers().contains_key("location"));
        assert!(!browser.cookies.contains_key("cognito"));
    }
    let body = format!("csrf={good}&username=ada&password={PASSWORD}");
    assert_eq!(browser.send(Method::POST, &at, &body).await.status(), 302);
}

#[tokio::test]
async fn nobody_is_sent_to_where_the_client_is_not() {
    let scene = scene().await;
    let mut browser = Browser::new(&scene);
    for query in [
        "response_type=code&client_id=webclient&redirect_uri=https%3A%2F%2Fevil.test",
        "response_type=code&client_id=webclient&redirect_uri=%2F%2Fevil.test",
        "response_type=code&client_id=webclient&redirect_uri=https%3A%2F%2Fapp.test%2Fcb%2F",
    ] {
        for path in [
            "/login",
            "/signup",
            "/confirm",
            "/forgotPassword",
            "/confirmforgotPassword",
            "/passkeys/add",
        ] {
            let at = format!("{path}?{query}");
            for answer in [
                browser.send(Method::GET, &at, "").await,
                browser.post(&at, &[("username", "ada"), ("password", PASSWORD)]).await,
            ] {
                let expected = format!("http://{HOST}/error?error=redirect_mismatch");
                assert!(location(&answer).starts_with(&expected), "{at}");
            }
        }
    }
}

#[tokio::test]
async fn an_authenticator_app_is_set_up_and_asked_for_from_then_on() {
    let scene = scene().await;
    with_totp(&scene, UserPoolMfaType::On).await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    let pending = user(&scene, "ada").await.software_token.pending.unwrap().0;
    shows(&page, "otpauth");
    let wrong = browser.post(&at, &[("code", "12345"), ("device_name", "")]).await;
    assert_eq!(wrong.status(), 200);
    shows(wrong.body(), "id=\"problem\"");
    let now = || scene.ports().clock.now();
    let first = code::current_code(&pending, now());
    let answer = browser.post(&at, &[("code", &first), ("device_name", "phone")]).await;
    redeemed(&scene, &answer).await;

    scene.kit.clock.advance(30);
    let mut browser = Browser::new(&scene);
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    shows(&page, "phone");
    assert!(!browser.cookies.contains_key("cognito"));
    let page = browser.post(&at, &[("code", "000000")]).await.into_body();
    shows(&page, "id=\"problem\"");
    let (carried, csrf) = (browser.cookies["page-data"].clone(), browser.cookies.clone());
    let next = code::current_code(&pending, now());
    let answer = browser.post(&at, &[("code", &next)]).await;
    redeemed(&scene, &answer).await;

    // The same once more, with everything that the browser had.
    scene.kit.clock.advance(30);
    let mut thief = Browser::new(&scene);
    thief.cookies = csrf;
    assert_eq!(thief.cookies["page-data"], carried);
    let next = code::current_code(&pending, now());
    let answer = thief.post(&at, &[("code", &next)]).await;
    assert_eq!(answer.status(), 200);
    assert!(!thief.cookies.contains_key("cognito"));
}

#[tokio::test]
async fn what_is_carried_between_pages_is_good_only_as_it_was_and_for_its_time() {
    let scene = scene().await;
    with_totp(&scene, UserPoolMfaType::On).await;
    let at = login(CLIENT);
    let mut browser = Browser::new(&scene);
    browser.sign_in(&at, "ada", PASSWORD).await;
    let pending = user(&scene, "ada").await.software_token.pending.unwrap().0;
    let carried = browser.cookies["page-data"].clone();
    let code = code::current_code(&pending, scene.ports().clock.now());
    let mut tampered = carried.clone().into_bytes();
    let last = tampered.len() - 2;
    tampered[last] = if tampered[last] == b'A' { b'B' } else { b'A' };
    let elsewhere = format!("{at}&nonce=other");
    let other_client = login(CONFIDENTIAL);
    let good_csrf = browser.cookies["XSRF-TOKEN"].clone();
    for (path, data, csrf) in [
        (&at, String::from_utf8(tampered).unwrap(), good_csrf.clone()),
        (&elsewhere, carried.clone(), good_csrf.clone()),
        (&other_client, carried.clone(), good_csrf.clone()),
        (&at, carried.clone(), "A".repeat(43)),
    ] {
        browser.cookies.insert("page-data".to_owned(), data);
        browser.cookies.insert("XSRF-TOKEN".to_owned(), csrf);
        let answer = browser.post(path, &[("code", &code)]).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert!(!browser.cookies.contains_key("cognito"), "{path}");
        assert!(user(&scene, "ada").await.software_token.active.is_none());
    }
    scene.kit.clock.advance(300);
    browser.cookies.insert("page-data".to_owned(), carried);
    browser.cookies.insert("XSRF-TOKEN".to_owned(), good_csrf);
    let code = code::current_code(&pending, scene.ports().clock.now());
    let answer = browser.post(&at, &[("code", &code)]).await;
    assert_eq!(answer.status(), 200);
    assert!(user(&scene, "ada").await.software_token.active.is_none());
}

#[tokio::test]
async fn a_temporary_password_is_replaced() {
    let scene = scene().await;
    scene.change_user(|user| user.status = UserStatusType::ForceChangePassword).await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    shows(&page, "name=\"new_password\"");
    let fields = |one: &'static str, two: &'static str| {
        [("username", "ada"), ("new_password", one), ("confirm_password", two)]
    };
    for (one, two) in [(OTHER, PASSWORD), ("short", "short"), ("", "")] {
        let page = browser.post(&at, &fields(one, two)).await;
        assert_eq!(page.status(), 200);
        shows(page.body(), "id=\"problem\"");
    }
    let answer = browser.post(&at, &fields(OTHER, OTHER)).await;
    redeemed(&scene, &answer).await;
    let mut browser = Browser::new(&scene);
    let answer = browser.sign_in(&at, "ada", OTHER).await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn who_signs_up_confirms_the_code_and_is_signed_in() {
    let scene = scene().await;
    with_sign_up(&scene).await;
    let mut browser = Browser::new(&scene);
    let at = login(CLIENT).replace("/login", "/signup");
    let page = browser.open(&at).await;
    shows(&page, "name=\"requiredAttributes[email]\"");
    let email = ("requiredAttributes[email]", "jo@example.com");
    let taken = browser.post(&at, &[("username", "ada"), ("password", PASSWORD), email]).await;
    shows(taken.body(), "id=\"problem\"");
    shows(taken.body(), "value=\"jo@example.com\"");
    let weak = browser.post(&at, &[("username", "jo"), ("password", "weak"), email]).await;
    shows(weak.body(), "id=\"problem\"");
    let answer = browser.post(&at, &[("username", "jo"), ("password", PASSWORD), email]).await;
    let page = browser.follow(&answer, "/confirm").await;
    shows(&page, "j***@e***");
    let confirm = at.replace("/signup", "/confirm");
    let code = || scene.kit.messenger.last_code_for("jo@example.com").unwrap();
    let first = code();
    let page = browser.post(&confirm, &[("intent", "resend")]).await;
    assert_eq!(page.status(), 200);
    assert_ne!(code(), first);
    let page = browser.post(&confirm, &[("code", &first)]).await;
    shows(page.body(), "id=\"problem\"");
    let typed = format!(" {} {}", &code()[..3], &code()[3..]);
    let answer = browser.post(&confirm, &[("code", &typed)]).await;
    redeemed(&scene, &answer).await;
    assert_eq!(user(&scene, "jo").await.status, UserStatusType::Confirmed);
}

#[tokio::test]
async fn who_signed_up_elsewhere_confirms_at_the_sign_in_or_by_link() {
    let scene = scene().await;
    with_sign_up(&scene).await;
    let at = login(CLIENT).replace("/login", "/signup");
    for name in ["jo", "flo"] {
        let mut browser = Browser::new(&scene);
        browser.open(&at).await;
        let email = format!("{name}@example.com");
        let fields = [("username", name), ("password", PASSWORD)];
        let email = [("requiredAttributes[email]", email.as_str())];
        assert_eq!(browser.post(&at, &[&fields[..], &email].concat()).await.status(), 302);
    }
    let mut browser = Browser::new(&scene);
    let answer = browser.sign_in(&login(CLIENT), "jo", PASSWORD).await;
    browser.follow(&answer, "/confirm").await;
    let code = scene.kit.messenger.last_code_for("jo@example.com").unwrap();
    let confirm = at.replace("/signup", "/confirm");
    let answer = browser.post(&confirm, &[("code", &code)]).await;
    browser.follow(&answer, "/login").await;
    let answer = browser.sign_in(&login(CLIENT), "jo", PASSWORD).await;
    redeemed(&scene, &answer).await;

    let code = scene.kit.messenger.last_code_for("flo@example.com").unwrap();
    let link = format!("/confirmUser?client_id={CLIENT}&user_name=flo&confirmation_code={code}");
    let page = browser.open(&link).await;
    assert!(!page.contains("id=\"problem\""), "{page}");
    assert_eq!(user(&scene, "flo").await.status, UserStatusType::Confirmed);
    let page = browser.open(&link).await;
    assert_eq!(user(&scene, "flo").await.status, UserStatusType::Confirmed);
    shows(&page, "User cannot be confirmed");
}

#[tokio::test]
async fn only_administrators_make_accounts_where_the_pool_says_so() {
    let scene = scene().await;
    let only = AdminCreateUserConfigType {
        allow_admin_create_user_only: Some(true),
        ..AdminCreateUserConfigType::default()
    };
    scene.change_pool(|pool| pool.settings.admin_create_user_config = Some(only)).await;
    let mut browser = Browser::new(&scene);
    let page = browser.open(&login(CLIENT)).await;
    assert!(!page.contains("/signup?"));
    let at = login(CLIENT).replace("/login", "/signup");
    assert!(location(&browser.send(Method::GET, &at, "").await).contains("/login?"));
    let answer = browser.post(&at, &[("username", "jo"), ("password", PASSWORD)]).await;
    assert!(location(&answer).contains("/login?"));
    let mut view = scene.ports().store.read().await.unwrap();
    assert!(view.user_by_username(POOL, "jo").await.unwrap().is_none());
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_a_code() {
    let scene = scene().await;
    let mut browser = Browser::new(&scene);
    let at = login(CLIENT).replace("/login", "/forgotPassword");
    let reset = at.replace("/forgotPassword", "/confirmforgotPassword");
    browser.open(&at).await;
    let answer = browser.post(&at, &[("username", "ada")]).await;
    shows(&browser.follow(&answer, "/confirmforgotPassword").await, "a***@e***");
    let code = scene.kit.messenger.last_code_for("ada@example.com").unwrap();
    let fields =
        |code, password| [("code", code), ("new_password", password), ("confirm_password", OTHER)];
    for (code, password) in [("000000", OTHER), (code.as_str(), PASSWORD), ("", OTHER)] {
        let page = browser.post(&reset, &fields(code, password)).await;
        assert_eq!(page.status(), 200);
        shows(page.body(), "id=\"problem\"");
    }
    let answer = browser.post(&reset, &fields(&code, OTHER)).await;
    let page = browser.follow(&answer, "/login").await;
    assert!(!page.contains("id=\"problem\""));
    let answer = browser.sign_in(&login(CLIENT), "ada", OTHER).await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn nobody_learns_who_exists_from_a_client_that_hides_it() {
    let scene = scene().await;
    scene
        .change(CLIENT, |client| {
            let hides = poolhouse_domain::shapes::PreventUserExistenceErrorTypes::Enabled;
            client.settings.prevent_user_existence_errors = Some(hides);
        })
        .await;
    let mut browser = Browser::new(&scene);
    let at = login(CLIENT).replace("/login", "/forgotPassword");
    browser.open(&at).await;
    let answer = browser.post(&at, &[("username", "nobody")]).await;
    browser.follow(&answer, "/confirmforgotPassword").await;
    let known = browser.sign_in(&login(CLIENT), "ada", "Wrong-Horse-7").await.into_body();
    let unknown = browser.sign_in(&login(CLIENT), "eve", "Wrong-Horse-7").await.into_body();
    assert_eq!(known.replace("\"ada\"", "\"eve\""), unknown);
}

#[tokio::test]
async fn people_choose_by_what_they_sign_in() {
    let scene = scene().await;
    scene
        .change(CLIENT, |client| {
            client.settings.explicit_auth_flows = Some(vec![ExplicitAuthFlowsType::AllowUserAuth]);
        })
        .await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let page = browser.open(&at).await;
    assert!(!page.contains("name=\"password\""), "{page}");
    let page = browser.post(&at, &[("username", "ada")]).await.into_body();
    shows(&page, "name=\"password\"");
    let page = browser.post(&at, &[("username", "ada"), ("password", "Wrong-7")]).await;
    shows(page.body(), "id=\"problem\"");
    shows(page.body(), "name=\"password\"");
    let answer = browser.post(&at, &[("username", "ada"), ("password", PASSWORD)]).await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn a_client_without_style_has_no_pages() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    shows(&browser.open(&login(CLIENT)).await, "unavailable");
}

#[tokio::test]
async fn rates_hold_for_forms_and_forms_have_an_end() {
    let scene = scene().await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let long = "x".repeat(64 * 1024);
    assert_eq!(browser.post(&at, &[("username", &long)]).await.status(), 413);
    assert_eq!(browser.send(Method::PUT, &at, "").await.status(), 405);
    let scene = scene.with_rates();
    let mut browser = Browser::new(&scene);
    let mut last = 200;
    for _ in 0..400 {
        last = browser.post(&at, &[]).await.status().as_u16();
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn an_address_opens_so_many_pages_and_others_go_on() {
    let mut scene = scene().await.with_rates();
    for path in ["/login", "/passkeys/add", "/error"] {
        let at = login(CLIENT).replace("/login", path);
        let mut statuses = Vec::new();
        for _ in 0..400 {
            let mut browser = Browser::new(&scene);
            statuses.push(browser.send(Method::GET, &at, "").await.status().as_u16());
            if statuses.last() == Some(&429) {
                break;
            }
        }
        assert_eq!(statuses.last(), Some(&429), "{path}");
        let ip = scene.ports().caller.ip;
        scene.kit.ports.caller.ip = Some([192, 0, 2, 99].into());
        let other = Browser::new(&scene).send(Method::GET, &at, "").await;
        assert_ne!(other.status(), 429, "{path}");
        scene.kit.ports.caller.ip = ip;
    }
}
