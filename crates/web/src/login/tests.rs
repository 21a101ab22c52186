//! Whole flows as a browser goes through them, cookies included.

use std::collections::BTreeMap;

use http::{Method, Request, Response};
use poolhouse_api::InProcess;
use poolhouse_domain::{
    passwords,
    shapes::{
        AdminCreateUserConfigType, ExplicitAuthFlowsType, SignInPolicyType, UserPoolMfaType,
        UserPoolPolicyType, UserStatusType, VerifiedAttributeType,
    },
    totp,
};
use poolhouse_testkit::Kit;
use url::form_urlencoded;

use crate::oauth::testing::{CALLBACK, CLIENT, CONFIDENTIAL, HOST, Scene, location, parameter, query};

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
        crate::pages::brand_for_tests(scene.ports(), client).await;
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
async fn redeemed(scene: &Scene, answer: &Response<String>) -> serde_json::Value {
    let url = location(answer);
    assert!(url.starts_with(&format!("{CALLBACK}?code=")) && url.ends_with("&state=a%20b"), "{url}");
    let code = parameter(url, "code");
    let (status, tokens) = scene.token(&crate::oauth::testing::exchange(&code)).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

fn current_code(kit: &Kit, page: &str) -> String {
    let secret = parameter(&page.replace("&amp;", "&").replace("&#38;", "&"), "secret");
    code_of(kit, &secret)
}

fn code_of(kit: &Kit, secret: &str) -> String {
    let _ = (kit, secret);
    String::new()
}
