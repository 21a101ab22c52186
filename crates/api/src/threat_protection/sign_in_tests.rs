//! What threat protection sees of sign-ins and of what is around them, and what it does.

use poolhouse_domain::{caller::Caller, threat_protection::feedback};
use serde_json::{Value, json};

use crate::{
    testing::{PASSWORD, Stack, claims, error, invalid, merged, text},
    totp::testing::{answer_to, code, enrol, offer_totp, start},
};

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                       Gecko) Chrome/126.0.0.0 Safari/537.36";
const BLOCKED: &str = "Unable to login because of security reasons.";

/// A pool with threat protection, a client and a user `ada`.
async fn protected(mode: &str, overrides: Value) -> (Stack, String, String) {
    let mut stack = Stack::new().await;
    let plus =
        json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": mode } });
    let pool = stack.pool(merged(plus, overrides)).await;
    let client = stack.client(&pool, json!({})).await;
    stack.user(&pool, "ada", &[]).await;
    come_from(&mut stack, "192.0.2.1", WINDOWS);
    (stack, pool, client)
}

fn come_from(stack: &mut Stack, ip: &str, user_agent: &str) {
    stack.ports.caller = Caller::new(ip.parse().ok(), Some(user_agent));
}

fn sign_in(client: &str, password: &str) -> Value {
    json!({
        "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "ada", "PASSWORD": password },
    })
}

async fn events(stack: &Stack, pool: &str) -> Vec<Value> {
    let input = json!({ "UserPoolId": pool, "Username": "ada" });
    let answer = stack.ok("AdminListUserAuthEvents", input).await;
    assert_eq!(answer["NextToken"], Value::Null);
    answer["AuthEvents"].as_array().unwrap().clone()
}

/// The claim `event_id` of a token.
fn event_id(token: &Value) -> String {
    text(&claims(token)["event_id"])
}

async fn act(stack: &Stack, pool: &str, actions: Value) {
    let input = json!({
        "UserPoolId": pool, "AccountTakeoverRiskConfiguration": { "Actions": actions },
    });
    stack.ok("SetRiskConfiguration", input).await;
}

fn action(name: &str) -> Value {
    json!({ "Notify": false, "EventAction": name })
}

#[tokio::test]
async fn a_sign_in_is_one_event_with_the_id_of_its_tokens() {
    let (stack, pool, client) = protected("AUDIT", json!({})).await;
    let tokens = stack.tokens(&client, "ada").await;
    let events = events(&stack, &pool).await;
    let id = event_id(&tokens["AccessToken"]);
    assert_eq!(event_id(&tokens["IdToken"]), id);
    let created = poolhouse_wire::to_json(&stack.ports.clock.now().to_wire());
    assert_eq!(events[0]["CreationDate"].to_string(), created);
    let expected = json!([{
        "EventId": id, "EventType": "SignIn", "CreationDate": events[0]["CreationDate"],
        "EventResponse": "Pass",
        "EventRisk": { "RiskDecision": "NoRisk", "CompromisedCredentialsDetected": false },
        "ChallengeResponses": [{ "ChallengeName": "Password", "ChallengeResponse": "Success" }],
        "EventContextData": {
            "IpAddress": "192.0.2.1", "DeviceName": "Chrome 126, Windows 10", "City": "null",
            "Country": "null",
        },
    }]);
    assert_eq!(json!(events), expected);
}

