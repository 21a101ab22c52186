//! `CUSTOM_AUTH` without a password.

use poolhouse_domain::triggers::Trigger;
use serde_json::{Value, json};

use super::{
    RESPOND, asking, begin, functions, is_signed_in, last_event, reply, spent, thrown, wrong,
};
use crate::testing::{Stack, claims, error, invalid, merged, text};

pub(super) const CUSTOM: [Trigger; 3] = [
    Trigger::DefineAuthChallenge,
    Trigger::CreateAuthChallenge,
    Trigger::VerifyAuthChallengeResponse,
];
const DEFINE: &str = "DefineAuthChallenge_Authentication";
const CREATE: &str = "CreateAuthChallenge_Authentication";
const VERIFY: &str = "VerifyAuthChallengeResponse_Authentication";
const POST: &str = "PostAuthentication_Authentication";
const GENERATED: &str = "TokenGeneration_Authentication";

/// Functions that ask for 4 + 1: two wrong answers are one too many.
pub(super) fn ask_a_sum(stack: &Stack) {
    let script = stack.functions();
    script.script(Trigger::DefineAuthChallenge, |event| {
        let session = event["request"]["session"].as_array().unwrap();
        let is_right = |past: &Value| past["challengeResult"] == true;
        Ok(match session.last() {
            Some(last) if last["challengeName"] == "CUSTOM_CHALLENGE" && is_right(last) => {
                json!({ "issueTokens": true, "failAuthentication": false })
            }
            _ if session.iter().filter(|past| !is_right(past)).count() == 2 => {
                // What fails, fails, whatever else is said.
                json!({ "issueTokens": true, "failAuthentication": true })
            }
            Some(last) if last["challengeName"] == "SRP_A" => {
                json!({ "challengeName": "PASSWORD_VERIFIER", "issueTokens": false })
            }
            _ => json!({ "challengeName": "CUSTOM_CHALLENGE" }),
        })
    });
    let created = json!({
        "publicChallengeParameters": { "question": "4 + 1", "USERNAME": "nonsense" },
        "privateChallengeParameters": { "answer": "5" }, "challengeMetadata": "SUM",
    });
    script.respond(Trigger::CreateAuthChallenge, created);
    script.script(Trigger::VerifyAuthChallengeResponse, |event| {
        let request = &event["request"];
        let right = &request["privateChallengeParameters"]["answer"];
        Ok(json!({ "answerCorrect": request["challengeAnswer"] == *right }))
    });
}

pub(super) fn start(client: &str, username: &str) -> Value {
    begin(client, "CUSTOM_AUTH", json!({ "USERNAME": username }))
}

fn answer(client: &str, username: &str, asked: &Value, answer: &str) -> Value {
    reply(client, username, asked, json!({ "ANSWER": answer }))
}

/// A pool whose functions ask for a sum, and a client.
async fn summing(stack: &Stack, more: &[Trigger], client: Value) -> (String, String) {
    ask_a_sum(stack);
    asking(stack, &[&CUSTOM, more].concat(), json!({}), client).await
}

