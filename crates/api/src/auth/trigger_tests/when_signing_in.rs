//! `PreAuthentication` and `PostAuthentication`.

use std::sync::Arc;

use async_trait::async_trait;
use poolhouse_domain::{
    ports::Ports,
    triggers::{Functions, Invocation, InvocationFailed, Trigger},
};
use serde_json::json;

use super::{
    Prover, RESPOND, asking, begin, by_password, is_signed_in, last_event, reply, spent, thrown,
    wrong,
};
use crate::{
    testing::{PASSWORD, Stack, claims, error, merged, text},
    totp::testing::{code, enrol, offer_totp},
};

const BOTH: [Trigger; 2] = [Trigger::PreAuthentication, Trigger::PostAuthentication];
const PRE: &str = "PreAuthentication_Authentication";
const POST: &str = "PostAuthentication_Authentication";

#[tokio::test]
async fn functions_see_the_user_before_and_after() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &BOTH, json!({}), json!({})).await;
    let sub = stack.user(&pool, "ada", &[("email", "a@x.org")]).await;
    let metadata = json!({ "ClientMetadata": { "k": "v" } });
    let input = merged(by_password(&client, "ada", PASSWORD), metadata);
    assert!(is_signed_in(&stack.ok("InitiateAuth", input).await));
    let [before, after] = &*stack.functions().invocations() else { panic!("two are asked") };
    let event = |source: &str, request: &str| {
        format!(
            "{{\"version\":\"1\",\"region\":\"us-east-1\",\"userPoolId\":\"{pool}\",\
             \"userName\":\"ada\",\"callerContext\":{{\
             \"awsSdkVersion\":\"aws-sdk-unknown-unknown\",\"clientId\":\"{client}\"}},\
             \"triggerSource\":\"{source}\",\"request\":{{\"userAttributes\":{{\
             \"cognito:user_status\":\"CONFIRMED\",\"email\":\"a@x.org\",\"sub\":\"{sub}\"}},\
             {request}}},\"response\":{{}}}}"
        )
    };
    assert_eq!(before.event, event(PRE, r#""validationData":{"k":"v"}"#));
    // Metadata of the first request is for those who let users in.
    assert_eq!(after.event, event(POST, r#""newDeviceUsed":false"#));
}

#[tokio::test]
async fn every_flow_but_the_custom_one_asks_first_and_a_refresh_asks_nobody() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &BOTH, json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let script = stack.functions();
    let input = by_password(&client, "ada", PASSWORD);
    let tokens = stack.ok("InitiateAuth", input.clone()).await;
    assert_eq!(script.sources(), [PRE, POST]);
    script.clear();
    let input =
        merged(input, json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "UserPoolId": pool }));
    stack.ok("AdminInitiateAuth", input).await;
    assert_eq!(script.sources(), [PRE, POST]);

    script.clear();
    let token = &tokens["AuthenticationResult"]["RefreshToken"];
    let input = begin(&client, "REFRESH_TOKEN_AUTH", json!({ "REFRESH_TOKEN": token }));
    stack.ok("InitiateAuth", input).await;
    let input = json!({ "ClientId": client, "RefreshToken": token });
    stack.ok("GetTokensFromRefreshToken", input).await;
    assert!(script.sources().is_empty());

    let prover = Prover::new(&stack);
    let parameters = json!({ "USERNAME": "ada", "SRP_A": prover.public() });
    let asked = stack.ok("InitiateAuth", begin(&client, "USER_SRP_AUTH", parameters)).await;
    assert_eq!(script.sources(), [PRE]);
    let answer = prover.answer(&stack, (&pool, &client), &asked, PASSWORD);
    let answer = merged(answer, json!({ "ClientMetadata": { "k": "later" } }));
    assert!(is_signed_in(&stack.ok(RESPOND, answer).await));
    assert_eq!(script.sources(), [PRE, POST]);
    assert_eq!(last_event(&stack)["request"]["clientMetadata"], json!({ "k": "later" }));

    // By choice: once, however many steps it takes.
    for parameters in [json!({}), json!({ "PREFERRED_CHALLENGE": "PASSWORD_SRP" })] {
        script.clear();
        let parameters = merged(json!({ "USERNAME": "ada" }), parameters);
        let asked = stack.ok("InitiateAuth", begin(&client, "USER_AUTH", parameters)).await;
        assert_eq!(script.sources(), [PRE]);
        let is_choice = asked["ChallengeName"] == "SELECT_CHALLENGE";
        let responses = if is_choice {
            json!({ "ANSWER": "PASSWORD", "PASSWORD": PASSWORD })
        } else {
            json!({ "SRP_A": prover.public() })
        };
        let mut answer = stack.ok(RESPOND, reply(&client, "ada", &asked, responses)).await;
        if !is_choice {
            let proof = prover.answer(&stack, (&pool, &client), &answer, PASSWORD);
            answer = stack.ok(RESPOND, proof).await;
        }
        assert!(is_signed_in(&answer));
        assert_eq!(script.sources(), [PRE, POST]);
    }
}

