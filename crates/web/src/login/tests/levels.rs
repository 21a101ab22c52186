//! Authentication levels: what `acr_values` and `max_age` ask of a sign-in and of the browser's session.

use poolhouse_domain::{
    shapes::{AuthFactorType, EmailMfaConfigType, LambdaConfigType, UserPoolTierType},
    totp::SoftwareToken,
    triggers::Trigger,
    users::MfaPreference,
};
use serde_json::json;

use super::{
    passkeys::{with_choice, with_first_factors},
    *,
};

const LEVEL: &str = "urn:cognito:loa:";

fn with_level(path: &str, values: &str) -> String {
    format!("{path}&acr_values={}", values.replace(':', "%3A").replace(' ', "%20"))
}

fn authorize() -> String {
    login(CLIENT).replace("/login", "/oauth2/authorize")
}

/// A pool that offers authenticator apps to those who want one, and whose user has one that is not
/// asked for otherwise. Also answers its secret.
async fn with_app() -> (Scene, Vec<u8>) {
    let scene = scene().await;
    with_totp(&scene, UserPoolMfaType::On).await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    browser.sign_in(&at, "ada", PASSWORD).await;
    let secret = user(&scene, "ada").await.software_token.pending.unwrap().0.to_vec();
    let code = code::current_code(&secret, scene.ports().clock.now());
    redeemed(&scene, &browser.post(&at, &[("code", &code), ("device_name", "")]).await).await;
    scene.change_user(|user| user.mfa = MfaPreference::default()).await;
    with_totp(&scene, UserPoolMfaType::Optional).await;
    scene.kit.clock.advance(30);
    (scene, secret)
}

fn told(tokens: &Value) -> (Value, Value) {
    let claims = claims(&tokens["id_token"]);
    (claims["acr"].clone(), claims["amr"].clone())
}

#[tokio::test]
async fn a_second_factor_is_asked_for_that_would_not_be_otherwise() {
    let (scene, secret) = with_app().await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let answer = browser.sign_in(&at, "ada", PASSWORD).await;
    assert_eq!(
        told(&redeemed(&scene, &answer).await),
        (json!(format!("{LEVEL}1")), json!(["pwd"]))
    );
    let at = with_level(&at, &format!("unknown {LEVEL}4 {LEVEL}1"));
    let mut browser = Browser::new(&scene);
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    shows(&page, "name=\"code\"");
    let code = code::current_code(&secret, scene.ports().clock.now());
    let answer = browser.post(&at, &[("code", &code)]).await;
    let reached = (json!(format!("{LEVEL}4")), json!(["pwd", "otp", "mfa"]));
    assert_eq!(told(&redeemed(&scene, &answer).await), reached);
    // The session tells the same, and does for lower levels too.
    for values in [format!("{LEVEL}4"), format!("{LEVEL}2 {LEVEL}4")] {
        let answer = browser.send(Method::GET, &with_level(&authorize(), &values), "").await;
        assert_eq!(told(&redeemed(&scene, &answer).await), reached);
    }
}

#[tokio::test]
async fn a_session_below_the_level_leads_to_a_new_sign_in_where_that_can_reach_it() {
    let (scene, _) = with_app().await;
    let mut browser = Browser::new(&scene);
    let answer = browser.sign_in(&login(CLIENT), "ada", PASSWORD).await;
    redeemed(&scene, &answer).await;
    for (values, is_enough) in [
        (format!("{LEVEL}4"), false),
        (format!("{LEVEL}4 {LEVEL}1"), false),
        (format!("{LEVEL}1 {LEVEL}4"), true),
        ("unknown".to_owned(), true),
        (String::new(), true),
    ] {
        let at = with_level(&authorize(), &values);
        let answer = browser.send(Method::GET, &at, "").await;
        assert_eq!(location(&answer).starts_with(CALLBACK), is_enough, "{values}");
        let silent = browser.send(Method::GET, &format!("{at}&prompt=none"), "").await;
        let error = format!("{CALLBACK}?error=login_required&state=a%20b");
        assert_eq!(location(&silent) == error, !is_enough, "{values}");
    }
    let high = with_level(&authorize(), &format!("{LEVEL}4"));
    // In the tier without levels nothing is asked for.
    scene.change_pool(|pool| pool.settings.user_pool_tier = Some(UserPoolTierType::Lite)).await;
    let answer = browser.send(Method::GET, &high, "").await;
    assert!(location(&answer).starts_with(CALLBACK));
    let mut other = Browser::new(&scene);
    let at = with_level(&login(CLIENT), &format!("{LEVEL}4"));
    redeemed(&scene, &other.sign_in(&at, "ada", PASSWORD).await).await;
    scene.change_pool(|pool| pool.settings.user_pool_tier = None).await;
    // Nor of somebody who can't reach it.
    scene.change_user(|user| user.software_token = SoftwareToken::default()).await;
    let answer = browser.send(Method::GET, &high, "").await;
    assert_eq!(told(&redeemed(&scene, &answer).await).0, json!(format!("{LEVEL}1")));
}

