//! The login pages as they are attacked: forged forms, frames, planted cookies, markup in whatever is
//! shown again, addresses that are not the application's, hosts that are not the domain's.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use http::{Method, Request, Response};
use poolhouse_api::InProcess;
use poolhouse_domain::{
    branding::{Style, classic::UiCustomization},
    passwords,
    ports::{Identity, Workers},
    shapes::{
        LambdaConfigType, ManagedLoginBrandingType, PreventUserExistenceErrorTypes,
        UserPoolMfaType, UserStatusType, VerifiedAttributeType,
    },
    tokens::revoke,
    totp::code,
    triggers::Trigger,
    user_pools::schema,
};
use serde_json::json;
use url::form_urlencoded;

use crate::oauth::{
    headers::SameOrigin,
    protocol_tests::{FOREIGN, MALL_CLIENT, MALL_HOST, Mall, encoded, is_safe_page},
    testing::{CALLBACK, CLIENT, CONFIDENTIAL, HOST, POOL, Scene, location, query},
};

const PASSWORD: &str = "Correct-Horse-7";
const FORM: &str = "application/x-www-form-urlencoded";
const PAGES: [&str; 7] = [
    "/login",
    "/oauth2/login",
    "/signup",
    "/confirm",
    "/resendcode",
    "/forgotPassword",
    "/confirmforgotPassword",
];
/// The generations of the pages, and what each calls the token against forged forms.
const GENERATIONS: [(i32, &str); 2] = [(1, "_csrf"), (2, "csrf")];

