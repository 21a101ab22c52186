//! Which second factor is asked of whom, and how codes that are sent are asked for.

use serde_json::{Value, json};

use crate::{
    testing::{PASSWORD, Stack, error, merged},
    totp::testing::{answer_to, code, enrol, start},
};

const RESPOND: &str = "RespondToAuthChallenge";
const PHONE: (&str, &str) = ("phone_number", "+14155550008");
const EMAIL: (&str, &str) = ("email", "ada@example.com");

/// A pool that may send mails with codes, and a client of it.
async fn sending_pool(stack: &Stack) -> (String, String) {
    let mail = json!({
        "EmailSendingAccount": "DEVELOPER",
        "SourceArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
    });
    let pool = stack.pool(json!({ "EmailConfiguration": mail })).await;
    let client = stack.client(&pool, json!({})).await;
    (pool, client)
}

/// Makes the pool offer these factors.
async fn offer(stack: &Stack, pool: &str, mfa: &str, factors: &[&str]) {
    let mut input = json!({ "UserPoolId": pool, "MfaConfiguration": mfa });
    let role = "arn:aws:iam::123456789012:role/sms";
    let sms = json!({ "SnsCallerArn": role, "ExternalId": "x" });
    for factor in factors {
        let (name, value) = match *factor {
            "SMS_MFA" => ("SmsMfaConfiguration", json!({ "SmsConfiguration": sms })),
            "EMAIL_OTP" => ("EmailMfaConfiguration", json!({})),
            _ => ("SoftwareTokenMfaConfiguration", json!({ "Enabled": true })),
        };
        input[name] = value;
    }
    stack.ok("SetUserPoolMfaConfig", input).await;
    // Servers may go by the old settings for a second.
    stack.advance(2);
}

/// Switches just these factors on; a star marks the preferred one.
async fn switch_on(stack: &Stack, pool: &str, factors: &[&str]) {
    let mut input = json!({ "UserPoolId": pool, "Username": "ada" });
    for (name, member) in [
        ("SMS_MFA", "SMSMfaSettings"),
        ("EMAIL_OTP", "EmailMfaSettings"),
        ("SOFTWARE_TOKEN_MFA", "SoftwareTokenMfaSettings"),
    ] {
        let found = factors.iter().find(|factor| factor.trim_end_matches('*') == name);
        let preferred = found.is_some_and(|factor| factor.ends_with('*'));
        input[member] = json!({ "Enabled": found.is_some(), "PreferredMfa": preferred });
    }
    stack.ok("AdminSetUserMFAPreference", input).await;
}

/// What is asked of a user after the right password.
struct Case {
    mfa: &'static str,
    offered: &'static [&'static str],
    /// What the user has: attributes, and a verified software token.
    has: &'static [&'static str],
    on: &'static [&'static str],
    /// The challenge, and what can be chosen or set up; empty for tokens.
    asked: (&'static str, &'static str),
}

const SMS: &str = "SMS_MFA";
const MAIL: &str = "EMAIL_OTP";
const TOTP: &str = "SOFTWARE_TOKEN_MFA";

const fn case(
    mfa: &'static str,
    offered: &'static [&'static str],
    has: &'static [&'static str],
    on: &'static [&'static str],
    asked: (&'static str, &'static str),
) -> Case {
    Case { mfa, offered, has, on, asked }
}

