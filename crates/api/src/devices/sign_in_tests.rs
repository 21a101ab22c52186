//! Signing in where devices are tracked, over the whole stack.

use std::{net::IpAddr, time::Duration};

use poolhouse_domain::{
    caller::Caller,
    srp::{
        Party,
        client::{ChallengeParameters, Client, timestamp},
    },
    triggers::Trigger,
};
use serde_json::{Value, json};

use super::testing::{ALWAYS, OPT_IN, Phone, confirmed, names, tracking};
use crate::{
    testing::{PASSWORD, Stack, claims, error, invalid, merged, text},
    totp::testing::{answer_to, code, enrol, offer_totp, start},
};

const RESPOND: &str = "RespondToAuthChallenge";

fn gone() -> (String, String) {
    error("ResourceNotFoundException", "Device does not exist.")
}

fn wrong() -> (String, String) {
    error("NotAuthorizedException", "Incorrect username or password.")
}

fn bad_refresh_token() -> (String, String) {
    error("NotAuthorizedException", "Invalid Refresh Token.")
}

/// A pool where everybody needs TOTP, with a user who has it and a remembered device. The clock
/// stands where the present code has not been used.
async fn with_totp(stack: &Stack, configuration: Value) -> (String, String, Phone, String) {
    let (pool, client) = tracking(stack, configuration).await;
    stack.user(&pool, "ada", &[]).await;
    let (phone, tokens) = confirmed(stack, &client, "ada").await;
    let input = json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": phone.key,
                        "DeviceRememberedStatus": "remembered" });
    stack.ok("UpdateDeviceStatus", input).await;
    offer_totp(stack, &pool, "OPTIONAL").await;
    let secret = enrol(stack, &client, "ada").await;
    offer_totp(stack, &pool, "ON").await;
    (pool, client, phone, secret)
}

#[tokio::test]
async fn a_sign_in_draws_a_device_key_which_the_access_token_tells() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
    stack.user(&pool, "ada", &[]).await;
    let (first, second) = (stack.tokens(&client, "ada").await, stack.tokens(&client, "ada").await);
    let metadata = &first["NewDeviceMetadata"];
    let (key, group) = (text(&metadata["DeviceKey"]), text(&metadata["DeviceGroupKey"]));
    assert!(key.starts_with("us-east-1_") && key.len() == 46, "{key}");
    assert!(group.starts_with('-') && group.len() == 9, "{group}");
    assert_eq!(group, text(&second["NewDeviceMetadata"]["DeviceGroupKey"]));
    assert_ne!(key, text(&second["NewDeviceMetadata"]["DeviceKey"]));
    assert_eq!(claims(&first["AccessToken"])["device_key"], key);
    assert_eq!(claims(&first["IdToken"])["device_key"], Value::Null);
    let list = json!({ "UserPoolId": pool, "Username": "ada" });
    assert_eq!(stack.ok("AdminListDevices", list).await, json!({ "Devices": [] }));
}

#[tokio::test]
async fn neither_without_tracking_nor_on_a_new_device_does_a_sign_in_write() {
    let stack = Stack::new().await;
    let untracked = stack.pool(json!({})).await;
    let untracked_client = stack.client(&untracked, json!({})).await;
    let (tracked, tracked_client) = tracking(&stack, json!(ALWAYS)).await;
    for (pool, client, is_tracked) in
        [(untracked, untracked_client, false), (tracked, tracked_client, true)]
    {
        stack.user(&pool, "ada", &[]).await;
        // Nobody else can write now.
        let writer = stack.ports.store.write().await.unwrap();
        let sign_in = stack.tokens(&client, "ada");
        let tokens = tokio::time::timeout(Duration::from_secs(20), sign_in).await.unwrap();
        drop(writer);
        assert_eq!(tokens.get("NewDeviceMetadata").is_some(), is_tracked);
        assert_eq!(claims(&tokens["AccessToken"]).get("device_key").is_some(), is_tracked);
    }
}