#[tokio::test]
async fn functions_define_create_and_verify_until_they_have_enough() {
    let stack = Stack::new().await;
    let more =
        [Trigger::PreAuthentication, Trigger::PostAuthentication, Trigger::PreTokenGeneration];
    let (pool, client) = summing(&stack, &more, json!({})).await;
    let sub = stack.user(&pool, "ada", &[]).await;
    let script = stack.functions();
    let input = merged(start(&client, "ada"), json!({ "ClientMetadata": { "k": "start" } }));
    let first = stack.ok("InitiateAuth", input).await;
    assert_eq!(first["ChallengeName"], "CUSTOM_CHALLENGE");
    let parameters = json!({ "question": "4 + 1", "USERNAME": "ada" });
    assert_eq!(first["ChallengeParameters"], parameters);
    let attributes = json!({ "sub": sub, "cognito:user_status": "CONFIRMED" });
    let event = |source: &str, request: Value, response: Value| {
        json!({
            "version": "1", "region": "us-east-1", "userPoolId": pool, "userName": "ada",
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client },
            "triggerSource": source, "request": request, "response": response,
        })
    };
    let undefined =
        json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null });
    let uncreated = json!({
        "publicChallengeParameters": null, "privateChallengeParameters": null,
        "challengeMetadata": null,
    });
    let request = json!({ "userAttributes": attributes, "session": [] });
    let creating = merged(request.clone(), json!({ "challengeName": "CUSTOM_CHALLENGE" }));
    let expected = [event(DEFINE, request, undefined), event(CREATE, creating, uncreated.clone())];
    assert_eq!(script.events(), expected);

    script.clear();
    let wrong_answer = answer(&client, "ada", &first, "6");
    let metadata = json!({ "ClientMetadata": { "k": "v" } });
    let second = stack.ok(RESPOND, merged(wrong_answer.clone(), metadata)).await;
    assert_eq!(second["ChallengeName"], "CUSTOM_CHALLENGE");
    assert_ne!(second["Session"], first["Session"]);
    assert_eq!(stack.refusal(RESPOND, wrong_answer).await, spent());
    assert_eq!(script.sources(), [VERIFY, DEFINE, CREATE]);
    let common = json!({ "userAttributes": attributes, "clientMetadata": { "k": "v" } });
    let verifying = json!({
        "privateChallengeParameters": { "answer": "5" }, "challengeAnswer": "6",
    });
    let verifying = merged(common.clone(), verifying);
    let past = json!([{
        "challengeName": "CUSTOM_CHALLENGE", "challengeResult": false, "challengeMetadata": "SUM",
    }]);
    assert_eq!(script.events()[0], event(VERIFY, verifying, json!({ "answerCorrect": null })));
    assert_eq!(script.events()[1]["request"], merged(common, json!({ "session": past })));
    assert_eq!(script.events()[2]["request"]["session"], past);

    script.clear();
    let signed_in = stack.ok(RESPOND, answer(&client, "ada", &second, "5")).await;
    assert!(is_signed_in(&signed_in));
    assert_eq!(script.sources(), [VERIFY, DEFINE, POST, GENERATED]);
    assert_eq!(claims(&signed_in["AuthenticationResult"]["IdToken"])["sub"], json!(sub));
    let again = answer(&client, "ada", &second, "5");
    assert_eq!(stack.refusal(RESPOND, again).await, spent());
}