#[tokio::test]
async fn a_function_that_refuses_comes_before_every_check() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &BOTH, json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let script = stack.functions();
    script.throw(Trigger::PreAuthentication, "no");
    let refused = thrown(Trigger::PreAuthentication);
    let srp = json!({ "USERNAME": "ada", "SRP_A": Prover::new(&stack).public() });
    for input in [
        by_password(&client, "ada", PASSWORD),
        by_password(&client, "ada", "Wrong-Horse-7"),
        begin(&client, "USER_SRP_AUTH", srp),
        begin(&client, "USER_AUTH", json!({ "USERNAME": "ada" })),
    ] {
        assert_eq!(stack.refusal("InitiateAuth", input).await, refused);
    }
    // The wrong password was not looked at: four more leave the user unlocked.
    script.respond(Trigger::PreAuthentication, json!({ "anything": 7 }));
    for _ in 0..4 {
        let input = by_password(&client, "ada", "Wrong-Horse-7");
        assert_eq!(stack.refusal("InitiateAuth", input).await, wrong());
    }
    assert!(is_signed_in(&stack.ok("InitiateAuth", by_password(&client, "ada", PASSWORD)).await));
}

#[tokio::test]
async fn of_nobody_a_function_hears_only_where_that_is_hidden() {
    let stack = Stack::new().await;
    let (pool, open) = asking(&stack, &BOTH, json!({}), json!({})).await;
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let hiding = stack.client(&pool, hides).await;
    stack.user(&pool, "ada", &[]).await;
    let refused = stack.refusal("InitiateAuth", by_password(&open, "nobody", PASSWORD)).await;
    assert_eq!(refused.0, "UserNotFoundException");
    assert!(stack.functions().events().is_empty());
    let refused = stack.refusal("InitiateAuth", by_password(&hiding, "nobody", PASSWORD)).await;
    assert_eq!(refused, wrong());
    let [event] = &*stack.functions().events() else { panic!("one function is asked") };
    assert_eq!(event["userName"], "nobody");
    let request = json!({ "userAttributes": {}, "validationData": null, "userNotFound": true });
    assert_eq!(event["request"], request);
    stack.ok("InitiateAuth", by_password(&hiding, "ada", PASSWORD)).await;
    assert_eq!(stack.functions().events()[1]["request"]["userNotFound"], false);
}

/// A function that names the user when it is asked after a sign-in.
struct Naming {
    ports: Ports,
    pool: String,
}

#[async_trait]
impl Functions for Naming {
    async fn invoke(&self, invocation: &Invocation) -> Result<Vec<u8>, InvocationFailed> {
        if invocation.trigger == Trigger::PostAuthentication {
            let mut tx = self.ports.store.write().await.unwrap();
            let mut user = tx.user_by_username(&self.pool, "ada").await.unwrap().unwrap();
            user.attributes.insert("name".to_owned(), "Ada".to_owned());
            tx.update_user(&mut user).await.unwrap();
            tx.commit().await.unwrap();
        }
        Ok(invocation.event.clone().into_bytes())
    }
}

#[tokio::test]
async fn tokens_show_what_functions_have_changed_of_the_user() {
    let mut stack = Stack::new().await;
    let (pool, client) = asking(&stack, &BOTH, json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let naming = Naming { ports: stack.ports.clone(), pool };
    stack.ports.functions = Arc::new(naming);
    let tokens = stack.tokens(&client, "ada").await;
    assert_eq!(claims(&tokens["IdToken"])["name"], "Ada");
}

#[tokio::test]
async fn a_function_that_refuses_at_the_end_denies_the_tokens_and_gives_nothing_back() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostAuthentication], json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    offer_totp(&stack, &pool, "OPTIONAL").await;
    let secret = enrol(&stack, &client, "ada").await;
    stack.advance(60);
    let script = stack.functions();
    script.throw(Trigger::PostAuthentication, "no");
    script.clear();
    let asked = stack.ok("InitiateAuth", by_password(&client, "ada", PASSWORD)).await;
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert!(script.sources().is_empty(), "not before the last challenge");
    let right = code(&stack, &secret, 0);
    let answer = |code: &str| {
        let responses = json!({ "SOFTWARE_TOKEN_MFA_CODE": code });
        merged(reply(&client, "ada", &asked, responses), json!({ "ClientMetadata": { "k": "v" } }))
    };
    assert_eq!(stack.refusal(RESPOND, answer("000000")).await.0, "CodeMismatchException");
    assert!(script.sources().is_empty(), "not for a wrong answer");
    let refused = stack.refusal(RESPOND, answer(&right)).await;
    assert_eq!(refused, thrown(Trigger::PostAuthentication));
    assert_eq!(last_event(&stack)["request"]["clientMetadata"], json!({ "k": "v" }));
    // The session has had its right answer, and so has the code.
    script.respond(Trigger::PostAuthentication, json!({}));
    stack.advance(30);
    let refused = stack.refusal(RESPOND, answer(&code(&stack, &secret, 0))).await;
    assert_eq!(refused, spent());
    let asked = stack.ok("InitiateAuth", by_password(&client, "ada", PASSWORD)).await;
    let again = reply(&client, "ada", &asked, json!({ "SOFTWARE_TOKEN_MFA_CODE": right }));
    assert_eq!(stack.refusal(RESPOND, again).await.0, "ExpiredCodeException");
    let next = code(&stack, &secret, 0);
    let next = reply(&client, "ada", &asked, json!({ "SOFTWARE_TOKEN_MFA_CODE": next }));
    assert!(is_signed_in(&stack.ok(RESPOND, next).await));
}