#[tokio::test]
async fn keys_that_nobody_asked_for_are_not_carried_along() {
    let stack = Stack::new().await;
    let pool = stack.pool(json!({})).await;
    let client = stack.client(&pool, json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    offer_totp(&stack, &pool, "ON").await;
    let long = "0".repeat(100_000);
    let parameters = json!({ "USERNAME": "ada", "PASSWORD": PASSWORD, "DEVICE_KEY": long });
    let flow = "USER_PASSWORD_AUTH";
    let input = json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
    let asked = stack.ok("InitiateAuth", input.clone()).await;
    assert!(text(&asked["Session"]).len() < 4_096);
    // Where devices are tracked, it is one that nobody has.
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    let input = merged(input, json!({ "ClientId": client }));
    assert_eq!(stack.refusal("InitiateAuth", input).await, gone());
    let parameters = json!({ "USERNAME": "ada", "SRP_A": "2", "DEVICE_KEY": long });
    let input =
        json!({ "ClientId": client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters });
    let challenge = stack.ok("InitiateAuth", input).await;
    assert!(text(&challenge["ChallengeParameters"]["SECRET_BLOCK"]).len() < 10_000);
}

#[tokio::test]
async fn a_refresh_token_works_only_with_its_confirmed_device() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
    stack.user(&pool, "ada", &[]).await;
    let (other, _) = confirmed(&stack, &client, "ada").await;
    let tokens = stack.tokens(&client, "ada").await;
    let phone = Phone::new(&stack, &tokens);
    let by_flow = |key: Option<&str>| {
        let parameters = json!({ "REFRESH_TOKEN": tokens["RefreshToken"], "DEVICE_KEY": key });
        let input = json!({ "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH",
                            "AuthParameters": parameters });
        ("InitiateAuth", input)
    };
    let by_operation = |key: Option<&str>| {
        let input = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"],
                            "DeviceKey": key });
        ("GetTokensFromRefreshToken", input)
    };
    for (operation, input) in [by_flow(Some(&phone.key)), by_operation(Some(&phone.key))] {
        assert_eq!(stack.refusal(operation, input).await, bad_refresh_token());
    }
    stack.ok("ConfirmDevice", phone.confirmation(&tokens)).await;
    for key in [None, Some(other.key.as_str())] {
        for (operation, input) in [by_flow(key), by_operation(key)] {
            assert_eq!(stack.refusal(operation, input).await, bad_refresh_token());
        }
    }
    for (operation, input) in [by_flow(Some(&phone.key)), by_operation(Some(&phone.key))] {
        let answer = stack.ok(operation, input).await;
        let result = &answer["AuthenticationResult"];
        assert_eq!(claims(&result["AccessToken"])["device_key"], phone.key);
        assert!(result.get("NewDeviceMetadata").is_none());
    }
    // Without tracking nobody asks for the key.
    stack.ok("UpdateUserPool", json!({ "UserPoolId": pool })).await;
    let (operation, input) = by_operation(None);
    stack.ok(operation, input).await;
}