#[tokio::test]
async fn what_fails_is_a_wrong_password_and_ends_the_sign_in() {
    let stack = Stack::new().await;
    let (pool, client) = summing(&stack, &[], json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
    let asked = stack.ok(RESPOND, answer(&client, "ada", &asked, "1")).await;
    assert_eq!(stack.refusal(RESPOND, answer(&client, "ada", &asked, "2")).await, wrong());
    assert_eq!(stack.refusal(RESPOND, answer(&client, "ada", &asked, "5")).await, spent());
}

#[tokio::test]
async fn nobody_goes_through_the_same_steps_and_never_gets_in() {
    let stack = Stack::new().await;
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let (pool, hiding) = summing(&stack, &[Trigger::PostAuthentication], hides).await;
    let flows = json!({ "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] });
    let open = stack.client(&pool, flows).await;
    stack.user(&pool, "ada", &[]).await;
    let refused = stack.refusal("InitiateAuth", start(&open, "nobody")).await;
    assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
    assert!(stack.functions().events().is_empty());

    for name in ["nobody", "ada"] {
        stack.functions().clear();
        let asked = stack.ok("InitiateAuth", start(&hiding, name)).await;
        let parameters = json!({ "question": "4 + 1", "USERNAME": name });
        assert_eq!(asked["ChallengeParameters"], parameters);
        let answered = stack.call(RESPOND, answer(&hiding, name, &asked, "5")).await.body;
        let events = stack.functions().events();
        let asked: Vec<_> = events.iter().take(4).map(|e| text(&e["triggerSource"])).collect();
        assert_eq!(asked, [DEFINE, CREATE, VERIFY, DEFINE]);
        for event in events.iter().take(4) {
            assert_eq!(event["request"]["userNotFound"], name == "nobody");
            assert_eq!(event["userName"], name);
        }
        if name == "ada" {
            assert!(is_signed_in(&answered));
        } else {
            assert_eq!(answered["message"], wrong().1);
            assert_eq!(events.len(), 4);
            assert_eq!(events[0]["request"]["userAttributes"], json!({}));
        }
    }
}

#[tokio::test]
async fn tokens_can_come_at_once() {
    let stack = Stack::new().await;
    let more = [Trigger::PostAuthentication, Trigger::PreTokenGeneration];
    let (pool, client) = summing(&stack, &more, json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    stack.functions().respond(Trigger::DefineAuthChallenge, json!({ "issueTokens": true }));
    assert!(is_signed_in(&stack.ok("InitiateAuth", start(&client, "ada")).await));
    assert_eq!(stack.functions().sources(), [DEFINE, POST, GENERATED]);
    let input = merged(start(&client, "ada"), json!({ "UserPoolId": pool }));
    assert!(is_signed_in(&stack.ok("AdminInitiateAuth", input).await));

    // The functions don't decide who may sign in.
    let user = json!({ "UserPoolId": pool, "Username": "ada" });
    stack.ok("AdminDisableUser", user).await;
    let refused = stack.refusal("InitiateAuth", start(&client, "ada")).await;
    assert_eq!(refused, error("NotAuthorizedException", "User is disabled."));
}

#[tokio::test]
async fn a_function_that_fails_ends_the_sign_in() {
    let stack = Stack::new().await;
    let (pool, client) = summing(&stack, &[Trigger::PostAuthentication], json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let script = stack.functions();
    let (right, wrong) = ("5", "6");
    for (trigger, given) in [
        (Trigger::VerifyAuthChallengeResponse, right),
        (Trigger::DefineAuthChallenge, right),
        (Trigger::CreateAuthChallenge, wrong),
        (Trigger::PostAuthentication, right),
    ] {
        let asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
        script.throw(trigger, "no");
        let refused = stack.refusal(RESPOND, answer(&client, "ada", &asked, given)).await;
        assert_eq!(refused, thrown(trigger));
        ask_a_sum(&stack);
        assert_eq!(stack.refusal(RESPOND, answer(&client, "ada", &asked, right)).await, spent());
    }
    script.throw(Trigger::DefineAuthChallenge, "no");
    let refused = stack.refusal("InitiateAuth", start(&client, "ada")).await;
    assert_eq!(refused, thrown(Trigger::DefineAuthChallenge));
}

#[tokio::test]
async fn of_answers_that_come_at_once_one_is_judged() {
    let stack = std::sync::Arc::new(Stack::new().await);
    let (pool, client) = summing(&stack, &[], json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
    stack.functions().clear();
    let guesses: Vec<_> = (0..20)
        .map(|number| {
            let input = answer(&client, "ada", &asked, &number.to_string());
            let stack = std::sync::Arc::clone(&stack);
            tokio::spawn(async move { stack.call(RESPOND, input).await.status })
        })
        .collect();
    let mut judged = 0;
    for guess in guesses {
        judged += u32::from(guess.await.unwrap() == 200);
    }
    assert_eq!(judged, 1);
    let sources = stack.functions().sources();
    let verified = sources.iter().filter(|source| source.starts_with("VerifyAuth"));
    assert_eq!(verified.count(), 1);
}

#[tokio::test]
async fn decisions_that_make_no_sense_are_told_so() {
    let stack = Stack::new().await;
    let (pool, client) = summing(&stack, &[], json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let unrecognizable = error("InvalidLambdaResponseException", "Unrecognizable lambda output");
    for decision in [
        json!({}),
        json!({ "challengeName": "SMS_MFA" }),
        json!({ "challengeName": "PASSWORD_VERIFIER" }),
        json!({ "challengeName": "DEVICE_SRP_AUTH" }),
        json!({ "challengeName": 7 }),
    ] {
        stack.functions().respond(Trigger::DefineAuthChallenge, decision.clone());
        let refused = stack.refusal("InitiateAuth", start(&client, "ada")).await;
        assert_eq!(refused, unrecognizable, "{decision}");
    }
    ask_a_sum(&stack);
    let created = json!({ "publicChallengeParameters": { "n": 1 } });
    stack.functions().respond(Trigger::CreateAuthChallenge, created);
    assert_eq!(stack.refusal("InitiateAuth", start(&client, "ada")).await, unrecognizable);
    let created = json!({ "privateChallengeParameters": { "long": "x".repeat(3_000) } });
    stack.functions().respond(Trigger::CreateAuthChallenge, created);
    let refused = stack.refusal("InitiateAuth", start(&client, "ada")).await;
    assert_eq!(refused.0, "InvalidLambdaResponseException");
}

#[tokio::test]
async fn a_sign_in_has_an_end_even_if_its_functions_know_none() {
    let stack = Stack::new().await;
    let (pool, client) = summing(&stack, &[], json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let again = json!({ "challengeName": "CUSTOM_CHALLENGE" });
    stack.functions().respond(Trigger::DefineAuthChallenge, again);
    let mut asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
    for _ in 0..19 {
        asked = stack.ok(RESPOND, answer(&client, "ada", &asked, "6")).await;
    }
    let refused = stack.refusal(RESPOND, answer(&client, "ada", &asked, "5")).await;
    assert_eq!(refused, wrong());
}

#[tokio::test]
async fn private_parameters_stay_private() {
    let stack = Stack::new().await;
    let (pool, client) = summing(&stack, &[], json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let secret = json!({ "privateChallengeParameters": { "answer": "not-to-be-read" } });
    stack.functions().respond(Trigger::CreateAuthChallenge, secret);
    let asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
    assert!(!asked.to_string().contains("not-to-be-read"));
    assert_eq!(asked["ChallengeParameters"], json!({ "USERNAME": "ada" }));
    let signed_in = stack.ok(RESPOND, answer(&client, "ada", &asked, "not-to-be-read")).await;
    assert!(is_signed_in(&signed_in));
    assert_eq!(last_event(&stack)["request"]["session"][0]["challengeMetadata"], Value::Null);
}

#[tokio::test]
async fn sessions_are_of_their_user_client_and_challenge() {
    let stack = Stack::new().await;
    let (pool, client) = summing(&stack, &[], json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    stack.user(&pool, "bo", &[]).await;
    let flows = json!({ "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] });
    let other = stack.client(&pool, flows).await;
    let asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
    let right = answer(&client, "ada", &asked, "5");
    let invalid_session = error("NotAuthorizedException", "Invalid session for the user.");
    let cases = [
        merged(right.clone(), json!({ "ClientId": other })),
        merged(right.clone(), json!({ "ChallengeName": "SMS_MFA" })),
        merged(right.clone(), json!({ "Session": "x".repeat(30) })),
        answer(&client, "bo", &asked, "5"),
    ];
    for input in cases {
        assert_eq!(stack.refusal(RESPOND, input).await, invalid_session);
    }
    let missing = |name: &str| invalid(&format!("Missing required parameter {name}"));
    let input = reply(&client, "ada", &asked, json!({}));
    assert_eq!(stack.refusal(RESPOND, input).await, missing("ANSWER"));
    let input = merged(right.clone(), json!({ "Session": null }));
    assert_eq!(stack.refusal(RESPOND, input).await, missing("Session"));
    // The administrators' operation takes it as well.
    let input = merged(right.clone(), json!({ "UserPoolId": pool }));
    assert!(is_signed_in(&stack.ok("AdminRespondToAuthChallenge", input).await));

    let asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
    stack.advance(181);
    let refused = stack.refusal(RESPOND, answer(&client, "ada", &asked, "5")).await;
    let text = "Invalid session for the user, session is expired.";
    assert_eq!(refused, error("NotAuthorizedException", text));
}

#[tokio::test]
async fn without_its_functions_there_is_no_custom_sign_in() {
    let stack = Stack::new().await;
    ask_a_sum(&stack);
    let (pool, client) = asking(&stack, &CUSTOM[1..], json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let refusal = invalid("Custom auth lambda trigger is not configured for the user pool.");
    assert_eq!(stack.refusal("InitiateAuth", start(&client, "ada")).await, refusal);
    let set = |triggers: &[Trigger]| {
        let input = json!({ "UserPoolId": pool, "LambdaConfig": functions(triggers) });
        stack.ok("UpdateUserPool", input)
    };
    set(&CUSTOM[..1]).await;
    assert_eq!(stack.refusal("InitiateAuth", start(&client, "ada")).await, refusal);
    set(&CUSTOM[..2]).await;
    let asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
    let refused = stack.refusal(RESPOND, answer(&client, "ada", &asked, "5")).await;
    assert_eq!(refused, refusal);
    let off = json!({ "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] });
    let off = stack.client(&pool, off).await;
    let refused = stack.refusal("InitiateAuth", start(&off, "ada")).await;
    assert_eq!(refused, invalid("CUSTOM_AUTH flow not enabled for this client"));
}

#[tokio::test]
async fn no_second_factor_and_no_new_device_belong_to_it() {
    let stack = Stack::new().await;
    ask_a_sum(&stack);
    let config = json!({ "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": false } });
    let (pool, client) = asking(&stack, &CUSTOM, config, json!({})).await;
    crate::totp::testing::offer_totp(&stack, &pool, "ON").await;
    stack.user(&pool, "ada", &[]).await;
    let asked = stack.ok("InitiateAuth", start(&client, "ada")).await;
    let signed_in = stack.ok(RESPOND, answer(&client, "ada", &asked, "5")).await;
    assert!(is_signed_in(&signed_in));
    assert!(signed_in["AuthenticationResult"].get("NewDeviceMetadata").is_none());
}

#[tokio::test]
async fn threat_protection_has_a_mode_of_its_own_for_it() {
    for (mode, is_let_in) in [(None, true), (Some("AUDIT"), true), (Some("ENFORCED"), false)] {
        let stack = Stack::new().await;
        ask_a_sum(&stack);
        let add_ons = json!({
            "AdvancedSecurityMode": "ENFORCED",
            "AdvancedSecurityAdditionalFlows": mode.map(|mode| json!({ "CustomAuthMode": mode })),
        });
        let config = json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": add_ons });
        let (pool, client) = asking(&stack, &CUSTOM, config, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        // Whoever never signed in before is no risk; then comes another device at another address.
        let browser = [("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0")];
        stack.tokens(&client, "ada").await;
        let block = json!({ "Notify": false, "EventAction": "BLOCK" });
        let actions = json!({
            "LowAction": block, "MediumAction": block, "HighAction": block,
        });
        let input = json!({
            "UserPoolId": pool, "AccountTakeoverRiskConfiguration": { "Actions": actions },
        });
        stack.ok("SetRiskConfiguration", input).await;
        let mut elsewhere = stack;
        elsewhere.ports.caller.ip = "198.51.100.9".parse().ok();
        let asked = elsewhere.call_with("InitiateAuth", start(&client, "ada"), &browser).await.body;
        let right = answer(&client, "ada", &asked, "5");
        let answered = elsewhere.call_with(RESPOND, right, &browser).await.body;
        if is_let_in {
            assert!(is_signed_in(&answered), "{mode:?}: {answered}");
        } else {
            assert_eq!(answered["message"], "Unable to login because of security reasons.");
        }
    }
}
