//! `/passkeys/add`, and the offer of a passkey after a sign-up.

use poolhouse_domain::{
    passkeys::Passkey,
    shapes::{
        AuthFactorType, SignInPolicyType, UserPoolMfaType, UserPoolPolicyType,
        WebAuthnConfigurationType,
    },
};
use poolhouse_testkit::{Authenticator, Told};

use super::*;

const RELYING_PARTY: &str = "shop.auth.localhost";

/// The factors by which users of the pool may begin a sign-in.
pub(super) async fn with_first_factors(scene: &Scene, factors: &[AuthFactorType]) {
    let sign_in_policy = SignInPolicyType { allowed_first_auth_factors: Some(factors.to_vec()) };
    let policies = UserPoolPolicyType {
        sign_in_policy: Some(sign_in_policy),
        ..UserPoolPolicyType::default()
    };
    scene.change_pool(|pool| pool.settings.policies = Some(policies)).await;
}

/// The app client lets its users choose by what they sign in.
pub(super) async fn with_choice(scene: &Scene) {
    let flows = Some(vec![ExplicitAuthFlowsType::AllowUserAuth]);
    scene.change(CLIENT, |client| client.settings.explicit_auth_flows = flows).await;
}

async fn with_passkeys(scene: &Scene, relying_party: &str) {
    with_first_factors(scene, &[AuthFactorType::Password, AuthFactorType::WebAuthn]).await;
    let config = WebAuthnConfigurationType {
        relying_party_id: Some(relying_party.to_owned()),
        ..WebAuthnConfigurationType::default()
    };
    scene.change_pool(|pool| pool.factors.web_authn = Some(config)).await;
}

fn add(client: &str) -> String {
    login(client).replace("/login", "/passkeys/add")
}

/// The options for the browser that stand in a page.
fn options(page: &str) -> Value {
    let rest = page.split_once("data-options=\"").unwrap_or_else(|| panic!("{page}")).1;
    let text = rest.split_once('"').unwrap().0.replace("&#34;", "\"");
    serde_json::from_str(&text).unwrap()
}

/// What the browser makes of them, at this relying party.
fn credential(page: &str, id: &str, relying_party: &str) -> String {
    let told = Told {
        origin: format!("http://{HOST}"),
        relying_party_id: relying_party.to_owned(),
        ..Told::default()
    };
    Authenticator::es256(id).register(&options(page), &told).to_string()
}

async fn passkeys(scene: &Scene, name: &str) -> Vec<Passkey> {
    let sub = user(scene, name).await.sub;
    let mut view = scene.ports().store.read().await.unwrap();
    view.passkeys_of_user(POOL, &sub).await.unwrap()
}

#[tokio::test]
async fn a_passkey_is_added_behind_a_sign_in_and_leads_back_to_the_application() {
    let scene = scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
    shows(&browser.open(&at).await, "name=\"password\"");
    let refused = browser.post(&at, &[("username", "ada"), ("password", "Wrong-7")]).await;
    shows(refused.body(), "id=\"problem\"");
    let answer = browser.post(&at, &[("username", "ada"), ("password", PASSWORD)]).await;
    let page = browser.follow(&answer, "/passkeys/add").await;
    assert!(browser.cookies.contains_key("cognito"));
    let options = options(&page);
    assert_eq!(options["rp"]["id"], RELYING_PARTY);
    let elsewhere = credential(&page, "key", "auth.localhost");
    for wrong in ["", "{}", "x", &elsewhere] {
        let answer = browser.post(&at, &[("credential", wrong)]).await;
        assert_eq!(answer.status(), 200, "{wrong}");
        shows(answer.body(), "This passkey was not accepted");
        assert!(passkeys(&scene, "ada").await.is_empty());
    }
    let page = browser.open(&at).await;
    let answer =
        browser.post(&at, &[("credential", &credential(&page, "key", RELYING_PARTY))]).await;
    let tokens = redeemed(&scene, &answer).await;
    assert_eq!(claims(&tokens["id_token"])["amr"], serde_json::json!(["pwd"]));
    let registered = passkeys(&scene, "ada").await;
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0].relying_party_id, RELYING_PARTY);
    assert!(!browser.cookies.contains_key("page-data"));
    // The same once more is good for nothing: what was carried has ended.
    let again = credential(&page, "other", RELYING_PARTY);
    let answer = browser.post(&at, &[("credential", &again)]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(passkeys(&scene, "ada").await.len(), 1);
}