#[tokio::test]
async fn a_remembered_device_proves_itself_instead_of_mfa() {
    let stack = Stack::new().await;
    let (pool, client, phone, _) = with_totp(&stack, json!(ALWAYS)).await;
    assert_eq!(start(&stack, &client, "ada").await["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    stack.advance(60);
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    let session = &asked["Session"];
    assert!(session.is_string());
    assert_eq!(
        asked,
        json!({ "ChallengeName": "DEVICE_SRP_AUTH", "ChallengeParameters": {}, "Session": session })
    );
    let challenge = stack.ok(RESPOND, phone.answer(&client, "ada", session)).await;
    assert_eq!(challenge["ChallengeName"], "DEVICE_PASSWORD_VERIFIER");
    assert!(challenge["Session"].is_string());
    let given = &challenge["ChallengeParameters"];
    let names: Vec<_> = given.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["DEVICE_KEY", "SALT", "SECRET_BLOCK", "SRP_B", "USERNAME"]);
    assert_eq!((&given["DEVICE_KEY"], &given["USERNAME"]), (&json!(phone.key), &json!("ada")));
    assert!(text(&given["SALT"]).starts_with("f007"));
    let proof = phone.proof(&stack, &client, &challenge);
    let answer = stack.ok(RESPOND, proof.clone()).await;
    let tokens = &answer["AuthenticationResult"];
    assert_eq!(answer["ChallengeParameters"], json!({}));
    assert!(tokens.get("NewDeviceMetadata").is_none() && tokens["RefreshToken"].is_string());
    assert_eq!(claims(&tokens["AccessToken"])["device_key"], phone.key);
    let spent = "Invalid session for the user, session can only be used once.";
    assert_eq!(stack.refusal(RESPOND, proof).await, error("NotAuthorizedException", spent));
    let input = json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": phone.key });
    let device = &stack.ok("AdminGetDevice", input).await["Device"];
    assert_eq!(device["DeviceLastAuthenticatedDate"], 1_767_225_690.0);
    assert_eq!(device["DeviceLastModifiedDate"], 1_767_225_690.123);
}

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

#[tokio::test]
async fn functions_are_asked_when_the_device_has_proved_itself() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    let functions = json!({ "PostAuthentication": FUNCTION, "PreTokenGeneration": FUNCTION });
    let devices = json!(ALWAYS);
    let input = json!({
        "UserPoolId": pool, "LambdaConfig": functions, "DeviceConfiguration": devices,
    });
    stack.ok("UpdateUserPool", input).await;
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    assert!(stack.functions().sources().is_empty());
    phone.prove(&stack, &client, "ada", &asked).await;
    let sources = ["PostAuthentication_Authentication", "TokenGeneration_AuthenticateDevice"];
    assert_eq!(stack.functions().sources(), sources);
    assert_eq!(stack.functions().events()[0]["request"]["newDeviceUsed"], false);
}

#[tokio::test]
async fn a_custom_sign_in_can_ask_for_a_device() {
    let stack = Stack::new().await;
    let (pool, _) = tracking(&stack, json!(ALWAYS)).await;
    let flows =
        json!(["ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]);
    let client = stack.client(&pool, json!({ "ExplicitAuthFlows": flows })).await;
    stack.user(&pool, "ada", &[]).await;
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    let functions = json!({ "DefineAuthChallenge": FUNCTION });
    let input = json!({
        "UserPoolId": pool, "LambdaConfig": functions, "DeviceConfiguration": ALWAYS,
    });
    stack.ok("UpdateUserPool", input).await;
    // Asked for by the function, and after it has decided.
    for asks in [true, false] {
        stack.functions().clear();
        stack.functions().script(Trigger::DefineAuthChallenge, move |event| {
            Ok(match event["request"]["session"].as_array().unwrap().len() {
                0 if asks => json!({ "challengeName": "DEVICE_SRP_AUTH" }),
                0 | 2 => json!({ "issueTokens": true }),
                _ => json!({ "failAuthentication": true }),
            })
        });
        let parameters = json!({ "USERNAME": "ada", "DEVICE_KEY": phone.key });
        let flow = "CUSTOM_AUTH";
        let input = json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
        let asked = stack.ok("InitiateAuth", input).await;
        let tokens = phone.prove(&stack, &client, "ada", &asked).await;
        assert!(tokens["AccessToken"].is_string());
        let events = stack.functions().events();
        assert_eq!(events.len(), if asks { 2 } else { 1 });
        if let [_, last] = &*events {
            let names: Vec<_> = last["request"]["session"]
                .as_array()
                .unwrap()
                .iter()
                .map(|past| text(&past["challengeName"]))
                .collect();
            assert_eq!(names, ["DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"]);
        }
    }
}

#[tokio::test]
async fn a_device_that_does_not_replace_mfa_proves_itself_after_it() {
    let stack = Stack::new().await;
    let configuration = json!({ "ChallengeRequiredOnNewDevice": false });
    let (_, client, phone, secret) = with_totp(&stack, configuration).await;
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    // The device cannot jump the queue.
    let input = phone.answer(&client, "ada", &asked["Session"]);
    let refused = stack.refusal(RESPOND, input).await;
    assert_eq!(refused, error("NotAuthorizedException", "Invalid session for the user."));
    let totp = code(&stack, &secret, 0);
    let input = answer_to(&client, &asked, "SOFTWARE_TOKEN_MFA_CODE", &totp);
    let proof = stack.ok(RESPOND, input).await;
    // amazon-cognito-identity-js goes on with the session of the MFA challenge.
    let stale = merged(proof, json!({ "Session": asked["Session"] }));
    let tokens = phone.prove(&stack, &client, "ada", &stale).await;
    assert!(tokens.get("NewDeviceMetadata").is_none());
}

#[tokio::test]
async fn a_device_that_is_not_remembered_passes_mfa_and_keeps_its_key() {
    let stack = Stack::new().await;
    let (pool, client, phone, secret) = with_totp(&stack, json!(ALWAYS)).await;
    let input = json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": phone.key,
                        "DeviceRememberedStatus": "not_remembered" });
    stack.ok("AdminUpdateDeviceStatus", input).await;
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let totp = code(&stack, &secret, 0);
    let input = answer_to(&client, &asked, "SOFTWARE_TOKEN_MFA_CODE", &totp);
    let answer = stack.ok(RESPOND, input).await;
    let tokens = &answer["AuthenticationResult"];
    assert!(tokens.get("NewDeviceMetadata").is_none());
    assert_eq!(claims(&tokens["AccessToken"])["device_key"], phone.key);
}