/// A browser: what it was given, it brings again.
struct Browser<'a> {
    scene: &'a Scene,
    host: &'a str,
    field: &'static str,
    cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    fn new(scene: &'a Scene) -> Self {
        Self { scene, host: HOST, field: "csrf", cookies: BTreeMap::new() }
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<String> {
        let mut request = Request::builder().method(method).uri(path).header("host", self.host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let ports = self.scene.ports();
        let answer = match super::serve(ports, &InProcess, &parts, body.as_bytes()).await {
            Some(answer) => answer,
            None => crate::oauth::serve(ports, &parts, body.as_bytes()).await.unwrap(),
        };
        assert!(answer.extensions().get::<SameOrigin>().is_some(), "{path}");
        assert_eq!(answer.headers()["x-frame-options"], "DENY", "{path}");
        for (name, value, attributes) in given(&answer) {
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(&name);
            } else {
                self.cookies.insert(name, value);
            }
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Response<String> {
        self.send(Method::GET, path, &[], "").await
    }

    /// Posts the form of a page that this browser has opened.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response<String> {
        let token = self.cookies.get("XSRF-TOKEN").cloned().unwrap_or_default();
        let body = form(&[&[(self.field, token.as_str())], fields].concat());
        self.send(Method::POST, path, &[("content-type", FORM)], &body).await
    }

    async fn sign_in(&mut self, at: &str, username: &str) -> Response<String> {
        self.get(at).await;
        self.post(at, &[("username", username), ("password", PASSWORD)]).await
    }
}

/// The cookies of an answer: name, value, attributes.
fn given(answer: &Response<String>) -> Vec<(String, String, String)> {
    let lines = answer.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    lines
        .map(|line| {
            let (name, rest) = line.split_once('=').unwrap();
            let (value, attributes) = rest.split_once("; ").unwrap();
            (name.to_owned(), value.to_owned(), attributes.to_owned())
        })
        .collect()
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn at(path: &str) -> String {
    format!("{path}?{}&state=s&scope=openid", query(CLIENT))
}

/// A scene with pages of this generation, where people may sign up, and a user with a password.
async fn scene(generation: i32) -> Scene {
    let scene = Scene::new().await;
    for client in [CLIENT, CONFIDENTIAL] {
        with_style(&scene, client, json!({})).await;
    }
    show(&scene, generation).await;
    scene
        .change_pool(|pool| {
            pool.settings.auto_verified_attributes = Some(vec![VerifiedAttributeType::Email]);
            pool.settings.schema_attributes = Some(schema::initial(&[]).unwrap());
        })
        .await;
    let stored = passwords::store_form(scene.ports(), &scene.user, PASSWORD).await.unwrap();
    scene
        .change_user(|user| {
            user.password = Some(stored);
            user.status = UserStatusType::Confirmed;
        })
        .await;
    scene
}

async fn with_style(scene: &Scene, client: &str, settings: serde_json::Value) {
    let details = ManagedLoginBrandingType {
        managed_login_branding_id: Some(format!("style-of-{client}")),
        user_pool_id: Some(POOL.to_owned()),
        settings: Some(settings),
        ..ManagedLoginBrandingType::default()
    };
    let style = Style { details, client_id: client.to_owned(), version: 0 };
    let mut tx = scene.ports().store.write().await.unwrap();
    assert!(tx.insert_style(&style).await.unwrap());
    tx.commit().await.unwrap();
}

/// From now on the domain shows pages of this generation.
async fn show(scene: &Scene, generation: i32) {
    let mut tx = scene.ports().store.write().await.unwrap();
    let mut domain = tx.domain("shop").await.unwrap().unwrap();
    domain.settings.managed_login_version = Some(generation);
    tx.update_domain(&mut domain).await.unwrap();
    tx.commit().await.unwrap();
    scene.ports().directory.forget_domain("shop");
}

/// The user has an authenticator app; its secret.
async fn with_totp(scene: &Scene) -> [u8; 32] {
    scene
        .change_pool(|pool| {
            pool.settings.mfa_configuration = Some(UserPoolMfaType::On);
            pool.factors.software_token = true;
        })
        .await;
    let mut browser = Browser::new(scene);
    browser.sign_in(&at("/login"), "ada").await;
    let mut view = scene.ports().store.read().await.unwrap();
    let user = view.user_by_username(POOL, "ada").await.unwrap().unwrap();
    let secret = user.software_token.pending.unwrap().0;
    let first = code::current_code(&secret, scene.ports().clock.now());
    let answer = browser.post(&at("/login"), &[("code", &first), ("device_name", "")]).await;
    assert_eq!(answer.status(), 302, "{}", answer.body());
    scene.kit.clock.advance(30);
    secret
}

#[tokio::test]
async fn no_form_is_taken_without_the_token_of_this_browser() {
    for (generation, field) in GENERATIONS {
        let scene = scene(generation).await;
        let other_field = if field == "csrf" { "_csrf" } else { "csrf" };
        let mut stranger = Browser::new(&scene);
        stranger.get(&at("/login")).await;
        let others = stranger.cookies["XSRF-TOKEN"].clone();
        for page in PAGES {
            let at = at(page);
            let mut browser = Browser::new(&scene);
            browser.get(&super::security_tests::at("/login")).await;
            let own = browser.cookies["XSRF-TOKEN"].clone();
            let kind = ("content-type", FORM);
            let said = [
                ("username", "ada"),
                ("password", PASSWORD),
                ("requiredAttributes[email]", "eve@example.com"),
                ("code", "123456"),
            ];
            let with = |field: &str, token: &str| form(&[&[(field, token)], &said[..]].concat());
            let site = |site| ("sec-fetch-site", site);
            let lower = own.to_lowercase();
            let spaced = format!(" {own}");
            for (headers, body, has_cookie, case) in [
                (vec![kind], form(&said), true, "none"),
                (vec![kind], with(field, ""), true, "an empty one"),
                (vec![kind], with(field, &others), true, "another browser's"),
                (vec![kind], with(other_field, &own), true, "under another name"),
                (vec![kind], with(field, &own[1..]), true, "a part"),
                (vec![kind], with(field, &lower), true, "in another case"),
                (vec![kind], with(field, &spaced), true, "with a space"),
                (vec![kind], with(field, &own), false, "without the cookie"),
                (vec![kind], with(field, ""), false, "nothing at all"),
                (vec![kind], format!("{}&{field}={own}", with(field, &own)), true, "twice"),
                (
                    vec![("content-type", "text/plain")],
                    with(field, &own),
                    true,
                    "in what is no form",
                ),
                (vec![("content-type", "multipart/form-data")], with(field, &own), true, "parts"),
                (vec![], with(field, &own), true, "in nothing"),
                (vec![kind, site("cross-site")], with(field, &own), true, "from another site"),
                (vec![kind, site("same-site")], with(field, &own), true, "from a sibling"),
            ] {
                browser.cookies.clear();
                if has_cookie {
                    browser.cookies.insert("XSRF-TOKEN".to_owned(), own.clone());
                }
                let case = format!("{page} of generation {generation}: {case}");
                let answer = browser.send(Method::POST, &at, &headers, &body).await;
                is_safe_page(&answer, 403, "invalid_csrf_token", &case);
                assert!(given(&answer).iter().all(|(name, ..)| name == "XSRF-TOKEN"), "{case}");
                let message = scene.kit.messenger.last_code_for("eve@example.com");
                assert!(message.is_none(), "{case}");
            }
            for headers in [vec![kind], vec![kind, site("same-origin")], vec![kind, site("none")]] {
                browser.cookies = BTreeMap::from([("XSRF-TOKEN".to_owned(), own.clone())]);
                let body = form(&[(field, own.as_str())]);
                let answer = browser.send(Method::POST, &at, &headers, &body).await;
                assert_ne!(answer.status(), 403, "{page} of generation {generation}");
            }
        }
        let mut view = scene.ports().store.read().await.unwrap();
        assert_eq!(view.user_sessions(POOL, &scene.user.sub).await.unwrap().len(), 0);
    }
}

#[tokio::test]
async fn every_page_of_both_generations_is_safe() {
    for (generation, field) in GENERATIONS {
        let scene = scene(generation).await;
        let mut browser = Browser::new(&scene);
        browser.field = field;
        for page in PAGES {
            let case = format!("{page} of generation {generation}");
            is_safe_page(&browser.get(&at(page)).await, 200, "<form", &case);
            let answer = browser.post(&at(page), &[("username", "")]).await;
            is_safe_page(&answer, 200, "<form", &case);
        }
        let answer = browser.post(&at("/login"), &[("username", "ada"), ("password", "x")]).await;
        is_safe_page(&answer, 200, "id=\"problem\"", "a wrong password");
        let link = format!("/confirmUser?client_id={CLIENT}&user_name=x&confirmation_code=1");
        is_safe_page(&browser.get(&link).await, 200, "id=\"title\"", "a link");
        let partly = format!("/confirmUser?client_id={CLIENT}&user_name=x");
        let text = "Required String parameter 'confirmation_code' is not present";
        is_safe_page(&browser.get(&partly).await, 400, text, "half a link");
    }
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    is_safe_page(&browser.get(&at("/login")).await, 200, "unavailable", "no style");
}

#[tokio::test]
async fn other_methods_and_what_is_too_large_are_refused() {
    let scene = scene(2).await;
    let mut browser = Browser::new(&scene);
    browser.get(&at("/login")).await;
    for page in PAGES.into_iter().chain(["/confirmUser"]) {
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS] {
            let answer = browser.send(method.clone(), &at(page), &[], "").await;
            assert_eq!(answer.status(), 405, "{method} {page}");
            assert_eq!(answer.headers()["allow"], "GET, POST", "{method} {page}");
            assert_eq!(answer.body(), "");
        }
        let large = "x".repeat(64 * 1_024 + 1);
        let answer = browser.send(Method::POST, &at(page), &[("content-type", FORM)], &large).await;
        assert_eq!((answer.status().as_u16(), answer.body().as_str()), (413, ""), "{page}");
    }
}

#[tokio::test]
async fn repeated_and_long_fields_count_as_none() {
    let scene = scene(2).await;
    let mut browser = Browser::new(&scene);
    browser.get(&at("/login")).await;
    let long = "x".repeat(2_049);
    let good = [("username", "ada"), ("password", PASSWORD)];
    for (fields, case) in [
        ([&good[..], &[("username", "eve")]].concat(), "two names"),
        ([&good[..], &[("username", "ada")]].concat(), "the same name twice"),
        ([&good[..], &[("password", PASSWORD)]].concat(), "the password twice"),
        ([&good[..], &[("password", "x"), ("password", "y")]].concat(), "three passwords"),
        (vec![("username", "ada"), ("password", long.as_str())], "a long password"),
        (vec![("username", long.as_str()), ("password", PASSWORD)], "a long name"),
        (vec![("username[]", "ada"), ("password[]", PASSWORD)], "lists"),
        (vec![("Username", "ada"), ("Password", PASSWORD)], "another case"),
        (vec![("username", "ada\0"), ("password", PASSWORD)], "a null character"),
        (vec![("username", "ada"), ("password", "\0")], "a null character for a password"),
    ] {
        let answer = browser.post(&at("/login"), &fields).await;
        is_safe_page(&answer, 200, "name=\"username\"", case);
        assert!(!browser.cookies.contains_key("cognito"), "{case}");
    }
    let many: Vec<_> = (0..5_000).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "")).collect();
    let answer = browser.post(&at("/login"), &[&good[..], &many].concat()).await;
    assert_eq!(answer.status(), 302, "what means nothing is not in the way");
}