const CASES: &[Case] = &[
    case("ON", &[SMS, TOTP], &[], &[], ("MFA_SETUP", r#"["SMS_MFA","SOFTWARE_TOKEN_MFA"]"#)),
    case(
        "ON",
        &[SMS, TOTP, MAIL],
        &[],
        &[],
        ("MFA_SETUP", r#"["SMS_MFA","SOFTWARE_TOKEN_MFA","EMAIL_OTP"]"#),
    ),
    case("ON", &[SMS, TOTP], &["phone"], &[], (SMS, "")),
    case("ON", &[SMS, MAIL], &[], &[], ("MFA_SETUP", r#"["SMS_MFA","EMAIL_OTP"]"#)),
    case("ON", &[MAIL], &["email"], &[], (MAIL, "")),
    case(
        "ON",
        &[SMS, MAIL],
        &["phone", "email"],
        &[],
        ("SELECT_MFA_TYPE", r#"["SMS_MFA","EMAIL_OTP"]"#),
    ),
    // A verified token counts without being switched on; then nothing else is implied.
    case("ON", &[SMS, TOTP], &["phone", "token"], &[], (TOTP, "")),
    case(
        "ON",
        &[SMS, TOTP],
        &["phone", "token"],
        &[SMS],
        ("SELECT_MFA_TYPE", r#"["SMS_MFA","SOFTWARE_TOKEN_MFA"]"#),
    ),
    case("ON", &[SMS, TOTP], &["phone", "token"], &["SMS_MFA*"], (SMS, "")),
    case(
        "ON",
        &[MAIL, TOTP],
        &["phone"],
        &[SMS],
        ("MFA_SETUP", r#"["SOFTWARE_TOKEN_MFA","EMAIL_OTP"]"#),
    ),
    case("OPTIONAL", &[SMS, TOTP], &["phone"], &[], ("", "")),
    case("OPTIONAL", &[TOTP], &["token"], &[], ("", "")),
    case("OPTIONAL", &[SMS], &["phone"], &[SMS], (SMS, "")),
    case(
        "OPTIONAL",
        &[SMS, TOTP, MAIL],
        &["phone", "email", "token"],
        &[SMS, "EMAIL_OTP*", TOTP],
        (MAIL, ""),
    ),
    case(
        "OPTIONAL",
        &[SMS, TOTP, MAIL],
        &["phone", "email", "token"],
        &[SMS, MAIL, TOTP],
        ("SELECT_MFA_TYPE", r#"["SMS_MFA","EMAIL_OTP","SOFTWARE_TOKEN_MFA"]"#),
    ),
    // What is preferred and not offered is passed over; a token counts even so.
    case("OPTIONAL", &[TOTP], &["phone", "token"], &["SMS_MFA*", TOTP], (TOTP, "")),
    case("OPTIONAL", &[SMS], &["token"], &["SOFTWARE_TOKEN_MFA*"], (TOTP, "")),
    case("OPTIONAL", &[TOTP], &["phone"], &["SMS_MFA*"], ("", "")),
    case("OFF", &[], &["phone", "token"], &["SMS_MFA*", TOTP], ("", "")),
];

#[tokio::test]
async fn what_is_asked_follows_from_pool_and_user() {
    for (number, case) in CASES.iter().enumerate() {
        let stack = Stack::new().await;
        let (pool, client) = sending_pool(&stack).await;
        let mut attributes = Vec::new();
        attributes.extend(case.has.contains(&"phone").then_some(PHONE));
        attributes.extend(case.has.contains(&"email").then_some(EMAIL));
        stack.user(&pool, "ada", &attributes).await;
        if case.has.contains(&"token") {
            offer(&stack, &pool, "OPTIONAL", &[TOTP]).await;
            enrol(&stack, &client, "ada").await;
        }
        switch_on(&stack, &pool, case.on).await;
        offer(&stack, &pool, case.mfa, case.offered).await;
        let answer = start(&stack, &client, "ada").await;
        let parameters = &answer["ChallengeParameters"];
        let choice = match case.asked.0 {
            "SELECT_MFA_TYPE" => &parameters["MFAS_CAN_CHOOSE"],
            "MFA_SETUP" => &parameters["MFAS_CAN_SETUP"],
            _ => &Value::Null,
        };
        let asked = (
            answer["ChallengeName"].as_str().unwrap_or_default(),
            choice.as_str().unwrap_or_default(),
        );
        assert_eq!(asked, case.asked, "case {number}");
        assert_eq!(answer.get("AuthenticationResult").is_some(), case.asked.0.is_empty());
    }
}

/// The factors that the user has switched on.
async fn enabled(stack: &Stack, pool: &str) -> Value {
    let user = json!({ "UserPoolId": pool, "Username": "ada" });
    stack.ok("AdminGetUser", user).await["UserMFASettingList"].clone()
}

#[tokio::test]
async fn a_factor_that_was_merely_had_is_switched_on_by_its_use_where_mfa_is_required() {
    let stack = Stack::new().await;
    let (pool, client) = sending_pool(&stack).await;
    offer(&stack, &pool, "ON", &[SMS, MAIL]).await;
    stack.user(&pool, "ada", &[PHONE, EMAIL]).await;
    let choice = start(&stack, &client, "ada").await;
    assert_eq!(enabled(&stack, &pool).await, Value::Null);
    // The name that the documentation has for it.
    let asked = stack.ok(RESPOND, answer_to(&client, &choice, "ANSWER", "EMAIL_MFA")).await;
    assert_eq!(asked["ChallengeName"], MAIL);
    let parameters = &asked["ChallengeParameters"];
    assert_eq!(
        parameters,
        &json!({
            "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL", "CODE_DELIVERY_DESTINATION": "a***@e***",
            "USER_ID_FOR_SRP": "ada",
        })
    );
    let sent = stack.last_code_for(EMAIL.1);
    assert_eq!(sent.len(), 6);
    stack.ok(RESPOND, answer_to(&client, &asked, "EMAIL_OTP_CODE", &sent)).await;
    assert_eq!(enabled(&stack, &pool).await, json!([MAIL]));
    assert_eq!(start(&stack, &client, "ada").await["ChallengeName"], MAIL);
}

#[tokio::test]
async fn each_sign_in_has_a_code_of_its_own_which_is_good_as_long_as_its_session() {
    let stack = Stack::new().await;
    let (pool, client) = sending_pool(&stack).await;
    offer(&stack, &pool, "ON", &[SMS]).await;
    stack.user(&pool, "ada", &[PHONE]).await;
    let first = start(&stack, &client, "ada").await;
    let first_code = stack.last_code_for(PHONE.1);
    stack.advance(170);
    let second = start(&stack, &client, "ada").await;
    let second_code = stack.last_code_for(PHONE.1);
    assert_ne!(first_code, second_code);
    let mismatch = error("CodeMismatchException", "Invalid code or auth state for the user.");
    let crossed = answer_to(&client, &second, "SMS_MFA_CODE", &first_code);
    assert_eq!(stack.refusal(RESPOND, crossed).await, mismatch);
    // An earlier one stays good beside the later.
    let earlier = answer_to(&client, &first, "SMS_MFA_CODE", &first_code);
    stack.advance(9);
    stack.ok(RESPOND, earlier.clone()).await;
    let spent = "Invalid session for the user, session can only be used once.";
    assert_eq!(stack.refusal(RESPOND, earlier).await, error("NotAuthorizedException", spent));
    stack.advance(171);
    let late = answer_to(&client, &second, "SMS_MFA_CODE", &second_code);
    let expired = "Invalid session for the user, session is expired.";
    assert_eq!(stack.refusal(RESPOND, late).await, error("NotAuthorizedException", expired));
}

#[tokio::test]
async fn wrong_codes_are_limited_across_sign_ins_and_right_ones_forget_them() {
    let stack = Stack::new().await;
    let (pool, client) = sending_pool(&stack).await;
    offer(&stack, &pool, "ON", &[SMS]).await;
    stack.user(&pool, "ada", &[PHONE]).await;
    let asked = start(&stack, &client, "ada").await;
    let right = answer_to(&client, &asked, "SMS_MFA_CODE", &stack.last_code_for(PHONE.1));
    for _ in 0..19 {
        let wrong = answer_to(&client, &asked, "SMS_MFA_CODE", "x");
        assert_eq!(stack.refusal(RESPOND, wrong).await.0, "CodeMismatchException");
    }
    stack.ok(RESPOND, right).await;
    let asked = start(&stack, &client, "ada").await;
    let wrong = answer_to(&client, &asked, "SMS_MFA_CODE", "x");
    for _ in 0..20 {
        assert_eq!(stack.refusal(RESPOND, wrong.clone()).await.0, "CodeMismatchException");
    }
    let asked = start(&stack, &client, "ada").await;
    let right = answer_to(&client, &asked, "SMS_MFA_CODE", &stack.last_code_for(PHONE.1));
    let text = "Attempt limit exceeded, please try after some time.";
    let stopped = error("TooManyRequestsException", text);
    assert_eq!(stack.refusal(RESPOND, right).await, stopped);
    stack.advance(3_600);
    let asked = start(&stack, &client, "ada").await;
    let right = answer_to(&client, &asked, "SMS_MFA_CODE", &stack.last_code_for(PHONE.1));
    stack.ok(RESPOND, right).await;
}

#[tokio::test]
async fn only_so_many_codes_are_sent_within_an_hour() {
    let stack = Stack::new().await;
    let (pool, client) = sending_pool(&stack).await;
    offer(&stack, &pool, "ON", &[SMS]).await;
    stack.user(&pool, "ada", &[PHONE]).await;
    for _ in 0..25 {
        assert_eq!(start(&stack, &client, "ada").await["ChallengeName"], SMS);
    }
    assert_eq!(stack.messenger().messages().len(), 20);
    stack.advance(3_600);
    start(&stack, &client, "ada").await;
    assert_eq!(stack.messenger().messages().len(), 21);
}

/// A user at `MFA_SETUP` in two sign-ins, where mails and software tokens are offered.
async fn two_set_ups(stack: &Stack) -> (String, String, Value, Value) {
    let (pool, client) = sending_pool(stack).await;
    offer(stack, &pool, "ON", &[MAIL, TOTP]).await;
    stack.user(&pool, "ada", &[]).await;
    let one = start(stack, &client, "ada").await;
    let other = start(stack, &client, "ada").await;
    assert_eq!(one["ChallengeName"], "MFA_SETUP");
    (pool, client, one, other)
}

async fn set_up_token(stack: &Stack, setup: &Value) {
    let input = json!({ "Session": setup["Session"] });
    let associated = stack.ok("AssociateSoftwareToken", input).await;
    let code = code(stack, associated["SecretCode"].as_str().unwrap(), 0);
    let input = json!({ "Session": associated["Session"], "UserCode": code });
    stack.ok("VerifySoftwareToken", input).await;
}

#[tokio::test]
async fn an_older_set_up_by_mail_can_not_go_around_what_was_set_up_meanwhile() {
    let invalid = error("NotAuthorizedException", "Invalid session for the user.");
    let stack = Stack::new().await;
    let (_, client, owner, thief) = two_set_ups(&stack).await;
    set_up_token(&stack, &owner).await;
    let before = stack.messenger().messages().len();
    let address = answer_to(&client, &thief, "EMAIL", "eve@example.com");
    assert_eq!(stack.refusal(RESPOND, address).await, invalid);
    assert_eq!(stack.messenger().messages().len(), before);

    let stack = Stack::new().await;
    let (pool, client, owner, thief) = two_set_ups(&stack).await;
    let address = answer_to(&client, &thief, "EMAIL", "eve@example.com");
    let asked = stack.ok(RESPOND, address).await;
    set_up_token(&stack, &owner).await;
    let sent = stack.last_code_for("eve@example.com");
    let shown = answer_to(&client, &asked, "EMAIL_OTP_CODE", &sent);
    assert_eq!(stack.refusal(RESPOND, shown).await, invalid);
    let user = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
    assert_eq!(user["UserAttributes"].as_array().unwrap().len(), 1, "only the sub: {user}");
}

#[tokio::test]
async fn who_has_got_an_address_meanwhile_sets_up_no_other() {
    let stack = Stack::new().await;
    let (pool, client, setup, _) = two_set_ups(&stack).await;
    let mail = json!([{ "Name": "email", "Value": EMAIL.1 }]);
    let input = json!({ "UserPoolId": pool, "Username": "ada", "UserAttributes": mail });
    stack.ok("AdminUpdateUserAttributes", input).await;
    let address = answer_to(&client, &setup, "EMAIL", "eve@example.com");
    let invalid = error("NotAuthorizedException", "Invalid session for the user.");
    assert_eq!(stack.refusal(RESPOND, address).await, invalid);
}

#[tokio::test]
async fn an_address_is_not_taken_where_only_other_factors_are_offered() {
    let stack = Stack::new().await;
    let (pool, client) = sending_pool(&stack).await;
    offer(&stack, &pool, "ON", &[TOTP]).await;
    stack.user(&pool, "ada", &[]).await;
    let setup = start(&stack, &client, "ada").await;
    let address = answer_to(&client, &setup, "EMAIL", EMAIL.1);
    let none = "Software Token MFA does not exist for the user.";
    let refused = error("SoftwareTokenMFANotFoundException", none);
    assert_eq!(stack.refusal(RESPOND, address).await, refused);
    assert!(stack.messenger().messages().is_empty());
}

#[tokio::test]
async fn preferences_are_those_of_factors_that_are_on() {
    let stack = Stack::new().await;
    let (pool, _) = sending_pool(&stack).await;
    stack.user(&pool, "ada", &[PHONE, EMAIL]).await;
    let user = json!({ "UserPoolId": pool, "Username": "ada" });
    let off_and_preferred = json!({ "SMSMfaSettings": { "Enabled": false, "PreferredMfa": true } });
    let refused =
        stack.refusal("AdminSetUserMFAPreference", merged(user.clone(), off_and_preferred)).await;
    assert_eq!(refused.0, "InvalidParameterException");
    assert_eq!(enabled(&stack, &pool).await, Value::Null);
    switch_on(&stack, &pool, &[SMS, "EMAIL_OTP*"]).await;
    let shown = stack.ok("AdminGetUser", user.clone()).await;
    assert_eq!(shown["PreferredMfaSetting"], MAIL);
    assert_eq!(shown["UserMFASettingList"], json!([MAIL, SMS]));
    // Off takes the preference along, and leaves the other factor.
    let off = json!({ "EmailMfaSettings": { "Enabled": false } });
    stack.ok("AdminSetUserMFAPreference", merged(user.clone(), off)).await;
    let shown = stack.ok("AdminGetUser", user).await;
    assert_eq!(shown.get("PreferredMfaSetting"), None);
    assert_eq!(shown["UserMFASettingList"], json!([SMS]));
}

/// What is said where the user has no second factor, and can't set one up.
fn no_mechanism() -> (String, String) {
    error("MFAMethodNotFoundException", "No MFA mechanism registerd in the account.")
}

/// Gives the user a number.
async fn give_number(stack: &Stack, pool: &str) {
    let number = json!([{ "Name": PHONE.0, "Value": PHONE.1 }]);
    let input = json!({ "UserPoolId": pool, "Username": "ada", "UserAttributes": number });
    stack.ok("AdminUpdateUserAttributes", input).await;
}

/// Shows the code that came to the number; from then on it is the user's second factor.
async fn show_text_code(stack: &Stack, pool: &str, client: &str, asked: &Value) {
    assert_eq!(asked["ChallengeName"], SMS, "{asked}");
    assert_eq!(enabled(stack, pool).await, Value::Null);
    let sent = stack.last_code_for(PHONE.1);
    let answer = stack.ok(RESPOND, answer_to(client, asked, "SMS_MFA_CODE", &sent)).await;
    assert!(answer["AuthenticationResult"]["AccessToken"].is_string());
    assert_eq!(enabled(stack, pool).await, json!([SMS]));
    let user = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
    let verified = json!({ "Name": "phone_number_verified", "Value": "true" });
    assert!(user["UserAttributes"].as_array().unwrap().contains(&verified), "{user}");
}

#[tokio::test]
async fn where_only_text_messages_are_offered_there_is_nothing_to_set_up_without_a_number() {
    let stack = Stack::new().await;
    let (pool, client) = sending_pool(&stack).await;
    offer(&stack, &pool, "ON", &[SMS]).await;
    stack.user(&pool, "ada", &[EMAIL]).await;
    let parameters = json!({ "USERNAME": "ada", "PASSWORD": PASSWORD });
    let by_password = json!({
        "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
    });
    assert_eq!(stack.refusal("InitiateAuth", by_password.clone()).await, no_mechanism());
    let flow = json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "UserPoolId": pool });
    let by_administrator = merged(by_password.clone(), flow);
    assert_eq!(stack.refusal("AdminInitiateAuth", by_administrator).await, no_mechanism());
    let mut wrong = by_password;
    wrong["AuthParameters"]["PASSWORD"] = json!("Wrong-Donkey-3");
    let refused = stack.refusal("InitiateAuth", wrong).await;
    assert_eq!(refused.0, "NotAuthorizedException", "only who knows the password is told");
    assert!(stack.messenger().messages().is_empty());
    // Whoever has been given a number signs in again, and proves it.
    give_number(&stack, &pool).await;
    let asked = start(&stack, &client, "ada").await;
    show_text_code(&stack, &pool, &client, &asked).await;
}

#[tokio::test]
async fn a_first_password_without_a_number_is_set_and_leads_no_further() {
    let stack = Stack::new().await;
    let (pool, client) = sending_pool(&stack).await;
    offer(&stack, &pool, "ON", &[SMS]).await;
    let make = json!({
        "UserPoolId": pool, "Username": "ada", "TemporaryPassword": PASSWORD,
        "MessageAction": "SUPPRESS",
    });
    stack.ok("AdminCreateUser", make.clone()).await;
    let asked = start(&stack, &client, "ada").await;
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let chosen = answer_to(&client, &asked, "NEW_PASSWORD", "Other-Horse-8");
    let refused =
        stack.refusal("AdminRespondToAuthChallenge", merged(chosen, json!({ "UserPoolId": pool })));
    assert_eq!(refused.await, no_mechanism());
    let user = json!({ "UserPoolId": pool, "Username": "ada" });
    assert_eq!(stack.ok("AdminGetUser", user.clone()).await["UserStatus"], "CONFIRMED");

    // The number can come with the first password.
    stack.ok("AdminDeleteUser", user).await;
    stack.ok("AdminCreateUser", make).await;
    let asked = start(&stack, &client, "ada").await;
    let mut chosen = answer_to(&client, &asked, "NEW_PASSWORD", "Other-Horse-8");
    chosen["ChallengeResponses"]["userAttributes.phone_number"] = json!(PHONE.1);
    let asked = stack.ok(RESPOND, chosen).await;
    show_text_code(&stack, &pool, &client, &asked).await;
}

#[tokio::test]
async fn set_up_takes_no_number_and_who_has_got_one_signs_in_again() {
    let stack = Stack::new().await;
    let (pool, client) = sending_pool(&stack).await;
    offer(&stack, &pool, "ON", &[SMS, TOTP]).await;
    stack.user(&pool, "ada", &[]).await;
    let setup = start(&stack, &client, "ada").await;
    let parameters = json!({
        "MFAS_CAN_SETUP": r#"["SMS_MFA","SOFTWARE_TOKEN_MFA"]"#, "USER_ID_FOR_SRP": "ada",
    });
    assert_eq!(setup["ChallengeParameters"], parameters);
    let none = "Software Token MFA does not exist for the user.";
    let none = error("SoftwareTokenMFANotFoundException", none);
    for (name, value) in [("PHONE_NUMBER", PHONE.1), ("ANSWER", SMS)] {
        let answer = answer_to(&client, &setup, name, value);
        assert_eq!(stack.refusal(RESPOND, answer).await, none);
    }
    let user = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
    assert_eq!(user["UserAttributes"].as_array().unwrap().len(), 1, "only the sub: {user}");
    // The session stays good for a software token.
    stack.ok("AssociateSoftwareToken", json!({ "Session": setup["Session"] })).await;
    give_number(&stack, &pool).await;
    let asked = start(&stack, &client, "ada").await;
    show_text_code(&stack, &pool, &client, &asked).await;
}