#[tokio::test]
async fn each_way_of_failing_has_its_type_and_text() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostAuthentication], json!({}), json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let script = stack.functions();
    let timeout = "Socket timeout while invoking Lambda function.";
    let unreachable = format!("PostAuthentication invocation failed due to error {timeout}");
    let cases = [
        (
            InvocationFailed::Unreachable(timeout.to_owned()),
            error("UnexpectedLambdaException", &unreachable),
        ),
        (
            InvocationFailed::NotJson,
            error(
                "InvalidLambdaResponseException",
                "Invalid lambda function output : Invalid JSON",
            ),
        ),
        (InvocationFailed::Function("no".to_owned()), thrown(Trigger::PostAuthentication)),
    ];
    for (failure, expected) in cases {
        script.script(Trigger::PostAuthentication, move |_| Err(failure.clone()));
        let refused = stack.refusal("InitiateAuth", by_password(&client, "ada", PASSWORD)).await;
        assert_eq!(refused, expected);
    }
    script.respond(Trigger::PostAuthentication, json!("done"));
    let refused = stack.refusal("InitiateAuth", by_password(&client, "ada", PASSWORD)).await;
    let unrecognizable = "Unrecognizable lambda output";
    assert_eq!(refused, error("InvalidLambdaResponseException", unrecognizable));
}

#[tokio::test]
async fn a_new_device_is_told_from_one_that_the_user_has() {
    let stack = Stack::new().await;
    let config = json!({ "DeviceConfiguration": { "DeviceOnlyRememberedOnUserPrompt": true } });
    let (pool, client) = asking(&stack, &[Trigger::PostAuthentication], config, json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    let tokens = stack.tokens(&client, "ada").await;
    assert_eq!(last_event(&stack)["request"]["newDeviceUsed"], true);
    let key = &tokens["NewDeviceMetadata"]["DeviceKey"];
    let input = json!({
        "AccessToken": tokens["AccessToken"], "DeviceKey": key,
        "DeviceSecretVerifierConfig": { "Salt": "AAECAw==", "PasswordVerifier": "BwcH" },
    });
    stack.ok("ConfirmDevice", input).await;
    let mut input = by_password(&client, "ada", PASSWORD);
    input["AuthParameters"]["DEVICE_KEY"] = json!(text(key));
    stack.ok("InitiateAuth", input).await;
    assert_eq!(last_event(&stack)["request"]["newDeviceUsed"], false);
}

#[tokio::test]
async fn the_session_of_a_sign_up_is_announced_and_not_used_up_by_a_refusal() {
    let stack = Stack::new().await;
    let config = json!({ "AutoVerifiedAttributes": ["email"] });
    let (pool, client) = asking(&stack, &BOTH, config, json!({})).await;
    let input = json!({
        "ClientId": client, "Username": "jo", "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": "jo@gm.com" }],
    });
    let signed_up = stack.ok("SignUp", input).await;
    let input = json!({
        "ClientId": client, "Username": "jo", "Session": signed_up["Session"],
        "ConfirmationCode": stack.last_code_for("jo@gm.com"),
    });
    let confirmed = stack.ok("ConfirmSignUp", input).await;
    let script = stack.functions();
    script.throw(Trigger::PreAuthentication, "no");
    let input = begin(&client, "USER_AUTH", json!({ "USERNAME": "jo" }));
    let input = merged(input, json!({ "Session": confirmed["Session"] }));
    let refused = stack.refusal("InitiateAuth", input.clone()).await;
    assert_eq!(refused, thrown(Trigger::PreAuthentication));
    script.respond(Trigger::PreAuthentication, json!({}));
    script.clear();
    assert!(is_signed_in(&stack.ok("InitiateAuth", input.clone()).await));
    assert_eq!(script.sources(), [PRE, POST]);
    script.clear();
    assert_eq!(stack.refusal("InitiateAuth", input).await, spent());
    assert!(script.sources().is_empty());
    let user = json!({ "UserPoolId": pool, "Username": "jo" });
    assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], "CONFIRMED");
}
