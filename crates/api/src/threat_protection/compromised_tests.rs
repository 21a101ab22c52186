//! What happens to passwords that others know.

use poolhouse_testkit::COMPROMISED;
use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, error, merged};

/// A pool with threat protection, a client, and a user `ada`, whose password everybody knows.
async fn protected(mode: &str) -> (Stack, String, String) {
    let stack = Stack::new().await;
    let overrides = json!({
        "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": mode },
        "AutoVerifiedAttributes": ["email"],
    });
    let pool = stack.pool(overrides).await;
    let client = stack.client(&pool, json!({})).await;
    let attributes = [("email", "ada@example.com"), ("email_verified", "true")];
    stack.user(&pool, "ada", &attributes).await;
    set_password(&stack, &pool, COMPROMISED).await;
    (stack, pool, client)
}

/// What administrators set is not looked up.
async fn set_password(stack: &Stack, pool: &str, password: &str) {
    let input = json!({
        "UserPoolId": pool, "Username": "ada", "Password": password, "Permanent": true,
    });
    stack.ok("AdminSetUserPassword", input).await;
}

async fn configure(stack: &Stack, pool: &str, filter: Value, action: &str) {
    let compromised = json!({ "EventFilter": filter, "Actions": { "EventAction": action } });
    let input =
        json!({ "UserPoolId": pool, "CompromisedCredentialsRiskConfiguration": compromised });
    stack.ok("SetRiskConfiguration", input).await;
}

fn sign_in(client: &str, password: &str) -> Value {
    json!({
        "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "ada", "PASSWORD": password },
    })
}

async fn status(stack: &Stack, pool: &str) -> Value {
    let user = json!({ "UserPoolId": pool, "Username": "ada" });
    stack.ok("AdminGetUser", user).await["UserStatus"].clone()
}

/// Type, response and risk of the last event. What comes after it is later.
async fn last_event(stack: &Stack, pool: &str) -> Value {
    let input = json!({ "UserPoolId": pool, "Username": "ada" });
    let events = stack.ok("AdminListUserAuthEvents", input).await;
    let event = &events["AuthEvents"][0];
    stack.advance(1);
    json!([event["EventType"], event["EventResponse"], event["EventRisk"]])
}

fn risk(decision: &str, is_known: bool) -> Value {
    json!({ "RiskDecision": decision, "CompromisedCredentialsDetected": is_known })
}

fn known() -> (String, String) {
    let text = "Provided password cannot be used for security reasons.";
    error("InvalidPasswordException", text)
}

fn reset_required() -> (String, String) {
    error("PasswordResetRequiredException", "Password reset required for the user")
}

#[tokio::test]
async fn a_right_password_that_others_know_has_to_be_reset() {
    let (stack, pool, client) = protected("ENFORCED").await;
    let wrong = error("NotAuthorizedException", "Incorrect username or password.");
    assert_eq!(stack.refusal("InitiateAuth", sign_in(&client, PASSWORD)).await, wrong);
    assert_eq!(status(&stack, &pool).await, "CONFIRMED");
    stack.advance(1);
    let refused = stack.refusal("InitiateAuth", sign_in(&client, COMPROMISED)).await;
    assert_eq!(refused, reset_required());
    assert_eq!(status(&stack, &pool).await, "RESET_REQUIRED");
    let expected = json!(["SignIn", "Fail", risk("Block", true)]);
    assert_eq!(last_event(&stack, &pool).await, expected);

    stack.ok("ForgotPassword", json!({ "ClientId": client, "Username": "ada" })).await;
    let code = stack.last_code_for("ada@example.com");
    stack.advance(1);
    let confirm = |password| {
        json!({
            "ClientId": client, "Username": "ada", "ConfirmationCode": code,
            "Password": password,
        })
    };
    let refused = stack.refusal("ConfirmForgotPassword", confirm(COMPROMISED)).await;
    assert_eq!(refused, known());
    let expected = json!(["ForgotPassword", "Fail", risk("Block", true)]);
    assert_eq!(last_event(&stack, &pool).await, expected);
    stack.ok("ConfirmForgotPassword", confirm(PASSWORD)).await;
    stack.tokens(&client, "ada").await;
    let expected = json!(["SignIn", "Pass", risk("NoRisk", false)]);
    assert_eq!(last_event(&stack, &pool).await, expected);
}