#[tokio::test]
async fn a_browser_that_is_signed_in_goes_straight_to_it_unless_the_session_was_ended() {
    let scene = scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    let begun = scene.sign_in(CLIENT).await;
    let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
    browser.cookies.insert("cognito".to_owned(), begun.cookie.clone());
    options(&browser.open(&at).await);
    let answer = browser.post(&at, &[("intent", "skip")]).await;
    redeemed(&scene, &answer).await;
    assert!(passkeys(&scene, "ada").await.is_empty());
    // Whoever has to sign in anew does so once.
    let forced = format!("{at}&prompt=login");
    shows(&browser.open(&forced).await, "name=\"password\"");
    let answer = browser.post(&forced, &[("username", "ada"), ("password", PASSWORD)]).await;
    options(&browser.follow(&answer, "/passkeys/add").await);

    browser.cookies.insert("cognito".to_owned(), begun.cookie);
    let page = browser.open(&at).await;
    let mut tx = scene.ports().store.write().await.unwrap();
    let sub = &scene.user.sub;
    assert!(tx.delete_user_session(POOL, sub, &begun.session.id).await.unwrap());
    tx.commit().await.unwrap();
    for (name, value) in
        [("credential", credential(&page, "key", RELYING_PARTY)), ("intent", "skip".to_owned())]
    {
        let answer = browser.post(&at, &[(name, &value)]).await;
        assert_eq!(answer.status(), 200);
        shows(answer.body(), "name=\"username\"");
    }
    assert!(passkeys(&scene, "ada").await.is_empty());
}

#[tokio::test]
async fn a_stranger_who_brings_another_browsers_step_adds_nothing() {
    let scene = scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    let begun = scene.sign_in(CLIENT).await;
    let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
    browser.cookies.insert("cognito".to_owned(), begun.cookie);
    let page = browser.open(&at).await;
    let credential = credential(&page, "key", RELYING_PARTY);
    let mut thief = Browser::new(&scene);
    thief.open(&at).await;
    thief.cookies.insert("page-data".to_owned(), browser.cookies["page-data"].clone());
    let answer = thief.post(&at, &[("credential", &credential)]).await;
    assert_eq!(answer.status(), 200);
    assert!(!thief.cookies.contains_key("cognito"));
    let forged = browser.send(Method::POST, &at, "csrf=x&intent=skip").await;
    assert_eq!(forged.status(), 403);
    assert!(passkeys(&scene, "ada").await.is_empty());
}

#[tokio::test]
async fn where_nobody_signs_in_by_passkey_there_is_no_such_page() {
    let scene = scene().await;
    let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
    let answer = browser.send(Method::GET, &at, "").await;
    assert_eq!(answer.status(), 400);
    shows(answer.body(), "The user pool has no sign-in with passkeys");
    with_passkeys(&scene, RELYING_PARTY).await;
    let mut tx = scene.ports().store.write().await.unwrap();
    let mut domain = tx.domain("shop").await.unwrap().unwrap();
    domain.settings.managed_login_version = Some(1);
    tx.update_domain(&mut domain).await.unwrap();
    tx.commit().await.unwrap();
    scene.ports().directory.forget_domain("shop");
    assert_eq!(browser.send(Method::GET, &at, "").await.status(), 404);
}

