//! `UserMigration`.

use poolhouse_domain::triggers::Trigger;
use serde_json::{Value, json};

use super::{Prover, asking, begin, by_password, is_signed_in, thrown, wrong};
use crate::testing::{PASSWORD, Stack, error, merged};

const ALL: [Trigger; 5] = [
    Trigger::UserMigration,
    Trigger::PreSignUp,
    Trigger::PreAuthentication,
    Trigger::PostAuthentication,
    Trigger::PreTokenGeneration,
];

fn known(more: Value) -> Value {
    let known = json!({
        "userAttributes": { "email": "jo@gm.com", "email_verified": "true" },
        "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS",
    });
    merged(known, more)
}

async fn user(stack: &Stack, pool: &str, name: &str) -> Value {
    stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": name })).await
}

async fn is_unknown(stack: &Stack, pool: &str, name: &str) -> bool {
    let input = json!({ "UserPoolId": pool, "Username": name });
    stack.call("AdminGetUser", input).await.body["__type"] == "UserNotFoundException"
}

fn failed(client: &str) -> (String, String) {
    error("UserNotFoundException", &format!("Exception migrating user in app client {client}"))
}

#[tokio::test]
async fn somebody_who_is_known_elsewhere_signs_in_and_is_a_user_from_then_on() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &ALL, json!({}), json!({})).await;
    let script = stack.functions();
    script.respond(Trigger::UserMigration, known(json!({})));
    // No policy is asked: the password is what it was.
    let input = by_password(&client, "jo", "short");
    let input = merged(input, json!({ "ClientMetadata": { "k": "v" } }));
    assert!(is_signed_in(&stack.ok("InitiateAuth", input).await));
    let asked = [
        "UserMigration_Authentication",
        "PreSignUp_AdminCreateUser",
        "PreAuthentication_Authentication",
        "PostAuthentication_Authentication",
        "TokenGeneration_Authentication",
    ];
    assert_eq!(script.sources(), asked);
    let events = script.events();
    let expected = json!({
        "version": "1", "region": "us-east-1", "userPoolId": pool, "userName": "jo",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client },
        "triggerSource": "UserMigration_Authentication",
        "request": { "password": "short", "validationData": { "k": "v" } },
        "response": {
            "userAttributes": null, "finalUserStatus": null, "messageAction": null,
            "desiredDeliveryMediums": null, "forceAliasCreation": null, "enableSMSMFA": null,
        },
    });
    assert_eq!(events[0], expected);
    assert_eq!(events[1]["request"]["validationData"], json!({ "k": "v" }));
    assert_eq!(events[2]["request"]["userAttributes"]["email"], "jo@gm.com");
    let stored = user(&stack, &pool, "jo").await;
    assert_eq!(stored["UserStatus"], "CONFIRMED");
    assert!(stack.messenger().messages().is_empty());

    script.clear();
    assert!(is_signed_in(&stack.ok("InitiateAuth", by_password(&client, "jo", "short")).await));
    let refused = stack.refusal("InitiateAuth", by_password(&client, "jo", "other")).await;
    assert_eq!(refused, wrong());
    assert!(!script.sources().contains(&"UserMigration_Authentication".to_owned()));
}

#[tokio::test]
async fn whoever_is_not_said_to_be_confirmed_sets_a_new_password() {
    let stack = Stack::new().await;
    let (pool, open) = asking(&stack, &[Trigger::UserMigration], json!({}), json!({})).await;
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let hiding = stack.client(&pool, hides).await;
    for (client, name) in [(open, "jo"), (hiding, "bo")] {
        let email = json!({ "email": format!("{name}@gm.com"), "email_verified": "true" });
        let reset = known(json!({ "finalUserStatus": null, "userAttributes": email }));
        stack.functions().respond(Trigger::UserMigration, reset);
        let refused = stack.refusal("InitiateAuth", by_password(&client, name, PASSWORD)).await;
        let text = "Password reset required for the user";
        assert_eq!(refused, error("PasswordResetRequiredException", text));
        assert_eq!(user(&stack, &pool, name).await["UserStatus"], "RESET_REQUIRED");
        stack.ok("ForgotPassword", json!({ "ClientId": client, "Username": name })).await;
    }
}