#[tokio::test]
async fn mfa_on_an_unknown_device_ends_with_a_new_key() {
    let stack = Stack::new().await;
    let (pool, client, _, secret) = with_totp(&stack, json!(ALWAYS)).await;
    let asked = start(&stack, &client, "ada").await;
    let totp = code(&stack, &secret, 0);
    let input = answer_to(&client, &asked, "SOFTWARE_TOKEN_MFA_CODE", &totp);
    let mut unknown = input.clone();
    unknown["ChallengeResponses"]["DEVICE_KEY"] = json!("us-east-1_0");
    assert_eq!(stack.refusal(RESPOND, unknown).await, gone());
    // Neither the code nor the session were used up.
    let answer = stack.ok(RESPOND, input).await;
    let tokens = &answer["AuthenticationResult"];
    let phone = Phone::new(&stack, tokens);
    stack.ok("ConfirmDevice", phone.confirmation(tokens)).await;
    let list = json!({ "UserPoolId": pool, "Username": "ada" });
    assert!(names(&stack.ok("AdminListDevices", list).await).contains(&phone.key));
}

#[tokio::test]
async fn without_mfa_a_remembered_device_proves_itself_all_the_same() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!({ "ChallengeRequiredOnNewDevice": false })).await;
    stack.user(&pool, "ada", &[]).await;
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    let tokens = phone.prove(&stack, &client, "ada", &asked).await;
    assert_eq!(claims(&tokens["AccessToken"])["device_key"], phone.key);
}

