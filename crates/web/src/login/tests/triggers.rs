//! Pages and triggers, row by row: which functions each page asks, how often and in which order. There is
//! a function behind every trigger, so that one which is asked and should not be shows.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    ports::{Store, Transaction},
    shapes::{
        FeatureType, LambdaConfigType, PreTokenGenerationLambdaVersionType as Version,
        PreTokenGenerationVersionConfigType, RefreshTokenRotationType,
    },
    time::Timestamp,
    triggers::Trigger,
};
use serde_json::json;

use super::*;
use crate::oauth::testing::{MACHINE, SECRET, exchange};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const PRE: &str = "PreAuthentication_Authentication";
const POST: &str = "PostAuthentication_Authentication";
const TOKENS: &str = "TokenGeneration_HostedAuth";
const CONFIRMED: &str = "PostConfirmation_ConfirmSignUp";
const BY_AN_ADMINISTRATOR: &str = "PreSignUp_AdminCreateUser";

/// Functions behind every trigger but the senders'; that for tokens is of this version.
async fn with_functions(scene: &Scene, version: Version) {
    let function = || Some(FUNCTION.to_owned());
    let tokens = PreTokenGenerationVersionConfigType {
        lambda_version: version,
        lambda_arn: FUNCTION.to_owned(),
    };
    let functions = LambdaConfigType {
        pre_sign_up: function(),
        custom_message: function(),
        post_confirmation: function(),
        pre_authentication: function(),
        post_authentication: function(),
        define_auth_challenge: function(),
        create_auth_challenge: function(),
        verify_auth_challenge_response: function(),
        pre_token_generation: function(),
        user_migration: function(),
        pre_token_generation_config: Some(tokens),
        ..LambdaConfigType::default()
    };
    scene.change_pool(|pool| pool.settings.lambda_config = Some(functions)).await;
}

/// Which functions were asked since this was looked at last.
fn asked(scene: &Scene) -> Vec<String> {
    let sources = scene.kit.functions.sources();
    // The pages have no metadata to give, and none is left of other requests.
    for event in scene.kit.functions.events() {
        assert_eq!(event["request"].get("clientMetadata"), None, "{event}");
        assert!(event["request"]["validationData"].is_null(), "{event}");
        assert_eq!(event["callerContext"]["clientId"], caller(&event), "{event}");
    }
    scene.kit.functions.clear();
    sources
}

fn caller(event: &Value) -> &'static str {
    let is_by_administrator = event["triggerSource"] == BY_AN_ADMINISTRATOR;
    if is_by_administrator { "CLIENT_ID_NOT_APPLICABLE" } else { CLIENT }
}

/// What the page tells of a function that throws.
fn throws(scene: &Scene, trigger: Trigger) -> String {
    scene.kit.functions.throw(trigger, "not you");
    format!("{} failed with error not you.", trigger.name())
}