/// The cookies of an answer without their values, of which the page's data are sealed.
fn shape(answer: &Response<String>) -> Vec<String> {
    given(answer).into_iter().map(|(name, _, attributes)| format!("{name}: {attributes}")).collect()
}

#[tokio::test]
async fn cookies_have_their_names_lifetimes_and_attributes() {
    for (base, host, path, prefix, secure) in [
        ("http://127.0.0.1:7665", HOST, "", "/", ""),
        ("https://id.test", "shop.auth.localhost", "", "/", "; Secure"),
        ("https://id.test", "id.test", "/shop", "/shop", "; Secure"),
        ("http://127.0.0.1:7665", "127.0.0.1:7665", "/shop", "/shop", ""),
    ] {
        let mut scene = scene(2).await;
        let secret = with_totp(&scene).await;
        let identity =
            Identity { issuer_base: base.to_owned(), ..Identity::clone(&scene.ports().identity) };
        scene.kit.ports.identity = Arc::new(identity);
        let mut browser = Browser { host, ..Browser::new(&scene) };
        let line = |name: &str, seconds: i64| {
            format!("{name}: Path={prefix}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
        };
        let token = line("XSRF-TOKEN", 86_400);
        let login = format!("{path}{}", at("/login"));
        let answer = browser.get(&login).await;
        assert_eq!(shape(&answer), std::slice::from_ref(&token));
        let (_, value, _) = given(&answer).remove(0);
        assert_eq!(value.len(), 43, "256 bits");
        let answer = browser.get(&format!("{login}&lang=de")).await;
        assert_eq!(shape(&answer), [token.clone(), line("lang", 31_536_000)]);
        assert_eq!(browser.cookies["lang"], "de");
        assert_eq!(browser.cookies["XSRF-TOKEN"], value, "it stays");
        let fields = [("username", "ada"), ("password", PASSWORD)];
        let answer = browser.post(&login, &fields).await;
        assert_eq!(shape(&answer), [token.clone(), line("page-data", 300)]);
        scene.kit.clock.advance(100);
        let answer = browser.post(&login, &[("code", "000000")]).await;
        assert_eq!(shape(&answer), [token.clone(), line("page-data", 200)], "no longer");
        let now = code::current_code(&secret, scene.ports().clock.now());
        let answer = browser.post(&login, &[("code", &now)]).await;
        let session = line("cognito", 3_600);
        assert_eq!(shape(&answer), [session, token.clone(), line("page-data", 0)]);
        assert!(location(&answer).starts_with(&format!("{CALLBACK}?code=")));
        let strict = answer.headers().get("strict-transport-security");
        assert_eq!(strict.is_some(), !secure.is_empty());
        assert_ne!(browser.cookies["XSRF-TOKEN"], value, "it was known before the sign-in");
        // A message has to arrive.
        let forgot = format!("{path}{}", at("/forgotPassword"));
        browser.get(&forgot).await;
        let answer = browser.post(&forgot, &[("username", "ada")]).await;
        assert_eq!(shape(&answer), [token, line("page-data", 3_600)]);
    }
    // The classic pages speak one language.
    let scene = scene(1).await;
    let mut browser = Browser::new(&scene);
    let answer = browser.get(&format!("{}&lang=de", at("/login"))).await;
    assert_eq!(shape(&answer), ["XSRF-TOKEN: Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"]);
    assert!(answer.body().contains("<html lang=\"en\""));
}

#[tokio::test]
async fn what_was_planted_before_a_sign_in_is_worth_nothing_after_it() {
    for (generation, field) in GENERATIONS {
        let scene = scene(generation).await;
        let strangers = scene.sign_in(CLIENT).await;
        for planted in [strangers.cookie.as_str(), "planted", "", "x=y"] {
            let token = "A".repeat(43);
            let mut browser = Browser::new(&scene);
            browser.field = field;
            browser.cookies.insert("cognito".to_owned(), planted.to_owned());
            browser.cookies.insert("XSRF-TOKEN".to_owned(), token.clone());
            browser.cookies.insert("page-data".to_owned(), planted.to_owned());
            let answer = browser.sign_in(&at("/login"), "ada").await;
            assert!(location(&answer).starts_with(&format!("{CALLBACK}?code=")), "{planted}");
            let names = ["cognito", "XSRF-TOKEN"];
            let [session, csrf] = names.map(|name| browser.cookies[name].clone());
            assert_ne!(session, planted);
            assert_ne!(csrf, token);
            assert!(!browser.cookies.contains_key("page-data"));
            // The planted token doesn't open a form any more.
            let body = form(&[(field, token.as_str()), ("username", "eve"), ("password", "x")]);
            let answer =
                browser.send(Method::POST, &at("/login"), &[("content-type", FORM)], &body).await;
            assert_eq!(answer.status(), 403);
            assert_eq!(browser.cookies["cognito"], session);
        }
    }
}

/// Text as attackers send it, where it must not come back as it is.
const MARKUP: [&str; 7] = [
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "x\" autofocus onfocus=\"alert(1)",
    "<!--<base href=//evil.test>",
];

#[track_caller]
fn is_no_markup(answer: &Response<String>, text: &str, case: &str) {
    assert!(!answer.body().contains(text), "{case}: {}", answer.body());
    for alarm in ["<img src=x", "<svg/", "<script>", "<base", "onfocus=\"alert", "\"javascript:"] {
        assert!(!answer.body().contains(alarm), "{case}: {alarm} in {}", answer.body());
    }
}

#[tokio::test]
async fn nothing_that_is_shown_again_is_markup() {
    for (generation, field) in GENERATIONS {
        let scene = scene(generation).await;
        let mut browser = Browser::new(&scene);
        browser.field = field;
        for text in MARKUP {
            let safe = encoded(text);
            // Whatever stands in the query, in addresses of links too.
            let names = ["state", "nonce", "login_hint", "lang", "acr_values", "error", "unknown"];
            let more: String = names.map(|name| format!("&{name}={safe}")).concat();
            for page in PAGES {
                let answer = browser.get(&format!("{page}?{}{more}", query(CLIENT))).await;
                assert_eq!(answer.status(), 200, "{page}");
                is_no_markup(&answer, text, page);
            }
            // Whatever forms sent.
            for (page, fields) in [
                ("/login", vec![("username", text), ("password", text)]),
                ("/forgotPassword", vec![("username", text)]),
                ("/signup", vec![("username", text), ("requiredAttributes[email]", text)]),
                (
                    "/signup",
                    vec![
                        ("username", text),
                        ("password", PASSWORD),
                        ("requiredAttributes[email]", text),
                    ],
                ),
                ("/confirm", vec![("code", text)]),
                ("/confirmforgotPassword", vec![("code", text), ("new_password", text)]),
            ] {
                let answer = browser.post(&at(page), &fields).await;
                is_no_markup(&answer, text, page);
            }
            // Links and errors.
            for path in [
                format!(
                    "/confirmUser?client_id={CLIENT}&user_name={safe}&confirmation_code={safe}"
                ),
                format!("/confirmUser?client_id={safe}&user_name=x&confirmation_code=1"),
                format!("/error?error={safe}&client_id={safe}&error_description={safe}"),
                format!("/logout?client_id={CLIENT}&logout_uri={safe}"),
                format!("/oauth2/authorize?client_id={safe}"),
                format!("/login?client_id={CLIENT}&redirect_uri={safe}"),
            ] {
                is_no_markup(&browser.get(&path).await, text, &path);
            }
            // What a function throws.
            let arn = "arn:aws:lambda:us-east-1:123456789012:function:x".to_owned();
            let config =
                LambdaConfigType { pre_authentication: Some(arn), ..LambdaConfigType::default() };
            scene.change_pool(|pool| pool.settings.lambda_config = Some(config)).await;
            scene.kit.functions.throw(Trigger::PreAuthentication, text);
            let answer = browser.sign_in(&at("/login"), "ada").await;
            is_safe_page(&answer, 200, "id=\"problem\"", "a function");
            is_no_markup(&answer, text, "a function");
            scene.change_pool(|pool| pool.settings.lambda_config = None).await;
            scene.change_pool(|pool| pool.settings.name = Some(text.to_owned())).await;
            scene.change(CLIENT, |c| c.settings.client_name = Some(text.to_owned())).await;
            is_no_markup(&browser.get(&at("/login")).await, text, "names");
        }
    }
}

#[tokio::test]
async fn no_branding_brings_markup_or_addresses_into_a_page() {
    let hostile = "red;}</style><script>alert(1)</script>";
    let scene = Scene::new().await;
    let colour = json!({ "lightMode": { "backgroundColor": hostile, "color": hostile } });
    let settings = json!({
        "components": {
            "pageBackground": { "lightMode": { "color": hostile }, "image": { "enabled": hostile } },
            "primaryButton": { "lightMode": { "defaults": { "backgroundColor": hostile } } },
            "form": { "borderRadius": hostile, "lightMode": { "backgroundColor": hostile },
                "logo": { "enabled": true, "location": hostile, "position": hostile } },
            "pageText": colour,
        },
        "componentClasses": { "buttons": { "borderRadius": hostile }, "input": { "borderRadius": hostile } },
        "categories": {
            "global": { "colorSchemeMode": hostile, "spacingDensity": hostile },
            "form": { "location": { "horizontal": hostile, "vertical": hostile } },
        },
    });
    with_style(&scene, CLIENT, settings).await;
    let mut browser = Browser::new(&scene);
    let page = browser.get(&at("/login")).await;
    is_safe_page(&page, 200, "name=\"username\"", "managed");
    is_no_markup(&page, hostile, "managed");

    show(&scene, 1).await;
    let css = format!(
        ".label-customizable {{ color: {hostile} }} @import url(//evil.test); \
         .banner-customizable {{ background: url(https://evil.test/x) }}"
    );
    let at_time = scene.ports().clock.now();
    if let Ok(custom) = UiCustomization::new(POOL, "ALL", Some(css), None, at_time) {
        let mut tx = scene.ports().store.write().await.unwrap();
        tx.put_ui_customization(&custom).await.unwrap();
        tx.commit().await.unwrap();
    }
    let page = browser.get(&at("/login")).await;
    is_safe_page(&page, 200, "name=\"username\"", "classic");
    is_no_markup(&page, hostile, "classic");
    assert!(!page.body().contains("evil.test"), "{}", page.body());
}

#[tokio::test]
async fn no_page_or_form_leads_to_an_address_that_is_not_the_clients() {
    let scene = scene(2).await;
    let mut browser = Browser::new(&scene);
    browser.get(&at("/login")).await;
    let mismatch = format!("http://{HOST}/error?error=redirect_mismatch&client_id={CLIENT}");
    let fields = [("username", "ada"), ("password", PASSWORD)];
    for uri in FOREIGN {
        for page in PAGES {
            let at = format!(
                "{page}?response_type=code&client_id={CLIENT}&redirect_uri={}&state=s",
                encoded(uri)
            );
            for answer in [browser.get(&at).await, browser.post(&at, &fields).await] {
                assert_eq!(location(&answer), mismatch, "{uri} at {page}");
                assert!(given(&answer).is_empty(), "{uri} at {page}");
            }
        }
    }
    // A form's own fields change nothing of where it leads.
    let more = [("redirect_uri", "https://evil.test"), ("state", "x"), ("client_id", "nobody")];
    let answer = browser.post(&at("/login"), &[&fields[..], &more].concat()).await;
    let url = location(&answer);
    assert!(url.starts_with(&format!("{CALLBACK}?code=")) && url.ends_with("&state=s"), "{url}");
}

#[tokio::test]
async fn a_sign_in_brings_back_the_state_as_it_was() {
    let scene = scene(2).await;
    let long = "y".repeat(2_048);
    for (raw, echoed) in [
        ("a%20b+c%2B", "a%20b+c%2B"),
        ("%0d%0aSet-Cookie:%20cognito=x%0d%0a%0d%0a", "%0d%0aSet-Cookie:%20cognito=x%0d%0a%0d%0a"),
        ("%22%3E%27", "%22%3E%27"),
        ("{|}", "%7B%7C%7D"),
        ("%F0%9F%A6%80", "%F0%9F%A6%80"),
        ("%E5%98%8A", "%E5%98%8A"),
        (long.as_str(), long.as_str()),
    ] {
        let mut browser = Browser::new(&scene);
        let at = format!("/login?{}&state={raw}", query(CLIENT));
        let answer = browser.sign_in(&at, "ada").await;
        let url = location(&answer);
        assert!(url.ends_with(&format!("&state={echoed}")), "{url}");
        assert_eq!(given(&answer).len(), 2, "{raw}");
        // On the way to another page it stays as it is.
        let at = format!("/forgotPassword?{}&state={raw}", query(CLIENT));
        browser.get(&at).await;
        let answer = browser.post(&at, &[("username", "ada")]).await;
        assert!(location(&answer).ends_with(&format!("&state={raw}")), "{raw}");
    }
}

#[tokio::test]
async fn what_a_browser_carries_is_for_one_pool_and_a_living_user() {
    let scene = scene(2).await;
    let secret = with_totp(&scene).await;
    let mall = Mall::beside(&scene).await;
    with_style(&scene, MALL_CLIENT, json!({})).await;
    let code = || code::current_code(&secret, scene.ports().clock.now());
    let login = at("/login");
    let mut browser = Browser::new(&scene);
    browser.sign_in(&login, "ada").await;
    assert!(browser.cookies.contains_key("page-data"));
    // At the other pool's domain, for its client.
    let mut elsewhere =
        Browser { host: MALL_HOST, cookies: browser.cookies.clone(), ..Browser::new(&scene) };
    let theirs = login.replace(CLIENT, MALL_CLIENT);
    let answer = elsewhere.post(&theirs, &[("code", &code())]).await;
    is_safe_page(&answer, 200, "name=\"username\"", "another pool");
    assert!(!elsewhere.cookies.contains_key("cognito"));
    let mut view = scene.ports().store.read().await.unwrap();
    assert!(view.user_sessions(mall.pool, &mall.user.sub).await.unwrap().is_empty());
    drop(view);
    // A page's data are no session, and a session no page's data.
    let mut swapped = Browser::new(&scene);
    swapped.cookies.insert("cognito".to_owned(), browser.cookies["page-data"].clone());
    let silent = format!("/oauth2/authorize?{}&prompt=none", query(CLIENT));
    let answer = swapped.get(&silent).await;
    assert_eq!(location(&answer), format!("{CALLBACK}?error=login_required"));
    let mut swapped = Browser { cookies: browser.cookies.clone(), ..Browser::new(&scene) };
    let session = scene.sign_in(CLIENT).await.cookie;
    swapped.cookies.insert("page-data".to_owned(), session);
    let answer = swapped.post(&login, &[("code", &code())]).await;
    is_safe_page(&answer, 200, "name=\"username\"", "a session as page data");
    // Half a sign-in of a user who was disabled, or has gone, meanwhile.
    for action in ["disable", "delete"] {
        let mut tx = scene.ports().store.write().await.unwrap();
        let mut user = tx.user_by_sub(POOL, &scene.user.sub).await.unwrap().unwrap();
        match action {
            "disable" => {
                let now = scene.ports().clock.now();
                revoke::disable(&mut *tx, &mut user, now).await.unwrap();
            }
            _ => tx.delete_user(POOL, &scene.user.sub).await.unwrap(),
        }
        tx.commit().await.unwrap();
        let mut later = Browser { cookies: browser.cookies.clone(), ..Browser::new(&scene) };
        let answer = later.post(&login, &[("code", &code())]).await;
        is_safe_page(&answer, 200, "id=\"problem\"", action);
        assert!(!later.cookies.contains_key("cognito"), "{action}");
        let answer = later.sign_in(&login, "ada").await;
        is_safe_page(&answer, 200, "id=\"problem\"", action);
        assert!(!later.cookies.contains_key("cognito"), "{action}");
    }
}

#[tokio::test]
async fn the_domain_is_named_by_the_host_alone() {
    let scene = scene(2).await;
    let serve = async |host: Option<&str>, headers: &[(&str, &str)]| {
        let mut request = Request::get(at("/forgotPassword"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        super::serve(scene.ports(), &InProcess, &parts, b"").await
    };
    for host in [
        "evil.test",
        "shop.auth.localhost.evil.test",
        "evil.shop.auth.localhost",
        "auth.localhost",
        "shop.auth.localhost@evil.test",
        "evil.test@shop.auth.localhost",
        "shop.auth.localhost:x",
        "shop.auth.localhost/",
        "shop",
        "mall.auth.localhost",
        ".auth.localhost",
        "127.0.0.1:7665",
        "[::1]",
        "",
    ] {
        assert!(serve(Some(host), &[]).await.is_none(), "{host}");
        let forwarded = [("x-forwarded-host", HOST), ("forwarded", "host=shop.auth.localhost")];
        assert!(serve(Some(host), &forwarded).await.is_none(), "{host}");
    }
    assert!(serve(None, &[]).await.is_none());
    let forwarded = [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "evil"),
        ("x-forwarded-port", "666"),
        ("x-forwarded-prefix", "/evil"),
        ("x-original-url", "/evil"),
        ("x-rewrite-url", "/evil"),
        ("forwarded", "host=evil.test"),
    ];
    for host in ["shop.auth.localhost", "SHOP.AUTH.localhost:7665", "shop.auth.localhost.:80"] {
        let page = serve(Some(host), &forwarded).await.unwrap();
        is_safe_page(&page, 200, "name=\"username\"", host);
        assert!(!page.body().contains("evil"), "{}", page.body());
        // Where it leads on, it names the domain as the browser does.
        let request = Request::get(format!("/oauth2/authorize?{}", query(CLIENT)));
        let (parts, ()) = request.header("host", host).body(()).unwrap().into_parts();
        let answer = crate::oauth::serve(scene.ports(), &parts, b"").await.unwrap();
        let host = host.to_ascii_lowercase();
        assert!(location(&answer).starts_with(&format!("http://{host}/login?")));
    }
}

/// Counts what is computed.
struct Counted(Arc<dyn Workers>, AtomicU32);

#[async_trait]
impl Workers for Counted {
    async fn run(&self, job: Box<dyn FnOnce() + Send>) {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.run(job).await;
    }
}

#[tokio::test]
async fn strangers_cost_what_users_cost_and_read_the_same() {
    for (generation, field) in GENERATIONS {
        let mut scene = scene(generation).await;
        let hides = Some(PreventUserExistenceErrorTypes::Enabled);
        scene.change(CLIENT, |c| c.settings.prevent_user_existence_errors = hides).await;
        let counted = Arc::new(Counted(Arc::clone(&scene.kit.ports.workers), AtomicU32::new(0)));
        scene.kit.ports.workers = Arc::clone(&counted) as _;
        let mut seen = Vec::new();
        for name in ["ada", "eve"] {
            let mut browser = Browser::new(&scene);
            browser.field = field;
            browser.cookies.insert("XSRF-TOKEN".to_owned(), "A".repeat(43));
            let before = counted.1.load(Ordering::Relaxed);
            let wrong = [("username", name), ("password", "Wrong-Horse-7")];
            let answer = browser.post(&at("/login"), &wrong).await;
            let cost = counted.1.load(Ordering::Relaxed) - before;
            assert!(cost > 0, "the password is compared");
            let forgot = browser.post(&at("/forgotPassword"), &[("username", name)]).await;
            let page = (answer.status(), answer.body().replace(&format!("\"{name}\""), ""));
            seen.push((cost, page, location(&forgot).to_owned(), shape(&forgot)));
        }
        assert_eq!(seen[0], seen[1]);
    }
}