#[tokio::test]
async fn an_unknown_device_is_told_only_after_the_right_password() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    let input = json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": phone.key });
    stack.call("AdminForgetDevice", input).await;
    let sign_in = phone.sign_in(&client, "ada");
    assert_eq!(stack.refusal("InitiateAuth", sign_in.clone()).await, gone());
    let mut guess = sign_in.clone();
    guess["AuthParameters"]["PASSWORD"] = json!("Wrong-Donkey-3");
    assert_eq!(stack.refusal("InitiateAuth", guess).await, wrong());
    let admin =
        merged(sign_in, json!({ "UserPoolId": pool, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH" }));
    assert_eq!(stack.refusal("AdminInitiateAuth", admin).await, gone());
    assert!(stack.tokens(&client, "ada").await["NewDeviceMetadata"].is_object());
}

/// The SRP sign-in of a user up to the answer to `PASSWORD_VERIFIER`, which names no device.
async fn srp(stack: &Stack, pool: &str, client: &str, device_key: Option<&str>) -> Value {
    let srp = Client::new(&*stack.ports.entropy);
    let parameters = json!({ "USERNAME": "ada", "SRP_A": srp.public_hex(),
                             "DEVICE_KEY": device_key });
    let input =
        json!({ "ClientId": client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters });
    let challenge = stack.ok("InitiateAuth", input).await;
    let given = &challenge["ChallengeParameters"];
    let parameters = ChallengeParameters {
        salt: &text(&given["SALT"]),
        srp_b: &text(&given["SRP_B"]),
        secret_block: &text(&given["SECRET_BLOCK"]),
    };
    let timestamp = timestamp(stack.ports.clock.now()).unwrap();
    let party = Party::user(pool, "ada");
    let signature = srp.sign(party, PASSWORD, &parameters, &timestamp).unwrap();
    json!({
        "ClientId": client, "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeResponses": {
            "USERNAME": "ada", "TIMESTAMP": timestamp, "PASSWORD_CLAIM_SIGNATURE": signature,
            "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
        },
    })
}

#[tokio::test]
async fn after_an_unknown_device_the_same_srp_answer_works_without_it() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    // Not even a stale key in the first request stands in the way.
    let answer = srp(&stack, &pool, &client, Some("us-east-1_0")).await;
    let mut named = answer.clone();
    named["ChallengeResponses"]["DEVICE_KEY"] = json!("us-east-1_0");
    assert_eq!(stack.refusal(RESPOND, named).await, gone());
    let tokens = &stack.ok(RESPOND, answer).await["AuthenticationResult"];
    assert!(tokens["NewDeviceMetadata"].is_object());
}

#[tokio::test]
async fn a_device_named_at_either_srp_step_is_asked_for_its_proof() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    let early = srp(&stack, &pool, &client, Some(&phone.key)).await;
    let mut late = srp(&stack, &pool, &client, None).await;
    late["ChallengeResponses"]["DEVICE_KEY"] = json!(phone.key);
    for answer in [early, late] {
        let asked = stack.ok(RESPOND, answer).await;
        phone.prove(&stack, &client, "ada", &asked).await;
    }
}

#[tokio::test]
async fn a_wrong_proof_ends_the_sign_in() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    let (mut phone, _) = confirmed(&stack, &client, "ada").await;
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    let input = phone.answer(&client, "ada", &asked["Session"]);
    let challenge = stack.ok(RESPOND, input.clone()).await;
    let right = phone.proof(&stack, &client, &challenge);
    phone.password.push('x');
    let proof = phone.proof(&stack, &client, &challenge);
    assert_eq!(stack.refusal(RESPOND, proof).await, wrong());
    let spent = "Invalid session for the user, session can only be used once.";
    for again in [right, input] {
        assert_eq!(stack.refusal(RESPOND, again).await, error("NotAuthorizedException", spent));
    }
}

#[tokio::test]
async fn a_device_password_without_a_sign_in_that_waits_for_it_opens_nothing() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    let bare = phone.answer(&client, "ada", &Value::Null);
    let missing = invalid("Missing required parameter Session");
    assert_eq!(stack.refusal(RESPOND, bare.clone()).await, missing);
    // While one waits, the session may be left out, as pycognito does.
    stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    let other_client = stack.client(&pool, json!({})).await;
    let elsewhere = merged(bare.clone(), json!({ "ClientId": other_client }));
    assert_eq!(stack.refusal(RESPOND, elsewhere).await, missing);
    let asked = json!({ "ChallengeName": "DEVICE_SRP_AUTH" });
    phone.prove(&stack, &client, "ada", &asked).await;
    assert_eq!(stack.refusal(RESPOND, bare.clone()).await, missing);
    for (key, value) in [("USERNAME", "nobody"), ("DEVICE_KEY", "us-east-1_0")] {
        let mut other = bare.clone();
        other["ChallengeResponses"][key] = json!(value);
        assert_eq!(stack.refusal(RESPOND, other).await, gone());
    }
    stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    stack.advance(180);
    let expired = "Invalid session for the user, session is expired.";
    assert_eq!(stack.refusal(RESPOND, bare).await, error("NotAuthorizedException", expired));
}