/// A pool in which `jo` has signed up at the pages, and what the code leads to.
async fn signed_up(scene: &Scene) -> (Browser<'_>, Response<String>) {
    with_sign_up(scene).await;
    let mut browser = Browser::new(scene);
    let at = login(CLIENT).replace("/login", "/signup");
    browser.open(&at).await;
    let email = ("requiredAttributes[email]", "jo@example.com");
    browser.post(&at, &[("username", "jo"), ("password", PASSWORD), email]).await;
    let code = scene.kit.messenger.last_code_for("jo@example.com").unwrap();
    let answer = browser.post(&at.replace("/signup", "/confirm"), &[("code", &code)]).await;
    (browser, answer)
}

#[tokio::test]
async fn who_has_signed_up_is_offered_a_passkey_and_may_decline() {
    for accepts in [true, false] {
        let scene = scene().await;
        with_passkeys(&scene, RELYING_PARTY).await;
        with_choice(&scene).await;
        let (mut browser, answer) = signed_up(&scene).await;
        let page = browser.follow(&answer, "/passkeys/add").await;
        shows(&page, "value=\"skip\"");
        // Reloading changes nothing.
        let at = add(CLIENT);
        let page = browser.open(&at).await;
        let made = credential(&page, "key", RELYING_PARTY);
        let sent = if accepts { ("credential", made.as_str()) } else { ("intent", "skip") };
        let answer = browser.post(&at, &[sent]).await;
        redeemed(&scene, &answer).await;
        assert_eq!(passkeys(&scene, "jo").await.len(), usize::from(accepts));
    }
}

#[tokio::test]
async fn a_passkey_that_could_not_be_used_is_not_offered() {
    let scene = scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    redeemed(&scene, &signed_up(&scene).await.1).await;

    let scene = self::scene().await;
    with_passkeys(&scene, "other.test").await;
    with_choice(&scene).await;
    redeemed(&scene, &signed_up(&scene).await.1).await;

    let scene = self::scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    with_choice(&scene).await;
    with_totp(&scene, UserPoolMfaType::On).await;
    let (_, answer) = signed_up(&scene).await;
    shows(answer.body(), "otpauth");
}

#[tokio::test]
async fn the_relying_party_is_the_domain_where_nothing_else_is_said() {
    let mut scene = scene().await;
    with_first_factors(&scene, &[AuthFactorType::Password, AuthFactorType::WebAuthn]).await;
    let identity = poolhouse_domain::ports::Identity {
        domain_suffix: Some("auth.localhost".to_owned()),
        ..poolhouse_domain::ports::Identity::clone(&scene.ports().identity)
    };
    scene.kit.ports.identity = std::sync::Arc::new(identity);
    let begun = scene.sign_in(CLIENT).await;
    let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
    browser.cookies.insert("cognito".to_owned(), begun.cookie);
    let page = browser.open(&at).await;
    let answer =
        browser.post(&at, &[("credential", &credential(&page, "key", RELYING_PARTY))]).await;
    redeemed(&scene, &answer).await;
    assert_eq!(passkeys(&scene, "ada").await[0].relying_party_id, RELYING_PARTY);
}

