//! `PreTokenGeneration`, in its three versions.

use poolhouse_domain::triggers::Trigger;
use serde_json::{Value, json};

use super::{FUNCTION, RESPOND, asking, begin, by_password, last_event, reply, thrown};
use crate::testing::{PASSWORD, Stack, claims, error, merged};

const TRIGGER: Trigger = Trigger::PreTokenGeneration;
const GENERATED: &str = "TokenGeneration_Authentication";

/// A pool whose function for tokens is of this version, a client, and `ada` in two groups.
async fn asking_for_tokens(stack: &Stack, version: &str) -> (String, String) {
    let config = json!({ "LambdaVersion": version, "LambdaArn": FUNCTION });
    let config = json!({ "LambdaConfig": { "PreTokenGenerationConfig": config } });
    let (pool, client) = asking(stack, &[], config, json!({})).await;
    stack.user(&pool, "ada", &[("email", "a@x.org")]).await;
    for (group, precedence) in [("admins", 1), ("staff", 2)] {
        let role = format!("arn:aws:iam::123456789012:role/{group}");
        let input = json!({
            "UserPoolId": pool, "GroupName": group, "RoleArn": role, "Precedence": precedence,
        });
        stack.ok("CreateGroup", input).await;
        let input = json!({ "UserPoolId": pool, "Username": "ada", "GroupName": group });
        stack.ok("AdminAddUserToGroup", input).await;
    }
    (pool, client)
}

async fn tokens(stack: &Stack, client: &str) -> (Value, Value) {
    let tokens = stack.tokens(client, "ada").await;
    (claims(&tokens["IdToken"]), claims(&tokens["AccessToken"]))
}

#[tokio::test]
async fn events_have_the_members_of_their_version() {
    let groups = json!({
        "groupsToOverride": ["admins", "staff"],
        "iamRolesToOverride": [
            "arn:aws:iam::123456789012:role/admins", "arn:aws:iam::123456789012:role/staff",
        ],
        "preferredRole": "arn:aws:iam::123456789012:role/admins",
    });
    for (version, number, details, scopes) in [
        ("V1_0", "1", "claimsOverrideDetails", Value::Null),
        ("V2_0", "2", "claimsAndScopeOverrideDetails", json!(["aws.cognito.signin.user.admin"])),
        ("V3_0", "3", "claimsAndScopeOverrideDetails", json!(["aws.cognito.signin.user.admin"])),
    ] {
        let stack = Stack::new().await;
        let (pool, client) = asking_for_tokens(&stack, version).await;
        let metadata = json!({ "ClientMetadata": { "k": "v" } });
        let input = merged(by_password(&client, "ada", PASSWORD), metadata);
        stack.ok("InitiateAuth", input).await;
        let [event] = &*stack.functions().events() else { panic!("one function is asked") };
        let sub = &event["request"]["userAttributes"]["sub"];
        let mut request = json!({
            "userAttributes": {
                "sub": sub, "email": "a@x.org", "cognito:user_status": "CONFIRMED",
            },
            "groupConfiguration": groups,
        });
        if !scopes.is_null() {
            request["scopes"] = scopes;
        }
        let expected = json!({
            "version": number, "region": "us-east-1", "userPoolId": pool, "userName": "ada",
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client },
            "triggerSource": GENERATED, "request": request, "response": { details: null },
        });
        assert_eq!(*event, expected);
    }
}

#[tokio::test]
async fn the_first_version_changes_id_tokens_and_the_groups_of_both() {
    let stack = Stack::new().await;
    let (_, client) = asking_for_tokens(&stack, "V1_0").await;
    let details = json!({
        "claimsToAddOrOverride": { "tenant": "t1", "email": "b@x.org", "sub": "forged" },
        "claimsToSuppress": ["email_verified", "cognito:username"],
        "groupOverrideDetails": { "groupsToOverride": ["g"], "iamRolesToOverride": ["r"],
                                  "preferredRole": "p" },
    });
    stack.functions().respond(TRIGGER, json!({ "claimsOverrideDetails": details }));
    let (id, access) = tokens(&stack, &client).await;
    assert_eq!((&id["tenant"], &id["email"]), (&json!("t1"), &json!("b@x.org")));
    assert_ne!(id["sub"], "forged");
    assert_eq!(id["cognito:username"], "ada");
    assert_eq!(id["cognito:groups"], json!(["g"]));
    assert_eq!(id["cognito:roles"], json!(["r"]));
    assert_eq!(id["cognito:preferred_role"], "p");
    assert_eq!(access["cognito:groups"], json!(["g"]));
    assert!(access.get("tenant").is_none());

    let number = json!({ "claimsOverrideDetails": { "claimsToAddOrOverride": { "n": 1 } } });
    stack.functions().respond(TRIGGER, number);
    let refused = stack.refusal("InitiateAuth", by_password(&client, "ada", PASSWORD)).await;
    let unrecognizable = error("InvalidLambdaResponseException", "Unrecognizable lambda output");
    assert_eq!(refused, unrecognizable);
}