#[tokio::test]
async fn a_failure_makes_no_user() {
    let stack = Stack::new().await;
    let (pool, open) = asking(&stack, &ALL, json!({}), json!({})).await;
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let hiding = stack.client(&pool, hides).await;
    let script = stack.functions();
    let bad = [
        json!({ "userAttributes": { "sub": "1" } }),
        json!({ "userAttributes": { "email": "no address" } }),
        json!({ "userAttributes": { "username": "another" } }),
        json!({ "userAttributes": { "email": 7 } }),
        json!({ "enableSMSMFA": true }),
    ];
    for overrides in bad {
        script.respond(Trigger::UserMigration, known(overrides.clone()));
        let refused = stack.refusal("InitiateAuth", by_password(&open, "jo", PASSWORD)).await;
        assert_eq!(refused, failed(&open), "{overrides}");
        assert!(is_unknown(&stack, &pool, "jo").await);
        stack.advance(1_000);
    }
    script.throw(Trigger::UserMigration, "who?");
    let refused = stack.refusal("InitiateAuth", by_password(&open, "jo", PASSWORD)).await;
    assert_eq!(refused, failed(&open));
    let refused = stack.refusal("InitiateAuth", by_password(&hiding, "jo", PASSWORD)).await;
    assert_eq!(refused, wrong());

    // Who is known by nobody is answered as if there were no function.
    script.respond(Trigger::UserMigration, json!({}));
    let refused = stack.refusal("InitiateAuth", by_password(&open, "jo", PASSWORD)).await;
    assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
    script.clear();
    let refused = stack.refusal("InitiateAuth", by_password(&hiding, "jo", PASSWORD)).await;
    assert_eq!(refused, wrong());
    let asked = ["UserMigration_Authentication", "PreAuthentication_Authentication"];
    assert_eq!(script.sources(), asked);
    assert_eq!(script.events()[1]["request"]["userNotFound"], true);

    script.respond(Trigger::UserMigration, known(json!({})));
    script.throw(Trigger::PreSignUp, "no");
    let refused = stack.refusal("InitiateAuth", by_password(&open, "jo", PASSWORD)).await;
    assert_eq!(refused, thrown(Trigger::PreSignUp));
    assert!(is_unknown(&stack, &pool, "jo").await);
}

#[tokio::test]
async fn only_flows_with_a_plain_password_ask() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::UserMigration], json!({}), json!({})).await;
    stack.functions().respond(Trigger::UserMigration, known(json!({})));
    let srp = json!({ "USERNAME": "jo", "SRP_A": Prover::new(&stack).public() });
    for (flow, parameters) in [("USER_SRP_AUTH", srp), ("USER_AUTH", json!({ "USERNAME": "jo" }))] {
        let refused = stack.refusal("InitiateAuth", begin(&client, flow, parameters)).await;
        assert_eq!(refused.0, "UserNotFoundException");
    }
    assert!(stack.functions().events().is_empty());
    let input = by_password(&client, "jo", PASSWORD);
    let input = merged(input, json!({ "AuthFlow": "ADMIN_NO_SRP_AUTH", "UserPoolId": pool }));
    assert!(is_signed_in(&stack.ok("AdminInitiateAuth", input).await));
}

#[tokio::test]
async fn guesses_at_passwords_elsewhere_are_locked_out_too() {
    for hides in ["LEGACY", "ENABLED"] {
        let stack = Stack::new().await;
        let client = json!({ "PreventUserExistenceErrors": hides });
        let (_, client) = asking(&stack, &[Trigger::UserMigration], json!({}), client).await;
        stack.functions().throw(Trigger::UserMigration, "wrong");
        for _ in 0..5 {
            stack.refusal("InitiateAuth", by_password(&client, "jo", "guess")).await;
        }
        let refused = stack.refusal("InitiateAuth", by_password(&client, "jo", "guess")).await;
        assert_eq!(refused, error("NotAuthorizedException", "Password attempts exceeded"));
        assert_eq!(stack.functions().events().len(), 5);
        stack.functions().respond(Trigger::UserMigration, known(json!({})));
        stack.advance(2);
        assert!(is_signed_in(&stack.ok("InitiateAuth", by_password(&client, "jo", "right")).await));
    }
}

#[tokio::test]
async fn a_welcome_goes_where_the_function_says() {
    for (overrides, to) in [
        (json!({ "messageAction": null }), None),
        (
            json!({ "messageAction": "RESEND", "desiredDeliveryMediums": ["EMAIL"] }),
            Some("jo@gm.com"),
        ),
        (json!({ "desiredDeliveryMediums": ["EMAIL"] }), None),
    ] {
        let stack = Stack::new().await;
        let (_, client) = asking(&stack, &[Trigger::UserMigration], json!({}), json!({})).await;
        stack.functions().respond(Trigger::UserMigration, known(overrides));
        stack.ok("InitiateAuth", by_password(&client, "jo", PASSWORD)).await;
        let sent = stack.messenger().messages();
        let destinations: Vec<_> =
            sent.iter().map(|message| message.destination.as_str()).collect();
        assert_eq!(destinations, to.into_iter().collect::<Vec<_>>());
        assert!(sent.iter().all(|message| !message.body.contains(PASSWORD)));
    }
}

#[tokio::test]
async fn an_alias_that_was_typed_can_belong_to_another_username() {
    let stack = Stack::new().await;
    let config = json!({ "AliasAttributes": ["email"] });
    let (pool, client) = asking(&stack, &[Trigger::UserMigration], config, json!({})).await;
    let attributes = json!({ "username": "jo", "email": "jo@gm.com", "email_verified": "true" });
    let described = known(json!({ "userAttributes": attributes }));
    stack.functions().respond(Trigger::UserMigration, described.clone());
    assert!(is_signed_in(&stack.ok("InitiateAuth", by_password(&client, "jo@gm.com", "a")).await));
    assert_eq!(user(&stack, &pool, "jo").await["Username"], "jo");

    // Somebody else's alias is taken only by force.
    let mut other = described;
    other["userAttributes"]["username"] = json!("bo");
    stack.functions().respond(Trigger::UserMigration, other.clone());
    let refused = stack.refusal("InitiateAuth", by_password(&client, "bo", "b")).await;
    assert_eq!(refused, failed(&client));
    other["forceAliasCreation"] = json!(true);
    stack.functions().respond(Trigger::UserMigration, other);
    assert!(is_signed_in(&stack.ok("InitiateAuth", by_password(&client, "bo", "b")).await));
    assert_eq!(user(&stack, &pool, "jo@gm.com").await["Username"], "bo");
}

