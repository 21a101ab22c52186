//! Second factors: setting one up, and codes that are sent again.

use poolhouse_domain::{shapes::EmailMfaConfigType, users::MfaFactor};
use serde_json::json;

use super::*;

const NUMBER: &str = "+15550100199";

/// A pool that requires a second factor, with a user who has neither address nor number.
async fn required(factors: &[MfaFactor]) -> Scene {
    let scene = scene().await;
    scene
        .change_pool(|pool| {
            pool.settings.mfa_configuration = Some(UserPoolMfaType::On);
            pool.factors.software_token = factors.contains(&MfaFactor::SoftwareToken);
            pool.factors.sms = factors.contains(&MfaFactor::Sms);
            let has_email = factors.contains(&MfaFactor::Email);
            pool.factors.email = has_email.then(EmailMfaConfigType::default);
        })
        .await;
    scene.change_user(|user| user.attributes.clear()).await;
    scene
}

fn code_for(scene: &Scene, destination: &str) -> String {
    scene.kit.messenger.last_code_for(destination).unwrap()
}

#[tokio::test]
async fn text_messages_are_set_up_with_a_number_that_its_code_proves() {
    let all = [MfaFactor::Sms, MfaFactor::SoftwareToken, MfaFactor::Email];
    let scene = required(&all).await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    for factor in ["SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP"] {
        shows(&page, &format!("name=\"factor\" value=\"{factor}\""));
    }
    let page = browser.post(&at, &[("factor", "SMS_MFA")]).await.into_body();
    shows(&page, "name=\"phone_number\"");
    for wrong in ["", "12", "+1 555 CALL", "+1234567890123456"] {
        let page = browser.post(&at, &[("phone_number", wrong)]).await.into_body();
        shows(&page, "id=\"problem\"");
        shows(&page, "href=\"#phone_number\"");
    }
    assert!(scene.kit.messenger.messages().is_empty());
    // A number with a mistake in it: back, and once more.
    let page = browser.post(&at, &[("phone_number", "+1 555 010-0100")]).await.into_body();
    shows(&page, "+*******0100");
    let old = code_for(&scene, "+15550100100");
    let page = browser.post(&at, &[("intent", "other-way")]).await.into_body();
    shows(&page, "value=\"SMS_MFA\"");
    browser.post(&at, &[("factor", "SMS_MFA")]).await;
    browser.post(&at, &[("phone_number", "+1 (555) 010-0199")]).await;
    let page = browser.post(&at, &[("code", &old)]).await.into_body();
    shows(&page, "id=\"problem\"");
    assert!(user(&scene, "ada").await.attributes.is_empty());
    let answer = browser.post(&at, &[("code", &code_for(&scene, NUMBER))]).await;
    let tokens = redeemed(&scene, &answer).await;
    assert_eq!(claims(&tokens["id_token"])["amr"], json!(["pwd", "sms", "mfa"]));
    let user = user(&scene, "ada").await;
    assert_eq!(user.attribute("phone_number"), Some(NUMBER));
    assert!(user.is_verified("phone_number") && user.mfa.is_on(MfaFactor::Sms));

    let mut browser = Browser::new(&scene);
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    shows(&page, "+*******0199");
    let answer = browser.post(&at, &[("code", &code_for(&scene, NUMBER))]).await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn the_only_factor_is_set_up_without_a_choice() {
    let scene = required(&[MfaFactor::Sms]).await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    shows(&page, "name=\"phone_number\"");
    assert!(!page.contains("other-way"));
    browser.post(&at, &[("phone_number", NUMBER)]).await;
    let page = browser.post(&at, &[("intent", "other-way")]).await.into_body();
    shows(&page, "name=\"phone_number\"");

    let scene = required(&[MfaFactor::Email]).await;
    let mut browser = Browser::new(&scene);
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    shows(&page, "name=\"email\"");
    let page = browser.post(&at, &[("email", "no address")]).await.into_body();
    shows(&page, "href=\"#email\"");
    browser.post(&at, &[("email", "ada@new.test")]).await;
    let answer = browser.post(&at, &[("code", &code_for(&scene, "ada@new.test"))]).await;
    redeemed(&scene, &answer).await;
    assert!(user(&scene, "ada").await.is_verified("email"));
}

#[tokio::test]
async fn whoever_has_a_number_by_now_does_not_set_up_another() {
    let scene = required(&[MfaFactor::Sms]).await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    browser.sign_in(&at, "ada", PASSWORD).await;
    let number = |user: &mut User| {
        user.attributes.insert("phone_number".to_owned(), "+15550100100".to_owned());
    };
    scene.change_user(number).await;
    let page = browser.post(&at, &[("phone_number", NUMBER)]).await.into_body();
    shows(&page, "id=\"problem\"");
    assert!(scene.kit.messenger.messages().is_empty());
}

#[tokio::test]
async fn a_code_is_sent_again_and_replaces_the_one_before() {
    let scene = required(&[MfaFactor::Sms]).await;
    scene
        .change_user(|user| {
            user.attributes.insert("phone_number".to_owned(), NUMBER.to_owned());
        })
        .await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    shows(&page, "data-resend-after=\"30\"");
    let old = code_for(&scene, NUMBER);
    let carried = browser.cookies["page-data"].clone();
    let resend = [("code", ""), ("intent", "resend")];
    let page = browser.post(&at, &resend).await.into_body();
    shows(&page, "A new code is on its way.");
    let new = code_for(&scene, NUMBER);
    assert_ne!(new, old);
    let page = browser.post(&at, &[("code", &old)]).await.into_body();
    shows(&page, "id=\"problem\"");
    // What was carried before is used up.
    let last = browser.cookies.insert("page-data".to_owned(), carried).unwrap();
    let page = browser.post(&at, &[("code", &old)]).await.into_body();
    shows(&page, "name=\"password\"");
    browser.cookies.insert("page-data".to_owned(), last);
    let answer = browser.post(&at, &[("code", &new)]).await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn when_too_many_codes_were_sent_the_last_one_stays_good() {
    let scene = required(&[MfaFactor::Sms]).await;
    scene
        .change_user(|user| {
            user.attributes.insert("phone_number".to_owned(), NUMBER.to_owned());
        })
        .await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    browser.sign_in(&at, "ada", PASSWORD).await;
    for number in 2..=21 {
        let page = browser.post(&at, &[("code", ""), ("intent", "resend")]).await.into_body();
        let text = if number > 20 { "too many attempts" } else { "A new code is on its way." };
        shows(&page, text);
    }
    assert_eq!(scene.kit.messenger.messages().len(), 20);
    let answer = browser.post(&at, &[("code", &code_for(&scene, NUMBER))]).await;
    redeemed(&scene, &answer).await;
}

#[tokio::test]
async fn a_code_by_mail_after_a_password_has_six_digits_and_no_other_way() {
    let scene = required(&[MfaFactor::Email]).await;
    scene
        .change_user(|user| {
            user.attributes.insert("email".to_owned(), "ada@example.com".to_owned());
        })
        .await;
    let (mut browser, at) = (Browser::new(&scene), login(CLIENT));
    let page = browser.sign_in(&at, "ada", PASSWORD).await.into_body();
    shows(&page, "6 digits");
    assert!(!page.contains("other-way"), "{page}");
}