#[tokio::test]
async fn nothing_shows_of_who_exists_when_a_known_password_is_to_be_set() {
    let (stack, pool, _) = protected("ENFORCED").await;
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let client = stack.client(&pool, hides).await;
    for name in ["ada", "nobody"] {
        let input = json!({
            "ClientId": client, "Username": name, "ConfirmationCode": "123456",
            "Password": COMPROMISED,
        });
        assert_eq!(stack.refusal("ConfirmForgotPassword", input).await, known(), "{name}");
    }
}

#[tokio::test]
async fn the_choice_of_a_password_is_judged_as_the_sign_in_by_one() {
    let (stack, pool, _) = protected("ENFORCED").await;
    let flows = json!({ "ExplicitAuthFlows": ["ALLOW_USER_AUTH"] });
    let client = stack.client(&pool, flows).await;
    let parameters =
        json!({ "USERNAME": "ada", "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": COMPROMISED });
    let input = json!({
        "ClientId": client, "AuthFlow": "USER_AUTH", "AuthParameters": parameters,
    });
    assert_eq!(stack.refusal("InitiateAuth", input).await, reset_required());
    assert_eq!(status(&stack, &pool).await, "RESET_REQUIRED");
}

#[tokio::test]
async fn known_passwords_pass_where_nothing_is_blocked_and_show_in_events() {
    for (mode, action) in [("AUDIT", "BLOCK"), ("ENFORCED", "NO_ACTION")] {
        let (stack, pool, client) = protected(mode).await;
        configure(&stack, &pool, json!(null), action).await;
        stack.ok("InitiateAuth", sign_in(&client, COMPROMISED)).await;
        let expected = json!(["SignIn", "Pass", risk("NoRisk", true)]);
        assert_eq!(last_event(&stack, &pool).await, expected, "{mode} {action}");
        assert_eq!(status(&stack, &pool).await, "CONFIRMED");
        let input = json!({ "ClientId": client, "Username": "jo", "Password": COMPROMISED });
        stack.ok("SignUp", input).await;
        set_password(&stack, &pool, PASSWORD).await;
        let token = stack.access_token(&client, "ada").await;
        stack.advance(1);
        let input = json!({
            "AccessToken": token, "PreviousPassword": PASSWORD, "ProposedPassword": COMPROMISED,
        });
        stack.ok("ChangePassword", input).await;
        let expected = json!(["PasswordChange", "Pass", risk("NoRisk", true)]);
        assert_eq!(last_event(&stack, &pool).await, expected, "{mode} {action}");
    }
}

#[tokio::test]
async fn what_is_not_in_the_filter_is_not_looked_up() {
    let (stack, pool, client) = protected("ENFORCED").await;
    configure(&stack, &pool, json!(["SIGN_UP"]), "BLOCK").await;
    stack.ok("InitiateAuth", sign_in(&client, COMPROMISED)).await;
    let expected = json!(["SignIn", "Pass", risk("NoRisk", false)]);
    assert_eq!(last_event(&stack, &pool).await, expected);
    let input = json!({ "ClientId": client, "Username": "jo", "Password": COMPROMISED });
    assert_eq!(stack.refusal("SignUp", input.clone()).await, known());
    let user = json!({ "UserPoolId": pool, "Username": "jo" });
    stack.refusal("AdminGetUser", user).await;
    configure(&stack, &pool, json!(["SIGN_IN", "PASSWORD_CHANGE"]), "BLOCK").await;
    stack.ok("SignUp", input).await;
}