#[tokio::test]
async fn a_session_that_is_too_old_leads_to_a_new_sign_in() {
    let scene = scene().await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    redeemed(&scene, &browser.sign_in(&at, "ada", PASSWORD).await).await;
    scene.kit.clock.advance(100);
    let young = format!("{}&max_age=100", authorize());
    let answer = browser.send(Method::GET, &young, "").await;
    let page = browser.follow(&answer, "/login").await;
    shows(&page, "name=\"password\"");
    let at = format!("{at}&max_age=100");
    let answer = browser.post(&at, &[("username", "ada"), ("password", PASSWORD)]).await;
    let tokens = redeemed(&scene, &answer).await;
    let now = scene.ports().clock.now().seconds();
    assert_eq!(claims(&tokens["id_token"])["auth_time"], json!(now));
    let answer = browser.send(Method::GET, &young, "").await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn only_what_leads_to_the_level_can_be_chosen() {
    let scene = scene().await;
    with_first_factors(&scene, &[AuthFactorType::Password, AuthFactorType::EmailOtp]).await;
    with_choice(&scene).await;
    let mut browser = Browser::new(&scene);
    let at = login(CLIENT);
    browser.open(&at).await;
    let page = browser.post(&at, &[("username", "ada")]).await.into_body();
    shows(&page, "value=\"PASSWORD\"");
    let at = with_level(&at, &format!("{LEVEL}2"));
    browser.open(&at).await;
    let page = browser.post(&at, &[("username", "ada")]).await.into_body();
    shows(&page, "value=\"EMAIL_OTP\"");
    assert!(!page.contains("value=\"PASSWORD\""), "{page}");
    browser.post(&at, &[("factor", "EMAIL_OTP")]).await;
    let code = scene.kit.messenger.last_code_for("ada@example.com").unwrap();
    let answer = browser.post(&at, &[("code", &code)]).await;
    assert_eq!(told(&redeemed(&scene, &answer).await).0, json!(format!("{LEVEL}2")));
}

#[tokio::test]
async fn the_code_of_a_sign_up_counts_only_as_far_as_it_goes() {
    for (level, is_enough) in [(2, true), (3, false)] {
        let scene = scene().await;
        with_sign_up(&scene).await;
        scene
            .change_pool(|pool| {
                pool.settings.mfa_configuration = Some(UserPoolMfaType::Optional);
                pool.factors.email = Some(EmailMfaConfigType::default());
            })
            .await;
        let mut browser = Browser::new(&scene);
        let at = with_level(&login(CLIENT), &format!("{LEVEL}{level}"));
        let sign_up = at.replace("/login", "/signup");
        browser.open(&sign_up).await;
        let email = ("requiredAttributes[email]", "jo@example.com");
        browser.post(&sign_up, &[("username", "jo"), ("password", PASSWORD), email]).await;
        let code = || scene.kit.messenger.last_code_for("jo@example.com").unwrap();
        let confirm = at.replace("/login", "/confirm");
        let answer = browser.post(&confirm, &[("code", &code())]).await;
        if is_enough {
            redeemed(&scene, &answer).await;
            continue;
        }
        browser.follow(&answer, "/login").await;
        assert!(!browser.cookies.contains_key("cognito"));
        browser.post(&at, &[("username", "jo"), ("password", PASSWORD)]).await;
        let answer = browser.post(&at, &[("code", &code())]).await;
        assert_eq!(told(&redeemed(&scene, &answer).await).0, json!(format!("{LEVEL}3")));
    }
}

#[tokio::test]
async fn a_sign_up_that_needed_no_code_counts_for_none() {
    for password in [PASSWORD, ""] {
        let scene = scene().await;
        with_sign_up(&scene).await;
        with_first_factors(&scene, &[AuthFactorType::Password, AuthFactorType::EmailOtp]).await;
        with_choice(&scene).await;
        let function = Some("arn:aws:lambda:us-east-1:123456789012:function:f".to_owned());
        let functions = LambdaConfigType { pre_sign_up: function, ..LambdaConfigType::default() };
        scene.change_pool(|pool| pool.settings.lambda_config = Some(functions)).await;
        for (name, is_verified) in [("jo", false), ("bo", true)] {
            let response = json!({ "autoConfirmUser": true, "autoVerifyEmail": is_verified });
            scene.kit.functions.respond(Trigger::PreSignUp, response);
            let mut browser = Browser::new(&scene);
            let at = with_level(&login(CLIENT), &format!("{LEVEL}2"));
            let sign_up = at.replace("/login", "/signup");
            browser.open(&sign_up).await;
            let address = format!("{name}@example.com");
            let email = ("requiredAttributes[email]", address.as_str());
            let fields = [("username", name), ("password", password), email];
            let answer = browser.post(&sign_up, &fields).await;
            assert_eq!(scene.kit.messenger.last_code_for(&address), None);
            if is_verified {
                // They can do better.
                browser.follow(&answer, "/login").await;
                assert!(!browser.cookies.contains_key("cognito"));
                continue;
            }
            let claims = claims(&redeemed(&scene, &answer).await["id_token"]);
            let is_said = |name: &str, value: Value| claims.get(name) == Some(&value);
            if password.is_empty() {
                assert!(!claims.to_string().contains("loa:"), "{claims}");
                assert!(!claims.to_string().contains("email_otp"), "{claims}");
            } else {
                assert!(is_said("acr", json!(format!("{LEVEL}1"))), "{claims}");
                assert!(is_said("amr", json!(["pwd"])), "{claims}");
            }
        }
    }
}

#[tokio::test]
async fn a_second_factor_after_a_sign_up_is_measured_by_the_level_too() {
    let scene = scene().await;
    with_sign_up(&scene).await;
    with_totp(&scene, UserPoolMfaType::On).await;
    let mut browser = Browser::new(&scene);
    let at = with_level(&login(CLIENT), &format!("{LEVEL}4"));
    let sign_up = at.replace("/login", "/signup");
    browser.open(&sign_up).await;
    let email = ("requiredAttributes[email]", "jo@example.com");
    browser.post(&sign_up, &[("username", "jo"), ("password", PASSWORD), email]).await;
    let confirm = at.replace("/login", "/confirm");
    let code = scene.kit.messenger.last_code_for("jo@example.com").unwrap();
    shows(browser.post(&confirm, &[("code", &code)]).await.body(), "otpauth");
    let secret = user(&scene, "jo").await.software_token.pending.unwrap().0.to_vec();
    let code = || code::current_code(&secret, scene.ports().clock.now());
    let answer = browser.post(&confirm, &[("code", &code()), ("device_name", "")]).await;
    // By the code of the sign-up and that of the app they reach less than by their password.
    browser.follow(&answer, "/login").await;
    assert!(!browser.cookies.contains_key("cognito"));
    scene.kit.clock.advance(30);
    browser.post(&at, &[("username", "jo"), ("password", PASSWORD)]).await;
    let answer = browser.post(&at, &[("code", &code())]).await;
    assert_eq!(told(&redeemed(&scene, &answer).await).0, json!(format!("{LEVEL}4")));
}

#[tokio::test]
async fn a_level_that_only_a_password_reaches_is_not_asked_of_somebody_without() {
    let scene = scene().await;
    with_totp(&scene, UserPoolMfaType::Optional).await;
    scene.change_user(|user| user.password = None).await;
    let mut browser = Browser::new(&scene);
    browser.cookies.insert("cognito".to_owned(), scene.sign_in(CLIENT).await.cookie);
    // The session is worth nothing, and yet there is no way to do better.
    let at = with_level(&authorize(), &format!("{LEVEL}1"));
    redeemed(&scene, &browser.send(Method::GET, &at, "").await).await;
    set_password(&scene, PASSWORD).await;
    let answer = browser.send(Method::GET, &at, "").await;
    browser.follow(&answer, "/login").await;
}