#[tokio::test]
async fn an_event_goes_from_in_progress_to_its_end() {
    let (stack, pool, client) = protected("ENFORCED", json!({})).await;
    let config = json!({
        "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
    });
    stack.ok("SetUserPoolMfaConfig", config).await;
    let secret = enrol(&stack, &client, "ada").await;
    let before = events(&stack, &pool).await.len();
    stack.advance(60);
    let challenge = start(&stack, &client, "ada").await;
    let waiting = events(&stack, &pool).await;
    assert_eq!(waiting.len(), before + 1);
    assert_eq!(waiting[0]["EventResponse"], "InProgress");
    let wrong = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", "000000");
    stack.refusal("RespondToAuthChallenge", wrong).await;
    assert_eq!(events(&stack, &pool).await[0]["EventResponse"], "Fail");
    let right = code(&stack, &secret, 0);
    let right = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &right);
    let answer = stack.ok("RespondToAuthChallenge", right).await;
    let done = events(&stack, &pool).await;
    assert_eq!(done.len(), before + 1);
    let id = event_id(&answer["AuthenticationResult"]["AccessToken"]);
    assert_eq!(done[0]["EventId"], id);
    assert_eq!(done[0]["EventResponse"], "Pass");
    let told = |name: &str, how: &str| json!({ "ChallengeName": name, "ChallengeResponse": how });
    assert_eq!(
        done[0]["ChallengeResponses"],
        json!([told("Password", "Success"), told("Mfa", "Failure"), told("Mfa", "Success")])
    );
}