#[tokio::test]
async fn a_client_may_have_its_own_rule() {
    let (stack, pool, client) = protected("ENFORCED").await;
    let none = json!({ "Actions": { "EventAction": "NO_ACTION" } });
    let input = json!({
        "UserPoolId": pool, "ClientId": client, "CompromisedCredentialsRiskConfiguration": none,
    });
    stack.ok("SetRiskConfiguration", input).await;
    stack.ok("InitiateAuth", sign_in(&client, COMPROMISED)).await;
    let other = stack.client(&pool, json!({})).await;
    let refused = stack.refusal("InitiateAuth", sign_in(&other, COMPROMISED)).await;
    assert_eq!(refused, reset_required());
}

#[tokio::test]
async fn addresses_that_are_never_judged_are_left_alone() {
    let (stack, pool, client) = protected("ENFORCED").await;
    let input = json!({
        "UserPoolId": pool,
        "RiskExceptionConfiguration": { "SkippedIPRangeList": ["192.0.2.0/24"] },
    });
    stack.ok("SetRiskConfiguration", input).await;
    stack.ok("InitiateAuth", sign_in(&client, COMPROMISED)).await;
}

#[tokio::test]
async fn a_first_password_of_ones_own_is_looked_up_and_a_temporary_one_is_replaced_anyway() {
    let (stack, pool, client) = protected("ENFORCED").await;
    let input = json!({ "UserPoolId": pool, "Username": "ada", "Password": COMPROMISED });
    stack.ok("AdminSetUserPassword", input).await;
    let challenge = stack.ok("InitiateAuth", sign_in(&client, COMPROMISED)).await;
    assert_eq!(challenge["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let expected = json!(["SignIn", "InProgress", risk("NoRisk", true)]);
    assert_eq!(last_event(&stack, &pool).await, expected);
    let answer = |password| {
        json!({
            "ClientId": client, "ChallengeName": "NEW_PASSWORD_REQUIRED",
            "Session": challenge["Session"],
            "ChallengeResponses": { "USERNAME": "ada", "NEW_PASSWORD": password },
        })
    };
    let refused = stack.refusal("RespondToAuthChallenge", answer(COMPROMISED)).await;
    assert_eq!(refused, known());
    let expected = json!(["PasswordChange", "Fail", risk("Block", true)]);
    assert_eq!(last_event(&stack, &pool).await, expected);
    stack.ok("RespondToAuthChallenge", answer(PASSWORD)).await;
}

#[tokio::test]
async fn changing_to_a_known_password_is_refused_and_counts() {
    let (stack, pool, client) = protected("ENFORCED").await;
    set_password(&stack, &pool, PASSWORD).await;
    let token = stack.access_token(&client, "ada").await;
    stack.advance(1);
    let input = |previous: &str| {
        json!({
            "AccessToken": token, "PreviousPassword": previous, "ProposedPassword": COMPROMISED,
        })
    };
    let wrong = error("NotAuthorizedException", "Incorrect username or password.");
    assert_eq!(stack.refusal("ChangePassword", input("wrong")).await, wrong);
    stack.advance(1);
    assert_eq!(stack.refusal("ChangePassword", input(PASSWORD)).await, known());
    let expected = json!(["PasswordChange", "Fail", risk("Block", true)]);
    assert_eq!(last_event(&stack, &pool).await, expected);
    stack.tokens(&client, "ada").await;
}

#[tokio::test]
async fn without_threat_protection_no_password_is_looked_up() {
    let stack = Stack::new().await;
    let pool = stack.pool(merged(json!({}), json!({ "UserPoolTier": "PLUS" }))).await;
    let client = stack.client(&pool, json!({})).await;
    let input = json!({ "ClientId": client, "Username": "jo", "Password": COMPROMISED });
    stack.ok("SignUp", input).await;
}
