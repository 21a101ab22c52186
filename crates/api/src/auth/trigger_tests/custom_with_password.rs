//! `CUSTOM_AUTH` that begins with a proof of the password.

use poolhouse_domain::triggers::Trigger;
use serde_json::{Value, json};

use super::{
    Prover, RESPOND, asking, begin, by_password, custom::CUSTOM, custom::ask_a_sum, is_signed_in,
    last_event, reply, wrong,
};
use crate::{
    testing::{PASSWORD, Stack, invalid, merged},
    totp::testing::{code, enrol, offer_totp},
};

/// Starts a sign-in as the clients of this flow do.
fn start(client: &str, username: &str, prover: &Prover) -> Value {
    let parameters = json!({
        "USERNAME": username, "CHALLENGE_NAME": "SRP_A", "SRP_A": prover.public(),
    });
    begin(client, "CUSTOM_AUTH", parameters)
}

/// The names and results of the challenges that the last event tells of.
#[track_caller]
fn past(stack: &Stack) -> String {
    let event = last_event(stack);
    let session = event["request"]["session"].as_array().expect("a session").clone();
    let shown = session.iter().map(|past| {
        let mark = if past["challengeResult"] == true { '+' } else { '-' };
        format!("{mark}{}", past["challengeName"].as_str().unwrap())
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_server_checks_the_proof_and_then_asks_on() {
    let stack = Stack::new().await;
    ask_a_sum(&stack);
    let (pool, client) = asking(&stack, &CUSTOM, json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let prover = Prover::new(&stack);
    let asked = stack.ok("InitiateAuth", start(&client, "ada", &prover)).await;
    assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
    assert!(asked["Session"].is_string());
    assert_eq!(past(&stack), "+SRP_A");
    let place = (pool.as_str(), client.as_str());
    let wrong_proof = prover.answer(&stack, place, &asked, "Wrong-Horse-7");
    stack.functions().clear();
    assert_eq!(stack.refusal(RESPOND, wrong_proof).await, wrong());
    assert!(stack.functions().events().is_empty());

    let asked = stack.ok("InitiateAuth", start(&client, "ada", &prover)).await;
    // pycognito sends no session.
    let proof = prover.answer(&stack, place, &asked, PASSWORD);
    let asked = stack.ok(RESPOND, merged(proof, json!({ "Session": null }))).await;
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE", "a password is not enough");
    assert_eq!(past(&stack), "+SRP_A +PASSWORD_VERIFIER");
    let signed_in =
        stack.ok(RESPOND, reply(&client, "ada", &asked, json!({ "ANSWER": "5" }))).await;
    assert!(is_signed_in(&signed_in));
    assert_eq!(past(&stack), "+SRP_A +PASSWORD_VERIFIER +CUSTOM_CHALLENGE");
}

#[tokio::test]
async fn second_factors_come_after_the_password_and_functions_learn_of_them() {
    let stack = Stack::new().await;
    ask_a_sum(&stack);
    let (pool, client) = asking(&stack, &CUSTOM, json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    offer_totp(&stack, &pool, "OPTIONAL").await;
    let secret = enrol(&stack, &client, "ada").await;
    stack.advance(60);
    let prover = Prover::new(&stack);
    let asked = stack.ok("InitiateAuth", start(&client, "ada", &prover)).await;
    let proof = prover.answer(&stack, (&pool, &client), &asked, PASSWORD);
    stack.functions().clear();
    let asked = stack.ok(RESPOND, proof).await;
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let wrong_code = reply(&client, "ada", &asked, json!({ "SOFTWARE_TOKEN_MFA_CODE": "000000" }));
    assert_eq!(stack.refusal(RESPOND, wrong_code).await.0, "CodeMismatchException");
    assert!(stack.functions().events().is_empty(), "functions wait for the second factor");
    let totp = json!({ "SOFTWARE_TOKEN_MFA_CODE": code(&stack, &secret, 0) });
    let asked = stack.ok(RESPOND, reply(&client, "ada", &asked, totp)).await;
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    assert_eq!(past(&stack), "+SRP_A +PASSWORD_VERIFIER +SOFTWARE_TOKEN_MFA");
    let signed_in =
        stack.ok(RESPOND, reply(&client, "ada", &asked, json!({ "ANSWER": "5" }))).await;
    assert!(is_signed_in(&signed_in));
}

#[tokio::test]
async fn a_temporary_password_is_replaced_on_the_way() {
    let stack = Stack::new().await;
    ask_a_sum(&stack);
    let (pool, client) = asking(&stack, &CUSTOM, json!({}), json!({})).await;
    let input = json!({
        "UserPoolId": pool, "Username": "ada", "TemporaryPassword": PASSWORD,
        "MessageAction": "SUPPRESS",
    });
    stack.ok("AdminCreateUser", input).await;
    let prover = Prover::new(&stack);
    let asked = stack.ok("InitiateAuth", start(&client, "ada", &prover)).await;
    let proof = prover.answer(&stack, (&pool, &client), &asked, PASSWORD);
    let asked = stack.ok(RESPOND, proof).await;
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let chosen = json!({ "NEW_PASSWORD": "Other-Horse-8" });
    let asked = stack.ok(RESPOND, reply(&client, "ada", &asked, chosen)).await;
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    assert_eq!(past(&stack), "+SRP_A +PASSWORD_VERIFIER +NEW_PASSWORD_REQUIRED");
    let signed_in =
        stack.ok(RESPOND, reply(&client, "ada", &asked, json!({ "ANSWER": "5" }))).await;
    assert!(is_signed_in(&signed_in));
}

#[tokio::test]
async fn nobody_gets_a_challenge_that_no_proof_answers() {
    let stack = Stack::new().await;
    ask_a_sum(&stack);
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let (pool, client) = asking(&stack, &CUSTOM, json!({}), hides).await;
    let prover = Prover::new(&stack);
    let asked = stack.ok("InitiateAuth", start(&client, "nobody", &prover)).await;
    assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
    assert_eq!(last_event(&stack)["request"]["userNotFound"], true);
    let proof = prover.answer(&stack, (&pool, &client), &asked, PASSWORD);
    assert_eq!(stack.refusal(RESPOND, proof).await, wrong());
}

#[tokio::test]
async fn a_device_can_be_remembered_after_a_password() {
    let stack = Stack::new().await;
    ask_a_sum(&stack);
    let config = json!({ "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": false } });
    let (pool, client) = asking(&stack, &CUSTOM, config, json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let prover = Prover::new(&stack);
    let asked = stack.ok("InitiateAuth", start(&client, "ada", &prover)).await;
    let proof = prover.answer(&stack, (&pool, &client), &asked, PASSWORD);
    let asked = stack.ok(RESPOND, proof).await;
    let signed_in =
        stack.ok(RESPOND, reply(&client, "ada", &asked, json!({ "ANSWER": "5" }))).await;
    assert!(signed_in["AuthenticationResult"]["NewDeviceMetadata"].is_object());
}

#[tokio::test]
async fn its_proofs_are_no_proofs_elsewhere_and_its_parameters_must_be_there() {
    let stack = Stack::new().await;
    ask_a_sum(&stack);
    let (pool, client) = asking(&stack, &CUSTOM, json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let without = json!({ "USERNAME": "ada", "CHALLENGE_NAME": "SRP_A" });
    let refused = stack.refusal("InitiateAuth", begin(&client, "CUSTOM_AUTH", without)).await;
    assert_eq!(refused, invalid("Missing required parameter SRP_A"));
    let bad = json!({ "USERNAME": "ada", "CHALLENGE_NAME": "SRP_A", "SRP_A": "xyz" });
    let refused = stack.refusal("InitiateAuth", begin(&client, "CUSTOM_AUTH", bad)).await;
    assert_eq!(refused, invalid("SRP_A is not a hexadecimal number."));
    // A plain sign-in asks no function of these.
    stack.functions().clear();
    assert!(is_signed_in(&stack.ok("InitiateAuth", by_password(&client, "ada", PASSWORD)).await));
    assert!(stack.functions().events().is_empty());
    let define = json!({ "challengeName": "CUSTOM_CHALLENGE" });
    stack.functions().respond(Trigger::DefineAuthChallenge, define);
    let prover = Prover::new(&stack);
    let asked = stack.ok("InitiateAuth", start(&client, "ada", &prover)).await;
    assert_eq!(asked["ChallengeName"], "CUSTOM_CHALLENGE");
    let later = json!({ "challengeName": "PASSWORD_VERIFIER" });
    stack.functions().respond(Trigger::DefineAuthChallenge, later);
    let refused =
        stack.refusal(RESPOND, reply(&client, "ada", &asked, json!({ "ANSWER": "5" }))).await;
    assert_eq!(refused.0, "InvalidLambdaResponseException");
}