#[tokio::test]
async fn a_wrong_password_is_a_failure_and_a_lock_is_not_looked_at() {
    let (stack, pool, client) = protected("AUDIT", json!({})).await;
    for _ in 0..5 {
        stack.refusal("InitiateAuth", sign_in(&client, "wrong")).await;
    }
    let locked = stack.refusal("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(locked, error("NotAuthorizedException", "Password attempts exceeded"));
    let events = events(&stack, &pool).await;
    assert_eq!(events.len(), 5);
    assert_eq!(events[0]["EventResponse"], "Fail");
    let failure = json!([{ "ChallengeName": "Password", "ChallengeResponse": "Failure" }]);
    assert_eq!(events[0]["ChallengeResponses"], failure);
}

#[tokio::test]
async fn pools_without_the_add_on_record_nothing_and_tell_nothing() {
    let stack = Stack::new().await;
    let pool = stack.pool(json!({})).await;
    let client = stack.client(&pool, json!({})).await;
    let sub = stack.user(&pool, "ada", &[]).await;
    stack.tokens(&client, "ada").await;
    stack.refusal("InitiateAuth", sign_in(&client, "wrong")).await;
    let mut view = stack.ports.store.read().await.unwrap();
    assert_eq!(view.list_auth_events(&pool, &sub, None, 10).await.unwrap(), []);
    let event = json!({
        "UserPoolId": pool, "Username": "ada", "EventId": "x", "FeedbackValue": "Valid",
    });
    let text = "Threat protection is not enabled for the user pool.";
    let off = error("UserPoolAddOnNotEnabledException", text);
    let input = json!({ "UserPoolId": pool, "Username": "ada" });
    assert_eq!(stack.refusal("AdminListUserAuthEvents", input).await, off);
    assert_eq!(stack.refusal("AdminUpdateAuthEventFeedback", event.clone()).await, off);
    let event = merged(event, json!({ "FeedbackToken": "x" }));
    assert_eq!(stack.refusal("UpdateAuthEventFeedback", event).await, off);
}

#[tokio::test]
async fn blocked_networks_are_refused_where_protection_is_enforced() {
    for (mode, is_refused) in [("ENFORCED", true), ("AUDIT", false)] {
        let (mut stack, pool, client) = protected(mode, json!({})).await;
        let ranges = json!({
            "BlockedIPRangeList": ["198.51.100.0/24"], "SkippedIPRangeList": ["203.0.113.0/24"],
        });
        let input = json!({ "UserPoolId": pool, "RiskExceptionConfiguration": ranges });
        stack.ok("SetRiskConfiguration", input).await;
        come_from(&mut stack, "198.51.100.7", WINDOWS);
        let answer = stack.call("InitiateAuth", sign_in(&client, PASSWORD)).await;
        assert_eq!(answer.status, if is_refused { 400 } else { 200 });
        if is_refused {
            assert_eq!(answer.body["__type"], "NotAuthorizedException");
            assert_eq!(answer.body["message"], BLOCKED);
            let unknown = json!({
                "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
                "AuthParameters": { "USERNAME": "nobody", "PASSWORD": PASSWORD },
            });
            let refused = stack.refusal("InitiateAuth", unknown).await;
            assert_eq!(refused, error("NotAuthorizedException", BLOCKED));
        }
        let event = &events(&stack, &pool).await[0];
        assert_eq!(event["EventResponse"], if is_refused { "Fail" } else { "Pass" });
        let risk = json!({ "RiskDecision": "Block", "CompromisedCredentialsDetected": false });
        assert_eq!(event["EventRisk"], risk);
        come_from(&mut stack, "203.0.113.9", "curl/8.5.0");
        stack.tokens(&client, "ada").await;
        assert_eq!(events(&stack, &pool).await[0]["EventRisk"]["RiskDecision"], "NoRisk");
    }
}

#[tokio::test]
async fn a_stranger_is_blocked_by_default_once_the_user_has_a_history() {
    let (mut stack, pool, client) = protected("ENFORCED", json!({})).await;
    stack.tokens(&client, "ada").await;
    stack.advance(3_600);
    come_from(&mut stack, "198.51.100.7", WINDOWS);
    stack.tokens(&client, "ada").await;
    stack.advance(3_600);
    come_from(&mut stack, "203.0.113.1", "curl/8.5.0");
    let refused = stack.refusal("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(refused, error("NotAuthorizedException", BLOCKED));
    let event = &events(&stack, &pool).await[0];
    assert_eq!(event["EventResponse"], "Fail");
    assert_eq!(event["EventRisk"]["RiskDecision"], "Block");
    assert_eq!(event["EventRisk"]["RiskLevel"], "Low");
    act(&stack, &pool, json!({ "HighAction": action("BLOCK") })).await;
    stack.tokens(&client, "ada").await;
    let event = &events(&stack, &pool).await[0];
    assert_eq!(event["EventRisk"]["RiskDecision"], "AccountTakeover");
    assert_eq!(event["EventResponse"], "Pass");
}

#[tokio::test]
async fn where_mfa_is_required_at_a_risk_users_without_it_are_blocked() {
    let (mut stack, pool, client) = protected("ENFORCED", json!({})).await;
    stack.tokens(&client, "ada").await;
    stack.advance(3_600);
    act(&stack, &pool, json!({ "LowAction": action("MFA_REQUIRED"), "MediumAction": action("BLOCK"), "HighAction": action("BLOCK") })).await;
    come_from(&mut stack, "203.0.113.1", "curl/8.5.0");
    let refused = stack.refusal("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(refused, error("NotAuthorizedException", BLOCKED));
    come_from(&mut stack, "192.0.2.1", WINDOWS);
    let config = json!({
        "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
    });
    stack.ok("SetUserPoolMfaConfig", config).await;
    enrol(&stack, &client, "ada").await;
    come_from(&mut stack, "203.0.113.1", "curl/8.5.0");
    stack.advance(3_600);
    let answer = stack.ok("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(answer["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    act(&stack, &pool, json!({ "LowAction": action("BLOCK"), "MediumAction": action("BLOCK"), "HighAction": action("BLOCK") })).await;
    let refused = stack.refusal("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(refused, error("NotAuthorizedException", BLOCKED));
}

#[tokio::test]
async fn the_other_events_are_recorded_too() {
    let (stack, pool, client) = protected("AUDIT", json!({})).await;
    let input = json!({
        "ClientId": client, "Username": "jo", "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": "jo@gm.com" }],
    });
    stack.ok("SignUp", input).await;
    let admin = json!({ "UserPoolId": pool, "Username": "jo" });
    stack.ok("AdminConfirmSignUp", admin.clone()).await;
    let verified = json!([{ "Name": "email_verified", "Value": "true" }]);
    let update = merged(admin.clone(), json!({ "UserAttributes": verified }));
    stack.ok("AdminUpdateUserAttributes", update).await;
    stack.ok("ForgotPassword", json!({ "ClientId": client, "Username": "jo" })).await;
    let confirm = |code: &str| {
        json!({
            "ClientId": client, "Username": "jo", "ConfirmationCode": code, "Password": PASSWORD,
        })
    };
    let right = stack.last_code_for("jo@gm.com");
    stack.refusal("ConfirmForgotPassword", confirm("000000")).await;
    stack.ok("ConfirmForgotPassword", confirm(&right)).await;
    let token = stack.access_token(&client, "jo").await;
    let change = |previous: &str| {
        json!({
            "AccessToken": token, "PreviousPassword": previous, "ProposedPassword": PASSWORD,
        })
    };
    stack.refusal("ChangePassword", change("Wrong-Horse-7")).await;
    stack.ok("ChangePassword", change(PASSWORD)).await;
    let answer = stack.ok("AdminListUserAuthEvents", admin).await;
    let told: Vec<_> = answer["AuthEvents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| format!("{} {}", text(&event["EventType"]), text(&event["EventResponse"])))
        .collect();
    // The clock stands still, so that the order is that of the ids' random part.
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "ForgotPassword Fail",
            "ForgotPassword InProgress",
            "ForgotPassword Pass",
            "PasswordChange Fail",
            "PasswordChange Pass",
            "SignIn Pass",
            "SignUp Pass",
        ]
    );
}

#[tokio::test]
async fn a_client_that_hides_who_exists_has_failures_recorded_after_the_answer() {
    let (stack, pool, _) = protected("AUDIT", json!({})).await;
    let hiding = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let client = stack.client(&pool, hiding).await;
    stack.refusal("InitiateAuth", sign_in(&client, "wrong")).await;
    let mut seen = events(&stack, &pool).await;
    for _ in 0..1_000 {
        if !seen.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
        seen = events(&stack, &pool).await;
    }
    assert_eq!(seen[0]["EventResponse"], "Fail");
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest() {
    let (stack, pool, client) = protected("AUDIT", json!({})).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        stack.advance(1);
        ids.insert(0, event_id(&stack.tokens(&client, "ada").await["IdToken"]));
    }
    let (mut seen, mut token, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let input = json!({
            "UserPoolId": pool, "Username": "ada", "MaxResults": 2, "NextToken": token,
        });
        let answer = stack.ok("AdminListUserAuthEvents", input).await;
        let events = answer["AuthEvents"].as_array().unwrap();
        seen.extend(events.iter().map(|event| text(&event["EventId"])));
        pages += 1;
        token = answer["NextToken"].clone();
        if token.is_null() {
            break;
        }
        let other = json!({ "UserPoolId": pool, "Username": "bea", "NextToken": token });
        let refused = stack.refusal("AdminListUserAuthEvents", other).await;
        assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
    }
    assert_eq!((seen, pages), (ids, 3));
    let garbage = json!({ "UserPoolId": pool, "Username": "ada", "NextToken": "x" });
    let refused = stack.refusal("AdminListUserAuthEvents", garbage).await;
    assert_eq!(refused, invalid("Invalid pagination token given."));
}

#[tokio::test]
async fn feedback_comes_from_administrators_and_by_token_from_users() {
    let (mut stack, pool, client) = protected("ENFORCED", json!({})).await;
    stack.user(&pool, "bea", &[]).await;
    let id = event_id(&stack.tokens(&client, "ada").await["IdToken"]);
    let input = |event: &str, value: &str| {
        json!({
            "UserPoolId": pool, "Username": "ada", "EventId": event, "FeedbackValue": value,
        })
    };
    assert_eq!(stack.ok("AdminUpdateAuthEventFeedback", input(&id, "Valid")).await, json!({}));
    let given = events(&stack, &pool).await[0]["EventFeedback"].clone();
    assert_eq!((&given["FeedbackValue"], &given["Provider"]), (&json!("Valid"), &json!("Admin")));
    assert!(given["FeedbackDate"].is_number());
    let refused = stack.refusal("AdminUpdateAuthEventFeedback", input("none", "Valid")).await;
    assert_eq!(refused, error("ResourceNotFoundException", "Auth event does not exist."));
    let unknown = merged(input(&id, "Valid"), json!({ "Username": "nobody" }));
    let refused = stack.refusal("AdminUpdateAuthEventFeedback", unknown).await;
    assert_eq!(refused, error("UserNotFoundException", "User does not exist."));

    let mut view = stack.ports.store.read().await.unwrap();
    let user = view.user_by_username(&pool, "ada").await.unwrap().unwrap();
    let event = view.auth_event(&pool, &user.sub, &id).await.unwrap().unwrap();
    drop(view);
    let token = feedback::token(&stack.ports, &event);
    let by_user = |members: Value| {
        let token = json!({ "FeedbackToken": token });
        merged(merged(input(&id, "Invalid"), token), members)
    };
    let invalid_token = error("NotAuthorizedException", "Invalid feedback token.");
    for wrong in [
        json!({ "Username": "bea" }),
        json!({ "Username": "nobody" }),
        json!({ "EventId": "other" }),
        json!({ "FeedbackToken": "x" }),
    ] {
        let refused = stack.refusal("UpdateAuthEventFeedback", by_user(wrong)).await;
        assert_eq!(refused, invalid_token);
    }
    assert_eq!(stack.ok("UpdateAuthEventFeedback", by_user(json!({}))).await, json!({}));
    let given = events(&stack, &pool).await[0]["EventFeedback"].clone();
    assert_eq!((&given["FeedbackValue"], &given["Provider"]), (&json!("Invalid"), &json!("User")));
    // What was not the user counts against what looks alike.
    let refused = stack.refusal("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(refused, error("NotAuthorizedException", BLOCKED));
    assert_eq!(events(&stack, &pool).await[0]["EventRisk"]["RiskLevel"], "High");
    come_from(&mut stack, "198.51.100.1", WINDOWS);
    stack.tokens(&client, "ada").await;
    stack.advance(7 * 86_400);
    let refused = stack.refusal("UpdateAuthEventFeedback", by_user(json!({}))).await;
    assert_eq!(refused, invalid_token);
}

#[tokio::test]
async fn what_a_request_says_of_its_device_counts_where_it_may() {
    let (stack, pool, client) = protected("AUDIT", json!({})).await;
    let server =
        json!({ "GenerateSecret": true, "EnablePropagateAdditionalUserContextData": true });
    let server = stack
        .ok(
            "CreateUserPoolClient",
            merged(
                json!({
                    "UserPoolId": pool, "ClientName": "server",
                    "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
                }),
                server,
            ),
        )
        .await["UserPoolClient"]
        .take();
    let data = json!({ "UserContextData": { "IpAddress": "203.0.113.5", "EncodedData": "x" } });
    stack.ok("InitiateAuth", merged(sign_in(&client, PASSWORD), data)).await;
    let seen = events(&stack, &pool).await[0]["EventContextData"].clone();
    assert_eq!(seen["IpAddress"], "192.0.2.1", "a client without secret is not believed");

    stack.advance(1);
    let context = json!({
        "IpAddress": "203.0.113.6", "ServerName": "a", "ServerPath": "/",
        "HttpHeaders": [{ "headerName": "USER-AGENT", "headerValue": "curl/8.5" }],
    });
    let secret = text(&server["ClientSecret"]);
    let id = text(&server["ClientId"]);
    let hash = poolhouse_domain::secret_hash::compute(&secret, "ada", &id);
    let input = json!({
        "UserPoolId": pool, "ClientId": id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "ada", "PASSWORD": PASSWORD, "SECRET_HASH": hash },
        "ContextData": context,
    });
    stack.ok("AdminInitiateAuth", input).await;
    let seen = events(&stack, &pool).await[0]["EventContextData"].clone();
    assert_eq!(
        (&seen["IpAddress"], &seen["DeviceName"]),
        (&json!("203.0.113.6"), &json!("curl 8, Other"))
    );
}

#[tokio::test]
async fn where_everybody_needs_mfa_a_risk_demands_a_factor_that_is_there_already() {
    let (mut stack, pool, client) = protected("ENFORCED", json!({})).await;
    stack.tokens(&client, "ada").await;
    stack.advance(3_600);
    let level = || action("MFA_REQUIRED");
    let levels = json!({ "LowAction": level(), "MediumAction": level(), "HighAction": level() });
    act(&stack, &pool, levels).await;
    offer_totp(&stack, &pool, "ON").await;
    stack.advance(2);
    let answer = stack.ok("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(answer["ChallengeName"], "MFA_SETUP", "without risk one can be set up");
    come_from(&mut stack, "203.0.113.1", "curl/8.5.0");
    let refused = stack.refusal("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(refused, error("NotAuthorizedException", BLOCKED));
    let event = &events(&stack, &pool).await[0];
    assert_eq!(event["EventRisk"]["RiskDecision"], "AccountTakeover");
}

#[tokio::test]
async fn a_blocked_network_gets_no_further_at_any_step() {
    let (mut stack, pool, client) = protected("ENFORCED", json!({})).await;
    let all = ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"];
    let choosing = stack.client(&pool, json!({ "ExplicitAuthFlows": all })).await;
    offer_totp(&stack, &pool, "OPTIONAL").await;
    let secret = enrol(&stack, &client, "ada").await;
    let ranges = json!({ "BlockedIPRangeList": ["198.51.100.0/24"] });
    let input = json!({ "UserPoolId": pool, "RiskExceptionConfiguration": ranges });
    stack.ok("SetRiskConfiguration", input).await;

    let mfa = start(&stack, &client, "ada").await;
    let mfa = answer_to(&client, &mfa, "SOFTWARE_TOKEN_MFA_CODE", &code(&stack, &secret, 0));
    let begin = |flow: &str, parameters: Value| {
        let parameters = merged(json!({ "USERNAME": "ada" }), parameters);
        json!({ "ClientId": choosing, "AuthFlow": flow, "AuthParameters": parameters })
    };
    let chosen = stack.ok("InitiateAuth", begin("USER_AUTH", json!({}))).await;
    let chosen = json!({
        "ClientId": choosing, "ChallengeName": "SELECT_CHALLENGE", "Session": chosen["Session"],
        "ChallengeResponses": { "USERNAME": "ada", "ANSWER": "PASSWORD", "PASSWORD": PASSWORD },
    });
    let begun = stack.ok("InitiateAuth", begin("USER_SRP_AUTH", json!({ "SRP_A": "2" }))).await;
    let proof = json!({
        "ClientId": choosing, "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeResponses": {
            "USERNAME": "ada", "PASSWORD_CLAIM_SIGNATURE": "AAAA",
            "PASSWORD_CLAIM_SECRET_BLOCK": begun["ChallengeParameters"]["SECRET_BLOCK"],
            "TIMESTAMP": "Sat Nov 7 09:03:07 UTC 2026",
        },
    });
    for step in [&mfa, &chosen, &proof] {
        come_from(&mut stack, "198.51.100.7", WINDOWS);
        let name = &step["ChallengeName"];
        let refused = stack.refusal("RespondToAuthChallenge", step.clone()).await;
        assert_eq!(refused, error("NotAuthorizedException", BLOCKED), "{name}");
        stack.advance(1);
        let latest = &events(&stack, &pool).await[0];
        assert_eq!(latest["EventRisk"]["RiskDecision"], "Block", "{name}");
        // From elsewhere it goes on as if nothing had been.
        come_from(&mut stack, "192.0.2.1", WINDOWS);
        let answer = stack.call("RespondToAuthChallenge", step.clone()).await;
        assert_eq!(answer.status == 200, name != "PASSWORD_VERIFIER", "{name}: {}", answer.body);
        assert_ne!(answer.body["message"], BLOCKED);
        stack.advance(1);
    }
}

#[tokio::test]
async fn a_right_password_without_the_second_factor_that_is_needed_is_a_failure() {
    let (stack, pool, client) = protected("AUDIT", json!({})).await;
    let sms = json!({ "SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x" });
    let only_by_text = json!({
        "UserPoolId": pool, "MfaConfiguration": "ON",
        "SmsMfaConfiguration": { "SmsConfiguration": sms },
    });
    stack.ok("SetUserPoolMfaConfig", only_by_text).await;
    stack.advance(2);
    let refused = stack.refusal("InitiateAuth", sign_in(&client, PASSWORD)).await;
    assert_eq!(refused.0, "MFAMethodNotFoundException");
    let found = events(&stack, &pool).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["EventType"], "SignIn");
    assert_eq!(found[0]["EventResponse"], "Fail");
    let password = json!([{ "ChallengeName": "Password", "ChallengeResponse": "Success" }]);
    assert_eq!(found[0]["ChallengeResponses"], password);
}