#[tokio::test]
async fn an_account_with_as_many_passkeys_as_it_can_have_goes_on_without() {
    let scene = scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    let begun = scene.sign_in(CLIENT).await;
    let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
    browser.cookies.insert("cognito".to_owned(), begun.cookie);
    for number in 0..20 {
        let page = browser.open(&at).await;
        let made = credential(&page, &format!("key-{number}"), RELYING_PARTY);
        assert_eq!(browser.post(&at, &[("credential", &made)]).await.status(), 302);
    }
    let page = browser.open(&at).await;
    shows(&page, "as many passkeys as an account can have");
    assert!(!page.contains("data-options"));
    let answer = browser.post(&at, &[("intent", "skip")]).await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn a_session_from_before_a_new_password_or_a_sign_out_everywhere_adds_nothing() {
    for signs_out in [false, true] {
        let scene = scene().await;
        with_passkeys(&scene, RELYING_PARTY).await;
        let begun = scene.sign_in(CLIENT).await;
        let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
        browser.cookies.insert("cognito".to_owned(), begun.cookie);
        let page = browser.open(&at).await;
        scene.kit.clock.advance(1);
        if signs_out {
            let now = scene.ports().clock.now();
            scene.change_user(|user| user.signed_out_at = Some(now)).await;
        } else {
            set_password(&scene, OTHER).await;
        }
        let made = credential(&page, "key", RELYING_PARTY);
        let answer = browser.post(&at, &[("credential", &made)]).await;
        assert_eq!(answer.status(), 200);
        shows(answer.body(), "name=\"username\"");
        shows(&browser.open(&at).await, "name=\"password\"");
        assert!(passkeys(&scene, "ada").await.is_empty());
        // Applications are still signed in at, as documented.
        scene.kit.clock.advance(1);
        let authorize = login(CLIENT).replace("/login", "/oauth2/authorize");
        redeemed(&scene, &browser.send(Method::GET, &authorize, "").await).await;
    }
}

#[tokio::test]
async fn opening_the_page_again_prolongs_nothing() {
    let scene = scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    let (mut browser, at) = (Browser::new(&scene), format!("{}&prompt=login", add(CLIENT)));
    let answer = browser.sign_in(&at, "ada", PASSWORD).await;
    let page = browser.follow(&answer, "/passkeys/add").await;
    scene.kit.clock.advance(200);
    assert_eq!(options(&browser.open(&at).await)["rp"], options(&page)["rp"]);
    scene.kit.clock.advance(200);
    shows(&browser.open(&at).await, "name=\"password\"");
}

#[tokio::test]
async fn a_session_that_becomes_too_old_on_the_page_is_no_longer_taken() {
    let scene = scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    let begun = scene.sign_in(CLIENT).await;
    let (mut browser, at) = (Browser::new(&scene), format!("{}&max_age=100", add(CLIENT)));
    browser.cookies.insert("cognito".to_owned(), begun.cookie);
    options(&browser.open(&at).await);
    scene.kit.clock.advance(100);
    let carried = browser.cookies.clone();
    shows(&browser.open(&at).await, "name=\"password\"");
    browser.cookies = carried;
    let answer = browser.post(&at, &[("intent", "skip")]).await;
    assert_eq!(answer.status(), 200);
    shows(answer.body(), "name=\"username\"");
}

#[tokio::test]
async fn opening_the_page_again_keeps_the_challenge_while_a_browser_has_time_for_it() {
    let scene = scene().await;
    with_passkeys(&scene, RELYING_PARTY).await;
    let begun = scene.sign_in(CLIENT).await;
    let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
    browser.cookies.insert("cognito".to_owned(), begun.cookie);
    let first = options(&browser.open(&at).await)["challenge"].clone();
    scene.kit.clock.advance(239);
    assert_eq!(options(&browser.open(&at).await)["challenge"], first);
    scene.kit.clock.advance(1);
    assert_ne!(options(&browser.open(&at).await)["challenge"], first);
}

#[tokio::test]
async fn opening_the_page_counts_as_the_operation_that_starts_a_registration() {
    let scene = scene().await.with_rates();
    with_passkeys(&scene, RELYING_PARTY).await;
    let begun = scene.sign_in(CLIENT).await;
    let (mut browser, at) = (Browser::new(&scene), add(CLIENT));
    browser.cookies.insert("cognito".to_owned(), begun.cookie);
    options(&browser.open(&at).await);
    let mut page = String::new();
    for _ in 0..100 {
        page = browser.open(&at).await;
        if !page.contains("data-options") {
            break;
        }
    }
    shows(&page, "id=\"problem\"");
    assert!(!page.contains("as many passkeys"), "{page}");
}
