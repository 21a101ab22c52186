//! Accounts without a password.

use poolhouse_domain::shapes::{AuthFactorType, UsernameAttributeType};
use serde_json::json;

use super::{
    passkeys::{with_choice, with_first_factors},
    *,
};

/// A pool in which people sign in by codes, and sign up with an address.
async fn passwordless() -> Scene {
    let scene = scene().await;
    with_sign_up(&scene).await;
    with_first_factors(&scene, &[AuthFactorType::Password, AuthFactorType::EmailOtp]).await;
    with_choice(&scene).await;
    scene
}

fn sign_up() -> String {
    login(CLIENT).replace("/login", "/signup")
}

fn code(scene: &Scene) -> String {
    scene.kit.messenger.last_code_for("jo@example.com").unwrap()
}

const JO: [(&str, &str); 3] =
    [("username", "jo"), ("password", ""), ("requiredAttributes[email]", "jo@example.com")];

#[tokio::test]
async fn an_account_without_password_signs_in_by_codes() {
    let scene = passwordless().await;
    let (mut browser, at) = (Browser::new(&scene), sign_up());
    let page = browser.open(&at).await;
    shows(&page, "Password (optional)");
    let weak = [JO[0], ("password", "weak"), JO[2]];
    shows(browser.post(&at, &weak).await.body(), "id=\"problem\"");
    let answer = browser.post(&at, &JO).await;
    browser.follow(&answer, "/confirm").await;
    let answer = browser.post(&at.replace("/signup", "/confirm"), &[("code", &code(&scene))]).await;
    redeemed(&scene, &answer).await;
    let user = user(&scene, "jo").await;
    assert!(user.password.is_none() && user.is_verified("email"));

    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    browser.open(&at).await;
    let page = browser.post(&at, &[("username", "jo")]).await.into_body();
    shows(&page, "value=\"EMAIL_OTP\"");
    assert!(!page.contains("value=\"PASSWORD\""));
    let page = browser.post(&at, &[("factor", "EMAIL_OTP")]).await.into_body();
    shows(&page, "8 digits");
    let first = code(&scene);
    let page = browser.post(&at, &[("code", ""), ("intent", "resend")]).await.into_body();
    shows(&page, "A new code is on its way.");
    let page = browser.post(&at, &[("code", &first)]).await.into_body();
    shows(&page, "id=\"problem\"");
    // Another way is a choice again.
    let page = browser.post(&at, &[("intent", "other-way")]).await.into_body();
    shows(&page, "value=\"EMAIL_OTP\"");
    browser.post(&at, &[("factor", "EMAIL_OTP")]).await;
    let answer = browser.post(&at, &[("code", &code(&scene))]).await;
    let tokens = redeemed(&scene, &answer).await;
    assert_eq!(claims(&tokens["id_token"])["amr"], json!(["email_otp"]));
}

#[tokio::test]
async fn with_a_password_the_account_has_both() {
    let scene = passwordless().await;
    let (mut browser, at) = (Browser::new(&scene), sign_up());
    browser.open(&at).await;
    browser.post(&at, &[JO[0], ("password", PASSWORD), JO[2]]).await;
    let confirm = at.replace("/signup", "/confirm");
    let answer = browser.post(&confirm, &[("code", &code(&scene))]).await;
    redeemed(&scene, &answer).await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    browser.open(&at).await;
    let page = browser.post(&at, &[("username", "jo")]).await.into_body();
    shows(&page, "value=\"EMAIL_OTP\"");
    browser.post(&at, &[("factor", "PASSWORD")]).await;
    let answer = browser.post(&at, &[("username", "jo"), ("password", PASSWORD)]).await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn a_password_is_needed_where_people_could_not_sign_in_without() {
    let by_password = |client: &mut poolhouse_domain::app_clients::AppClient| {
        client.settings.explicit_auth_flows = None;
    };
    let text_messages = [AuthFactorType::Password, AuthFactorType::SmsOtp];
    for case in 0..5 {
        let scene = passwordless().await;
        match case {
            0 => scene.change(CLIENT, by_password).await,
            1 => with_first_factors(&scene, &text_messages).await,
            2 => with_totp(&scene, UserPoolMfaType::On).await,
            3 => {
                // Whoever has only a number would not be sent anything.
                let names = vec![UsernameAttributeType::Email, UsernameAttributeType::PhoneNumber];
                let change = |pool: &mut poolhouse_domain::user_pools::UserPool| {
                    pool.settings.username_attributes = Some(names);
                };
                scene.change_pool(change).await;
            }
            _ => {
                scene.change_pool(|pool| pool.settings.auto_verified_attributes = None).await;
            }
        }
        let (mut browser, at) = (Browser::new(&scene), sign_up());
        let page = browser.open(&at).await;
        assert!(!page.contains("(optional)"), "{case}");
        let page = browser.post(&at, &JO).await.into_body();
        shows(&page, "Please fill in: Password");
        let mut view = scene.ports().store.read().await.unwrap();
        assert!(view.user_by_username(POOL, "jo").await.unwrap().is_none(), "{case}");
    }
}

#[tokio::test]
async fn nobody_is_sent_codes_again_as_somebody_would_be() {
    let scene = passwordless().await;
    let hides = poolhouse_domain::shapes::PreventUserExistenceErrorTypes::Enabled;
    scene
        .change(CLIENT, |client| client.settings.prevent_user_existence_errors = Some(hides))
        .await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    browser.open(&at).await;
    browser.post(&at, &[("username", "nobody@example.com")]).await;
    let page = browser.post(&at, &[("factor", "EMAIL_OTP")]).await.into_body();
    shows(&page, "n***@e***");
    let page = browser.post(&at, &[("code", ""), ("intent", "resend")]).await.into_body();
    shows(&page, "A new code is on its way.");
    assert_eq!((scene.kit.messenger.messages().len(), scene.kit.messenger.pretended()), (0, 2));
    shows(browser.post(&at, &[("code", "12345678")]).await.body(), "id=\"problem\"");
}

#[tokio::test]
async fn a_code_is_not_sent_again_to_an_address_that_is_not_proved() {
    let scene = passwordless().await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    browser.open(&at).await;
    browser.post(&at, &[("username", "ada")]).await;
    browser.post(&at, &[("factor", "EMAIL_OTP")]).await;
    assert!(scene.kit.messenger.last_code_for("ada@example.com").is_some());
    scene
        .change_user(|user| {
            user.attributes.insert("email".to_owned(), "other@example.com".to_owned());
            user.attributes.insert("email_verified".to_owned(), "false".to_owned());
        })
        .await;
    let page = browser.post(&at, &[("code", ""), ("intent", "resend")]).await.into_body();
    assert!(!page.contains("A new code is on its way."), "{page}");
    assert_eq!(scene.kit.messenger.last_code_for("other@example.com"), None);
}
