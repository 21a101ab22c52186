//! Which functions the operations on users ask, in which order, with which event, and what is left
//! when one fails. Those of signing in are in `auth`.

use poolhouse_domain::triggers::Trigger;
use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, error, merged};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// A pool that verifies addresses, with a function for each of these triggers, and its client.
async fn asking(stack: &Stack, triggers: &[Trigger]) -> (String, String) {
    let functions: serde_json::Map<String, Value> =
        triggers.iter().map(|trigger| (trigger.name().to_owned(), json!(FUNCTION))).collect();
    let config = json!({ "AutoVerifiedAttributes": ["email"], "LambdaConfig": functions });
    let pool = stack.pool(config).await;
    let client = stack.client(&pool, json!({})).await;
    (pool, client)
}

async fn status(stack: &Stack, pool: &str, name: &str) -> Value {
    let user = json!({ "UserPoolId": pool, "Username": name });
    stack.ok("AdminGetUser", user).await["UserStatus"].clone()
}

fn failed(text: &str) -> (String, String) {
    error("UserLambdaValidationException", text)
}

#[tokio::test]
async fn a_confirmed_sign_up_is_told_with_the_metadata_of_the_confirmation() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostConfirmation]).await;
    let code = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
    assert!(stack.functions().events().is_empty());
    let input = json!({
        "ClientId": client, "Username": "jo", "ConfirmationCode": code,
        "ClientMetadata": { "k": "v" },
    });
    stack.functions().throw(Trigger::PostConfirmation, "no room");
    let refused = stack.refusal("ConfirmSignUp", input.clone()).await;
    assert_eq!(refused, failed("PostConfirmation failed with error no room."));
    assert_eq!(status(&stack, &pool, "jo").await, "CONFIRMED");
    let refused = stack.refusal("ConfirmSignUp", input).await;
    let text = "User cannot be confirmed. Current status is CONFIRMED";
    assert_eq!(refused, error("NotAuthorizedException", text));

    let [event] = &*stack.functions().events() else { panic!("one function is asked") };
    assert_eq!(event["triggerSource"], "PostConfirmation_ConfirmSignUp");
    assert_eq!(event["userName"], "jo");
    assert_eq!(event["callerContext"]["clientId"], json!(client));
    assert_eq!(event["response"], json!({}));
    let request = &event["request"];
    assert_eq!(request["clientMetadata"], json!({ "k": "v" }));
    assert_eq!(request["userAttributes"]["cognito:user_status"], "CONFIRMED");
    assert_eq!(request["userAttributes"]["email_verified"], "true");
}

#[tokio::test]
async fn a_wrong_code_tells_nobody() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostConfirmation]).await;
    let code = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let input = json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": wrong });
    stack.refusal("ConfirmSignUp", input).await;
    assert!(stack.functions().events().is_empty());
}

#[tokio::test]
async fn an_administrators_confirmation_names_no_client() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostConfirmation]).await;
    stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
    let input = json!({ "UserPoolId": pool, "Username": "jo" });
    stack.ok("AdminConfirmSignUp", input).await;
    let [event] = &*stack.functions().events() else { panic!("one function is asked") };
    assert_eq!(event["triggerSource"], "PostConfirmation_ConfirmSignUp");
    let unknown_sdk = json!({ "awsSdkVersion": "aws-sdk-unknown-unknown" });
    assert_eq!(event["callerContext"], unknown_sdk);
    assert!(event["request"].get("clientMetadata").is_none());
}

#[tokio::test]
async fn a_new_password_is_told_after_it_was_set() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostConfirmation]).await;
    let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
    stack.user(&pool, "jo", &verified).await;
    stack.ok("ForgotPassword", json!({ "ClientId": client, "Username": "jo" })).await;
    let code = stack.last_code_for("jo@gm.com");
    stack.functions().throw(Trigger::PostConfirmation, "Whatever.");
    let input = json!({
        "ClientId": client, "Username": "jo", "ConfirmationCode": code,
        "Password": "Battery-Staple-8",
    });
    let refused = stack.refusal("ConfirmForgotPassword", input).await;
    assert_eq!(refused, failed("PostConfirmation failed with error Whatever.."));
    assert_eq!(stack.functions().sources(), ["PostConfirmation_ConfirmForgotPassword"]);
    let parameters = json!({ "USERNAME": "jo", "PASSWORD": "Battery-Staple-8" });
    let sign_in = json!({
        "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
    });
    stack.ok("InitiateAuth", sign_in).await;
}

#[tokio::test]
async fn an_administrators_new_user_may_be_refused_but_not_confirmed() {
    let stack = Stack::new().await;
    let (pool, _) = asking(&stack, &[Trigger::PreSignUp, Trigger::PostConfirmation]).await;
    let functions = stack.functions();
    let input = json!({
        "UserPoolId": pool, "Username": "jo", "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": "jo@gm.com" }],
        "ValidationData": [{ "Name": "v", "Value": "1" }], "ClientMetadata": { "k": "v" },
    });
    functions.throw(Trigger::PreSignUp, "no");
    let refused = stack.refusal("AdminCreateUser", input.clone()).await;
    assert_eq!(refused, failed("PreSignUp failed with error no."));
    let jo = json!({ "UserPoolId": pool, "Username": "jo" });
    assert_eq!(stack.refusal("AdminGetUser", jo.clone()).await.0, "UserNotFoundException");

    functions.clear();
    let flags =
        json!({ "autoConfirmUser": true, "autoVerifyEmail": true, "autoVerifyPhone": true });
    functions.respond(Trigger::PreSignUp, flags);
    stack.ok("AdminCreateUser", input.clone()).await;
    assert_eq!(status(&stack, &pool, "jo").await, "FORCE_CHANGE_PASSWORD");
    let [event] = &*functions.events() else { panic!("one function is asked") };
    assert_eq!(event["triggerSource"], "PreSignUp_AdminCreateUser");
    assert_eq!(event["callerContext"]["clientId"], "CLIENT_ID_NOT_APPLICABLE");
    let request = json!({
        "userAttributes": { "email": "jo@gm.com" },
        "validationData": { "v": "1" }, "clientMetadata": { "k": "v" },
    });
    assert_eq!(event["request"], request);

    functions.clear();
    stack.refusal("AdminCreateUser", input.clone()).await;
    let again = merged(input, json!({ "MessageAction": "RESEND" }));
    stack.ok("AdminCreateUser", again).await;
    assert!(functions.events().is_empty(), "neither a taken name nor a resend asks anybody");
}

#[tokio::test]
async fn what_changes_users_without_a_code_asks_nobody() {
    let stack = Stack::new().await;
    let all = [
        Trigger::PreSignUp,
        Trigger::PostConfirmation,
        Trigger::PreAuthentication,
        Trigger::PostAuthentication,
        Trigger::PreTokenGeneration,
        Trigger::UserMigration,
    ];
    let (pool, _) = asking(&stack, &all).await;
    let jo = json!({ "UserPoolId": pool, "Username": "jo" });
    stack.user(&pool, "jo", &[]).await;
    stack.functions().clear();
    let set = merged(jo.clone(), json!({ "Password": PASSWORD, "Permanent": true }));
    stack.ok("AdminSetUserPassword", set).await;
    for operation in ["AdminDisableUser", "AdminEnableUser", "AdminUserGlobalSignOut"] {
        stack.ok(operation, jo.clone()).await;
    }
    stack.ok("AdminDeleteUser", jo).await;
    assert!(stack.functions().events().is_empty());
}