#[tokio::test]
async fn where_addresses_are_usernames_it_must_be_the_one_that_was_typed() {
    let stack = Stack::new().await;
    let config = json!({ "UsernameAttributes": ["email"] });
    let (pool, client) = asking(&stack, &[Trigger::UserMigration], config, json!({})).await;
    stack.functions().respond(Trigger::UserMigration, known(json!({})));
    let refused = stack.refusal("InitiateAuth", by_password(&client, "bo@gm.com", "a")).await;
    assert_eq!(refused, failed(&client));
    assert!(is_signed_in(&stack.ok("InitiateAuth", by_password(&client, "jo@gm.com", "a")).await));
    let stored = user(&stack, &pool, "jo@gm.com").await;
    assert_ne!(stored["Username"], "jo@gm.com");
}

#[tokio::test]
async fn codes_by_text_message_need_a_pool_with_them_and_a_number() {
    let stack = Stack::new().await;
    let sms = json!({ "SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x" });
    let config = json!({ "SmsConfiguration": sms, "AutoVerifiedAttributes": ["phone_number"] });
    let (pool, client) = asking(&stack, &[Trigger::UserMigration], config, json!({})).await;
    let mfa = json!({
        "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
        "SmsMfaConfiguration": { "SmsConfiguration": sms },
    });
    stack.ok("SetUserPoolMfaConfig", mfa).await;
    let attributes = json!({ "phone_number": "+14155550100", "phone_number_verified": "true" });
    let described = known(json!({ "enableSMSMFA": true, "userAttributes": attributes }));
    stack.functions().respond(Trigger::UserMigration, described);
    let asked = stack.ok("InitiateAuth", by_password(&client, "jo", PASSWORD)).await;
    assert_eq!(asked["ChallengeName"], "SMS_MFA");
}

#[tokio::test]
async fn a_forgotten_password_brings_users_over_without_one() {
    let stack = Stack::new().await;
    let triggers = [Trigger::UserMigration, Trigger::PreSignUp];
    let (pool, open) = asking(&stack, &triggers, json!({}), json!({})).await;
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let hiding = stack.client(&pool, hides).await;
    let script = stack.functions();
    let input = |client: &str| json!({ "ClientId": client, "Username": "jo", "ClientMetadata": { "k": "v" } });
    script.throw(Trigger::UserMigration, "who?");
    assert_eq!(stack.refusal("ForgotPassword", input(&open)).await, failed(&open));
    let shown = stack.ok("ForgotPassword", input(&hiding)).await;
    assert!(shown["CodeDeliveryDetails"].is_object());
    script.respond(Trigger::UserMigration, json!({}));
    assert_eq!(stack.ok("ForgotPassword", input(&hiding)).await, shown);
    let refused = stack.refusal("ForgotPassword", input(&open)).await;
    let text = "Username/client id combination not found.";
    assert_eq!(refused, error("UserNotFoundException", text));
    assert!(is_unknown(&stack, &pool, "jo").await);

    script.clear();
    script.respond(Trigger::UserMigration, known(json!({ "finalUserStatus": null })));
    let answer = stack.ok("ForgotPassword", input(&open)).await;
    assert_eq!(answer["CodeDeliveryDetails"]["Destination"], "j***@g***");
    let asked = ["UserMigration_ForgotPassword", "PreSignUp_AdminCreateUser"];
    assert_eq!(script.sources(), asked);
    let request = json!({ "validationData": null, "clientMetadata": { "k": "v" } });
    assert_eq!(script.events()[0]["request"], request);
    let input = json!({
        "ClientId": open, "Username": "jo", "Password": PASSWORD,
        "ConfirmationCode": stack.last_code_for("jo@gm.com"),
    });
    stack.ok("ConfirmForgotPassword", input).await;
    assert!(is_signed_in(&stack.ok("InitiateAuth", by_password(&open, "jo", PASSWORD)).await));
}

#[tokio::test]
async fn functions_are_asked_about_a_forgotten_password_only_so_often() {
    let stack = Stack::new().await;
    let (_, client) = asking(&stack, &[Trigger::UserMigration], json!({}), json!({})).await;
    stack.functions().respond(Trigger::UserMigration, json!({}));
    let input = json!({ "ClientId": client, "Username": "jo" });
    for _ in 0..20 {
        let refused = stack.refusal("ForgotPassword", input.clone()).await;
        assert_eq!(refused.0, "UserNotFoundException");
    }
    let refused = stack.refusal("ForgotPassword", input).await;
    assert_eq!(refused.0, "LimitExceededException");
    assert_eq!(stack.functions().events().len(), 20);
}