#[tokio::test]
async fn a_device_that_is_forgotten_or_not_remembered_meanwhile_proves_nothing() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    for operation in ["AdminUpdateDeviceStatus", "AdminForgetDevice"] {
        let (phone, _) = confirmed(&stack, &client, "ada").await;
        let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
        let input = phone.answer(&client, "ada", &asked["Session"]);
        let challenge = stack.ok(RESPOND, input.clone()).await;
        let change = json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": phone.key,
                             "DeviceRememberedStatus": "not_remembered" });
        assert_eq!(stack.call(operation, change).await.status, 200);
        let proof = phone.proof(&stack, &client, &challenge);
        for late in [proof, input] {
            assert_eq!(stack.refusal(RESPOND, late).await, gone(), "{operation}");
        }
    }
}

#[tokio::test]
async fn a_proof_is_one_of_its_own_device_user_and_client() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    stack.user(&pool, "eve", &[]).await;
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    let (laptop, _) = confirmed(&stack, &client, "ada").await;
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    // The session is one for the phone.
    let refused = stack.refusal(RESPOND, laptop.answer(&client, "ada", &asked["Session"])).await;
    assert_eq!(refused, error("NotAuthorizedException", "Invalid session for the user."));
    let input = phone.answer(&client, "ada", &asked["Session"]);
    let challenge = stack.ok(RESPOND, input).await;
    let proof = phone.proof(&stack, &client, &challenge);
    let other_client = stack.client(&pool, json!({})).await;
    let elsewhere = merged(proof.clone(), json!({ "ClientId": other_client }));
    assert_eq!(stack.refusal(RESPOND, elsewhere).await, wrong());
    let mut other = proof.clone();
    other["ChallengeResponses"]["DEVICE_KEY"] = json!(laptop.key);
    assert_eq!(stack.refusal(RESPOND, other).await, wrong());
    let mut other = proof.clone();
    other["ChallengeResponses"]["USERNAME"] = json!("eve");
    let refused = stack.refusal(RESPOND, other).await;
    assert_eq!(refused, error("NotAuthorizedException", "Invalid session for the user."));
    for missing in ["DEVICE_KEY", "TIMESTAMP", "PASSWORD_CLAIM_SIGNATURE"] {
        let mut other = proof.clone();
        other["ChallengeResponses"][missing] = Value::Null;
        let expected = invalid(&format!("Missing required parameter {missing}"));
        assert_eq!(stack.refusal(RESPOND, other).await, expected);
    }
    // None of these used it up.
    stack.ok(RESPOND, proof).await;
}

#[tokio::test]
async fn a_first_password_comes_before_the_device() {
    let stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    let input = json!({ "UserPoolId": pool, "Username": "ada", "Password": PASSWORD,
                        "Permanent": false });
    stack.ok("AdminSetUserPassword", input).await;
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let input = answer_to(&client, &asked, "NEW_PASSWORD", "Battery-Staple-9");
    let asked = stack.ok(RESPOND, input).await;
    phone.prove(&stack, &client, "ada", &asked).await;
}