#[tokio::test]
async fn later_versions_change_both_tokens_with_any_value() {
    let stack = Stack::new().await;
    let (_, client) = asking_for_tokens(&stack, "V2_0").await;
    let details = json!({
        "idTokenGeneration": {
            "claimsToAddOrOverride": { "o": { "a": [true] }, "email": "x" },
            "claimsToSuppress": ["email"],
        },
        "accessTokenGeneration": {
            "claimsToAddOrOverride": { "n": 1.5, "aud": client, "client_id": "forged" },
            "claimsToSuppress": ["cognito:groups", "username"],
            "scopesToAdd": ["orders/read", "openid"],
            "scopesToSuppress": ["aws.cognito.signin.user.admin"],
        },
    });
    stack.functions().respond(TRIGGER, json!({ "claimsAndScopeOverrideDetails": details }));
    let tokens = stack.tokens(&client, "ada").await;
    let (id, access) = (claims(&tokens["IdToken"]), claims(&tokens["AccessToken"]));
    assert_eq!(id["o"], json!({ "a": [true] }));
    assert!(id.get("email").is_none());
    assert_eq!(id["cognito:groups"], json!(["admins", "staff"]));
    assert_eq!((&access["n"], &access["aud"]), (&json!(1.5), &json!(client)));
    assert_eq!((&access["client_id"], &access["username"]), (&json!(client), &json!("ada")));
    assert!(access.get("cognito:groups").is_none());
    assert_eq!(access["scope"], "orders/read openid");
    let input = json!({ "AccessToken": tokens["AccessToken"] });
    let refused = stack.refusal("GetUser", input).await;
    let text = "Access Token does not have required scopes";
    assert_eq!(refused, error("NotAuthorizedException", text));

    // Nothing is remembered: a refresh starts from what was granted.
    let details = json!({ "claimsAndScopeOverrideDetails": { "groupOverrideDetails": null } });
    stack.functions().respond(TRIGGER, details);
    let refresh = json!({ "REFRESH_TOKEN": tokens["RefreshToken"] });
    let refresh = begin(&client, "REFRESH_TOKEN_AUTH", refresh);
    let refreshed = stack.ok("InitiateAuth", refresh).await;
    let access = claims(&refreshed["AuthenticationResult"]["AccessToken"]);
    assert_eq!(access["scope"], "aws.cognito.signin.user.admin");
    assert!(access.get("cognito:groups").is_none() && access.get("n").is_none());
    let id = claims(&refreshed["AuthenticationResult"]["IdToken"]);
    assert_eq!(id["email"], "a@x.org");
    assert!(id.get("cognito:groups").is_none() && id.get("cognito:roles").is_none());
}

#[tokio::test]
async fn each_way_to_tokens_has_its_source_and_its_metadata() {
    let stack = Stack::new().await;
    let (pool, client) = asking_for_tokens(&stack, "V2_0").await;
    let metadata = json!({ "ClientMetadata": { "k": "v" } });
    let source = || last_event(&stack)["triggerSource"].clone();
    let told = || last_event(&stack)["request"].get("clientMetadata").cloned();

    let tokens = stack.tokens(&client, "ada").await;
    assert_eq!(source(), GENERATED);
    let refresh = json!({ "REFRESH_TOKEN": tokens["RefreshToken"] });
    let refresh = begin(&client, "REFRESH_TOKEN_AUTH", refresh);
    stack.ok("InitiateAuth", merged(refresh, metadata.clone())).await;
    assert_eq!((source(), told()), (json!("TokenGeneration_RefreshTokens"), None));
    let refresh = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
    stack.ok("GetTokensFromRefreshToken", merged(refresh, metadata.clone())).await;
    let sent = Some(json!({ "k": "v" }));
    assert_eq!((source(), told()), (json!("TokenGeneration_RefreshTokens"), sent.clone()));

    let input = json!({
        "UserPoolId": pool, "Username": "new", "TemporaryPassword": PASSWORD,
        "MessageAction": "SUPPRESS",
    });
    stack.ok("AdminCreateUser", input).await;
    stack.functions().clear();
    let asked = stack.ok("InitiateAuth", by_password(&client, "new", PASSWORD)).await;
    assert!(stack.functions().events().is_empty());
    let answer = reply(&client, "new", &asked, json!({ "NEW_PASSWORD": "Other-Horse-8" }));
    stack.ok(RESPOND, merged(answer, metadata)).await;
    assert_eq!((source(), told()), (json!("TokenGeneration_NewPasswordChallenge"), sent));
    assert_eq!(stack.functions().events().len(), 1);
}

#[tokio::test]
async fn a_function_that_fails_denies_the_tokens_and_uses_no_refresh_token_up() {
    let stack = Stack::new().await;
    let rotation = json!({ "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 });
    let client = json!({
        "RefreshTokenRotation": rotation, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
    });
    let (pool, client) = asking(&stack, &[TRIGGER], json!({}), client).await;
    stack.user(&pool, "ada", &[]).await;
    let tokens = stack.tokens(&client, "ada").await;
    stack.functions().throw(TRIGGER, "no");
    let refused = stack.refusal("InitiateAuth", by_password(&client, "ada", PASSWORD)).await;
    assert_eq!(refused, thrown(TRIGGER));
    let refresh = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
    let refused = stack.refusal("GetTokensFromRefreshToken", refresh.clone()).await;
    assert_eq!(refused, thrown(TRIGGER));
    stack.functions().respond(TRIGGER, json!({}));
    stack.ok("GetTokensFromRefreshToken", refresh.clone()).await;
    let reused = stack.refusal("GetTokensFromRefreshToken", refresh).await;
    assert_eq!(reused.0, "RefreshTokenReuseException");
}