#[tokio::test]
async fn a_sign_in_asks_before_and_after_and_for_the_tokens_of_its_code() {
    let scene = scene().await;
    with_functions(&scene, Version::V10).await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    browser.sign_in(&at, "ada", "Wrong-Horse-7").await;
    assert_eq!(asked(&scene), [PRE]);
    let answer = browser.sign_in(&at, "ada", PASSWORD).await;
    let events = scene.kit.functions.events();
    assert_eq!(events[1]["request"]["newDeviceUsed"], false);
    assert_eq!(asked(&scene), [PRE, POST]);
    let tokens = redeemed(&scene, &answer).await;
    let [event] = &*scene.kit.functions.events() else { panic!("one function is asked") };
    let expected = json!({
        "version": "1", "region": "us-east-1", "userPoolId": POOL, "userName": "ada",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": CLIENT },
        "triggerSource": TOKENS, "request": {
            "userAttributes": event["request"]["userAttributes"],
            "groupConfiguration": {
                "groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": null,
            },
        },
        "response": { "claimsOverrideDetails": null },
    });
    assert_eq!(*event, expected);
    assert_eq!(event["request"]["userAttributes"]["email"], "ada@example.com");
    assert_eq!(asked(&scene), [TOKENS]);

    let token = tokens["refresh_token"].as_str().unwrap();
    let refresh =
        [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
    assert_eq!(scene.token(&refresh).await.0, 200);
    assert_eq!(asked(&scene), ["TokenGeneration_RefreshTokens"]);
    // Whoever is signed in goes on without being asked about.
    let answer = browser.send(Method::GET, &at.replace("/login", "/oauth2/authorize"), "").await;
    assert_eq!(asked(&scene), [""; 0]);
    redeemed(&scene, &answer).await;
    assert_eq!(asked(&scene), [TOKENS]);
}

#[tokio::test]
async fn what_stands_between_password_and_end_comes_between_the_functions() {
    let scene = scene().await;
    with_functions(&scene, Version::V20).await;
    let at = login(CLIENT);
    scene.change_user(|user| user.status = UserStatusType::ForceChangePassword).await;
    let mut browser = Browser::new(&scene);
    browser.sign_in(&at, "ada", PASSWORD).await;
    assert_eq!(asked(&scene), [PRE]);
    let chosen = [("username", "ada"), ("new_password", OTHER), ("confirm_password", OTHER)];
    let answer = browser.post(&at, &chosen).await;
    assert_eq!(asked(&scene), [POST]);
    redeemed(&scene, &answer).await;
    assert_eq!(asked(&scene), [TOKENS], "the source tells of the pages, not of the password");

    with_totp(&scene, UserPoolMfaType::On).await;
    let mut browser = Browser::new(&scene);
    browser.sign_in(&at, "ada", OTHER).await;
    assert_eq!(asked(&scene), [PRE]);
    let pending = user(&scene, "ada").await.software_token.pending.unwrap().0;
    let shown = code::current_code(&pending, scene.ports().clock.now());
    browser.post(&at, &[("code", "000000"), ("device_name", "")]).await;
    assert_eq!(asked(&scene), [""; 0]);
    let answer = browser.post(&at, &[("code", &shown), ("device_name", "phone")]).await;
    assert_eq!(asked(&scene), [POST]);
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn a_function_that_throws_is_heard_above_the_form_and_lets_nobody_in() {
    let scene = scene().await;
    with_functions(&scene, Version::V10).await;
    let at = login(CLIENT);
    for trigger in [Trigger::PreAuthentication, Trigger::PostAuthentication] {
        let said = throws(&scene, trigger);
        let mut browser = Browser::new(&scene);
        let page = browser.sign_in(&at, "ada", PASSWORD).await;
        assert_eq!(page.status(), 200);
        shows(page.body(), &said);
        assert!(!browser.cookies.contains_key("cognito"), "{said}");
        scene.kit.functions.respond(trigger, json!({}));
    }
    throws(&scene, Trigger::PreTokenGeneration);
    let answer = Browser::new(&scene).sign_in(&at, "ada", PASSWORD).await;
    let shown = parameter(location(&answer), "code");
    let refused = scene.token(&exchange(&shown)).await;
    assert_eq!(refused, (400, json!({ "error": "invalid_grant" })));
}

#[tokio::test]
async fn sign_ups_ask_as_the_operations_do_and_then_as_a_sign_in() {
    let scene = scene().await;
    with_sign_up(&scene).await;
    with_functions(&scene, Version::V10).await;
    let at = login(CLIENT).replace("/login", "/signup");
    let confirm = at.replace("/signup", "/confirm");
    let fields = |name: &'static str, email: &'static str| {
        [("username", name), ("password", PASSWORD), ("requiredAttributes[email]", email)]
    };
    let mut browser = Browser::new(&scene);
    browser.open(&at).await;
    let said = throws(&scene, Trigger::PreSignUp);
    let page = browser.post(&at, &fields("jo", "jo@example.com")).await;
    shows(page.body(), &said);
    assert_eq!(asked(&scene), ["PreSignUp_SignUp"]);
    scene.kit.functions.respond(Trigger::PreSignUp, json!({}));
    let answer = browser.post(&at, &fields("jo", "jo@example.com")).await;
    assert_eq!(asked(&scene), ["PreSignUp_SignUp", "CustomMessage_SignUp"]);
    browser.follow(&answer, "/confirm").await;
    browser.post(&confirm, &[("intent", "resend")]).await;
    assert_eq!(asked(&scene), ["CustomMessage_ResendCode"]);
    let sent = scene.kit.messenger.last_code_for("jo@example.com").unwrap();
    let answer = browser.post(&confirm, &[("code", &sent)]).await;
    assert_eq!(asked(&scene), [CONFIRMED, PRE, POST]);
    redeemed(&scene, &answer).await;
    assert_eq!(asked(&scene), [TOKENS]);

    // Whom a function confirms is sent nothing.
    scene.kit.functions.respond(Trigger::PreSignUp, json!({ "autoConfirmUser": true }));
    let mut browser = Browser::new(&scene);
    browser.open(&at).await;
    browser.post(&at, &fields("bo", "bo@example.com")).await;
    assert_eq!(asked(&scene), ["PreSignUp_SignUp", CONFIRMED, PRE, POST]);
    assert_eq!(scene.kit.messenger.last_code_for("bo@example.com"), None);

    scene.kit.functions.respond(Trigger::PreSignUp, json!({}));
    let mut browser = Browser::new(&scene);
    browser.open(&at).await;
    browser.post(&at, &fields("flo", "flo@example.com")).await;
    scene.kit.functions.clear();
    let sent = scene.kit.messenger.last_code_for("flo@example.com").unwrap();
    let link = format!("/confirmUser?client_id={CLIENT}&user_name=flo&confirmation_code={sent}");
    browser.open(&link).await;
    assert_eq!(asked(&scene), [CONFIRMED]);
    assert_eq!(user(&scene, "flo").await.status, UserStatusType::Confirmed);
}

#[tokio::test]
async fn forgotten_passwords_and_people_who_are_known_elsewhere() {
    let scene = scene().await;
    with_sign_up(&scene).await;
    with_functions(&scene, Version::V10).await;
    let at = login(CLIENT).replace("/login", "/forgotPassword");
    let reset = at.replace("/forgotPassword", "/confirmforgotPassword");
    let mut browser = Browser::new(&scene);
    browser.open(&at).await;
    let answer = browser.post(&at, &[("username", "ada")]).await;
    assert_eq!(asked(&scene), ["CustomMessage_ForgotPassword"]);
    browser.follow(&answer, "/confirmforgotPassword").await;
    let sent = scene.kit.messenger.last_code_for("ada@example.com").unwrap();
    let fields = [("code", sent.as_str()), ("new_password", OTHER), ("confirm_password", OTHER)];
    browser.post(&reset, &fields).await;
    assert_eq!(asked(&scene), ["PostConfirmation_ConfirmForgotPassword"]);

    let known = |name: &str| {
        json!({
            "userAttributes": { "email": format!("{name}@example.com"), "email_verified": "true" },
            "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS",
        })
    };
    scene.kit.functions.respond(Trigger::UserMigration, known("jo"));
    let answer = Browser::new(&scene).sign_in(&login(CLIENT), "jo", "short").await;
    let whole = ["UserMigration_Authentication", BY_AN_ADMINISTRATOR, PRE, POST];
    assert_eq!(asked(&scene), whole);
    redeemed(&scene, &answer).await;
    scene.kit.functions.clear();
    scene.kit.functions.respond(Trigger::UserMigration, known("bo"));
    let mut browser = Browser::new(&scene);
    browser.open(&at).await;
    browser.post(&at, &[("username", "bo")]).await;
    let forgotten =
        ["UserMigration_ForgotPassword", BY_AN_ADMINISTRATOR, "CustomMessage_ForgotPassword"];
    assert_eq!(asked(&scene), forgotten);
    scene.kit.functions.throw(Trigger::UserMigration, "who?");
    let page = Browser::new(&scene).sign_in(&login(CLIENT), "eve", PASSWORD).await;
    shows(page.body(), "id=\"problem\"");
    assert_eq!(asked(&scene), ["UserMigration_Authentication"]);
}

#[tokio::test]
async fn only_the_third_version_is_asked_about_tokens_of_clients() {
    let scene = scene().await;
    let ask =
        [("grant_type", "client_credentials"), ("client_id", MACHINE), ("client_secret", SECRET)];
    for (version, sources) in [
        (Version::V10, &[][..]),
        (Version::V20, &[]),
        (Version::V30, &["TokenGeneration_ClientCredentials"]),
    ] {
        with_functions(&scene, version).await;
        assert_eq!(scene.token(&ask).await.0, 200);
        assert_eq!(scene.kit.functions.sources(), sources);
    }
    assert_eq!(scene.kit.functions.events()[0]["callerContext"]["clientId"], MACHINE);
}

/// A store in which somebody else wins the first race.
struct Contended {
    store: Arc<dyn Store>,
    is_lost: AtomicBool,
}

#[async_trait]
impl Store for Contended {
    async fn read(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.store.read().await
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, Fault> {
        if !self.is_lost.swap(true, Ordering::Relaxed) {
            return Err(Fault::Conflict("somebody was faster".to_owned()));
        }
        self.store.write().await
    }

    async fn write_once(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.store.write_once().await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool, Fault> {
        self.store.sweep(now).await
    }
}

#[tokio::test]
async fn a_request_for_tokens_that_runs_again_asks_once() {
    let mut scene = scene().await;
    with_functions(&scene, Version::V10).await;
    let rotation = RefreshTokenRotationType {
        feature: FeatureType::Enabled,
        retry_grace_period_seconds: Some(0),
    };
    scene.change(CLIENT, |client| client.settings.refresh_token_rotation = Some(rotation)).await;
    let tokens = scene.tokens("openid").await;
    scene.kit.functions.clear();
    let contended =
        Contended { store: Arc::clone(&scene.ports().store), is_lost: AtomicBool::default() };
    let contended = Arc::new(contended);
    scene.kit.ports.store = Arc::clone(&contended) as _;
    let token = tokens["refresh_token"].as_str().unwrap();
    let refresh =
        [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
    let (status, refreshed) = scene.token(&refresh).await;
    assert_eq!(status, 200, "{refreshed}");
    assert!(contended.is_lost.load(Ordering::Relaxed), "the race was never run");
    assert_ne!(refreshed["refresh_token"], tokens["refresh_token"]);
    assert_eq!(asked(&scene), ["TokenGeneration_RefreshTokens"]);
}