#[tokio::test]
async fn a_client_with_a_secret_hashes_at_each_step() {
    let stack = Stack::new().await;
    let (pool, _) = tracking(&stack, json!(ALWAYS)).await;
    let input = json!({ "UserPoolId": pool, "ClientName": "safe", "GenerateSecret": true,
                        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let made = stack.ok("CreateUserPoolClient", input).await;
    let (client, secret) =
        (text(&made["UserPoolClient"]["ClientId"]), text(&made["UserPoolClient"]["ClientSecret"]));
    let hash = poolhouse_domain::secret_hash::compute(&secret, "ada", &client);
    stack.user(&pool, "ada", &[]).await;
    let parameters = json!({ "USERNAME": "ada", "PASSWORD": PASSWORD, "SECRET_HASH": hash });
    let input = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
                        "AuthParameters": parameters });
    let tokens = &stack.ok("InitiateAuth", input).await["AuthenticationResult"];
    let phone = Phone::new(&stack, tokens);
    stack.ok("ConfirmDevice", phone.confirmation(tokens)).await;
    let mut input = phone.sign_in(&client, "ada");
    input["AuthParameters"]["SECRET_HASH"] = json!(hash);
    let asked = stack.ok("InitiateAuth", input).await;
    let message =
        format!("Client {client} is configured with secret but SECRET_HASH was not received");
    let expected = error("NotAuthorizedException", &message);
    let mut input = phone.answer(&client, "ada", &asked["Session"]);
    assert_eq!(stack.refusal(RESPOND, input.clone()).await, expected);
    input["ChallengeResponses"]["SECRET_HASH"] = json!(hash);
    let challenge = stack.ok(RESPOND, input).await;
    let mut proof = phone.proof(&stack, &client, &challenge);
    assert_eq!(stack.refusal(RESPOND, proof.clone()).await, expected);
    proof["ChallengeResponses"]["SECRET_HASH"] = json!(hash);
    stack.ok(RESPOND, proof).await;
}

#[tokio::test]
async fn the_address_of_the_last_sign_in_is_kept() {
    let mut stack = Stack::new().await;
    let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
    stack.user(&pool, "ada", &[]).await;
    let from = |address: &str| Some(address.parse::<IpAddr>().unwrap());
    stack.ports.caller.ip = from("192.0.2.1");
    let (phone, tokens) = confirmed(&stack, &client, "ada").await;
    let input = json!({ "AccessToken": tokens["AccessToken"] });
    let shown = |answer: Value| answer["Devices"][0]["DeviceAttributes"][2].clone();
    let listed = shown(stack.ok("ListDevices", input.clone()).await);
    assert_eq!(listed, json!({ "Name": "last_ip_used", "Value": "192.0.2.1" }));
    stack.ports.caller.ip = from("2001:db8::7");
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    phone.prove(&stack, &client, "ada", &asked).await;
    let listed = shown(stack.ok("ListDevices", input).await);
    assert_eq!(listed, json!({ "Name": "last_ip_used", "Value": "2001:db8::7" }));
}

#[tokio::test]
async fn a_device_does_not_stand_in_where_the_risk_demands_a_second_factor() {
    let mut stack = Stack::new().await;
    let protected = json!({
        "DeviceConfiguration": ALWAYS, "UserPoolTier": "PLUS",
        "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" },
    });
    let pool = stack.pool(protected).await;
    let client = stack.client(&pool, json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    stack.ports.caller = Caller::new("192.0.2.1".parse().ok(), Some("curl/8.5"));
    let (phone, _) = confirmed(&stack, &client, "ada").await;
    offer_totp(&stack, &pool, "OPTIONAL").await;
    let secret = enrol(&stack, &client, "ada").await;
    let action = json!({ "Notify": false, "EventAction": "MFA_REQUIRED" });
    let actions = json!({ "LowAction": action, "MediumAction": action, "HighAction": action });
    let input = json!({
        "UserPoolId": pool, "AccountTakeoverRiskConfiguration": { "Actions": actions },
    });
    stack.ok("SetRiskConfiguration", input).await;
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    assert_eq!(asked["ChallengeName"], "DEVICE_SRP_AUTH", "without risk it does");
    stack.ports.caller = Caller::new("203.0.113.1".parse().ok(), Some("Wget/1"));
    let asked = stack.ok("InitiateAuth", phone.sign_in(&client, "ada")).await;
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let shown = answer_to(&client, &asked, "SOFTWARE_TOKEN_MFA_CODE", &code(&stack, &secret, 0));
    let asked = stack.ok(RESPOND, shown).await;
    let tokens = phone.prove(&stack, &client, "ada", &asked).await;
    assert!(tokens["AccessToken"].is_string());
}
