//! What each way of ending access does to the tokens of a sign-in, and to those of another one.

use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, merged, text};

/// What is left of a sign-in: whether its access token opens operations, and its refresh token
/// brings new ones.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    access: bool,
    refresh: bool,
}

const ALL: Left = Left { access: true, refresh: true };
const NOTHING: Left = Left { access: false, refresh: false };

/// Ways of ending access, or of seeming to.
const ACTIONS: [(&str, Left, Left); 10] = [
    ("RevokeToken", NOTHING, ALL),
    ("RevokeTokenOfARefreshedSignIn", NOTHING, ALL),
    ("RevokeUserSession", NOTHING, ALL),
    ("AdminRevokeUserSession", NOTHING, ALL),
    ("GlobalSignOut", NOTHING, NOTHING),
    ("AdminUserGlobalSignOut", NOTHING, NOTHING),
    ("AdminDisableUserAndEnable", NOTHING, NOTHING),
    ("ChangePassword", ALL, ALL),
    ("ForgotPassword", ALL, ALL),
    ("AdminSetUserPassword", ALL, ALL),
];

/// A pool that tracks sessions, and two sign-ins of the user `ada`.
struct Scene {
    stack: Stack,
    pool: String,
    client: String,
    one: Value,
    other: Value,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = json!({
            "UserPoolId": pool, "UserSessionTracking": "ENABLED",
            "TokenSession": { "MaxPerUser": 5 },
        });
        stack.ok("SetUserPoolSessionConfiguration", input).await;
        let client = stack.client(&pool, json!({})).await;
        let email = [("email", "ada@example.com"), ("email_verified", "true")];
        stack.user(&pool, "ada", &email).await;
        let one = stack.tokens(&client, "ada").await;
        let other = stack.tokens(&client, "ada").await;
        stack.advance(1);
        Self { stack, pool, client, one, other }
    }

    async fn left(&self, tokens: &Value) -> Left {
        let input = json!({ "AccessToken": tokens["AccessToken"] });
        let access = self.stack.call("GetUser", input).await.status == 200;
        let input = json!({ "ClientId": self.client, "RefreshToken": tokens["RefreshToken"] });
        let refresh = self.stack.call("GetTokensFromRefreshToken", input).await.status == 200;
        Left { access, refresh }
    }

    /// The id of the first sign-in's session.
    async fn session(&self) -> String {
        let input = json!({ "AccessToken": self.one["AccessToken"] });
        let answer = self.stack.ok("ListUserSessions", input).await;
        let sessions = answer["Sessions"].as_array().unwrap().clone();
        let own = sessions.iter().find(|session| session["IsCurrentSession"] == true);
        text(&own.unwrap()["SessionId"])
    }

    async fn act(&self, action: &str) {
        let ok = |operation, input| self.stack.ok(operation, input);
        let ada = json!({ "UserPoolId": self.pool, "Username": "ada" });
        let (one, other) = (&self.one["AccessToken"], &self.other["AccessToken"]);
        let token = &self.one["RefreshToken"];
        let with_token = json!({ "ClientId": self.client, "Token": token });
        match action {
            "RevokeToken" => ok(action, with_token).await,
            "RevokeTokenOfARefreshedSignIn" => {
                let input = json!({ "ClientId": self.client, "RefreshToken": token });
                ok("GetTokensFromRefreshToken", input).await;
                ok("RevokeToken", with_token).await
            }
            "RevokeUserSession" => {
                let id = self.session().await;
                ok(action, json!({ "AccessToken": other, "SessionId": id })).await
            }
            "AdminRevokeUserSession" => {
                let id = self.session().await;
                ok(action, merged(ada, json!({ "SessionId": id }))).await
            }
            "GlobalSignOut" => ok(action, json!({ "AccessToken": one })).await,
            "AdminUserGlobalSignOut" => ok(action, ada).await,
            "AdminDisableUserAndEnable" => {
                ok("AdminDisableUser", ada.clone()).await;
                assert_eq!(self.left(&self.other).await, NOTHING);
                ok("AdminEnableUser", ada).await
            }
            "ChangePassword" => {
                let input = json!({
                    "AccessToken": one, "PreviousPassword": PASSWORD,
                    "ProposedPassword": "Another-Horse-8",
                });
                ok(action, input).await
            }
            "ForgotPassword" => {
                let input = json!({ "ClientId": self.client, "Username": "ada" });
                ok(action, input.clone()).await;
                let answer = json!({
                    "ConfirmationCode": self.stack.last_code_for("ada@example.com"),
                    "Password": "Another-Horse-8",
                });
                ok("ConfirmForgotPassword", merged(input, answer)).await
            }
            "AdminSetUserPassword" => {
                let password = json!({ "Password": "Another-Horse-8", "Permanent": true });
                ok(action, merged(ada, password)).await
            }
            other => panic!("no action {other}"),
        };
    }
}

#[tokio::test]
async fn each_action_kills_what_it_should_and_nothing_else() {
    for (action, one, other) in ACTIONS {
        let scene = Scene::new().await;
        scene.act(action).await;
        assert_eq!(scene.left(&scene.one).await, one, "the sign-in itself after {action}");
        assert_eq!(scene.left(&scene.other).await, other, "another sign-in after {action}");
        let input = json!({ "UserPoolId": scene.pool, "Username": "ada" });
        let answer = scene.stack.ok("AdminListUserSessions", input).await;
        let alive = [one, other].iter().filter(|left| **left == ALL).count();
        let listed = answer["Sessions"].as_array().unwrap().len();
        assert_eq!(listed, alive, "sessions after {action}");
    }
}

/// New tokens for a refresh token.
async fn refreshed(stack: &Stack, client: &str, tokens: &Value) -> Value {
    let input = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
    stack.ok("GetTokensFromRefreshToken", input).await["AuthenticationResult"].take()
}

/// The type of the error for a refresh token.
async fn refused(stack: &Stack, client: &str, tokens: &Value) -> String {
    let input = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
    stack.refusal("GetTokensFromRefreshToken", input).await.0
}

/// A pool, a client that rotates refresh tokens without grace, and the first tokens of a user.
async fn rotating(stack: &Stack, overrides: Value) -> (String, String, Value) {
    let pool = stack.pool(json!({})).await;
    let settings = json!({
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 },
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
    });
    let client = stack.client(&pool, merged(settings, overrides)).await;
    stack.user(&pool, "ada", &[]).await;
    let tokens = stack.tokens(&client, "ada").await;
    (pool, client, tokens)
}

#[tokio::test]
async fn revoking_any_token_of_a_chain_revokes_the_chain() {
    for revoked in 0..3 {
        let stack = Stack::new().await;
        let (_, client, first) = rotating(&stack, json!({})).await;
        let second = refreshed(&stack, &client, &first).await;
        let third = refreshed(&stack, &client, &second).await;
        let token = &[&first, &second, &third][revoked]["RefreshToken"];
        stack.ok("RevokeToken", json!({ "ClientId": client, "Token": token })).await;
        assert_eq!(refused(&stack, &client, &third).await, "NotAuthorizedException");
        for tokens in [&first, &second, &third] {
            let input = json!({ "AccessToken": tokens["AccessToken"] });
            assert_eq!(stack.refusal("GetUser", input).await.1, "Access Token has been revoked");
        }
    }
}

#[tokio::test]
async fn reuse_kills_the_access_tokens_too_even_where_the_client_can_t_revoke() {
    let stack = Stack::new().await;
    let (_, client, first) = rotating(&stack, json!({ "EnableTokenRevocation": false })).await;
    let second = refreshed(&stack, &client, &first).await;
    assert_eq!(refused(&stack, &client, &first).await, "RefreshTokenReuseException");
    for tokens in [&first, &second] {
        let input = json!({ "AccessToken": tokens["AccessToken"] });
        assert_eq!(stack.refusal("GetUser", input).await.1, "Access Token has been revoked");
    }
}

#[tokio::test]
async fn a_chain_ends_when_its_first_token_would_have() {
    let stack = Stack::new().await;
    let hour = json!({
        "RefreshTokenValidity": 1, "TokenValidityUnits": { "RefreshToken": "hours" },
    });
    let (_, client, first) = rotating(&stack, hour).await;
    stack.advance(1_800);
    let second = refreshed(&stack, &client, &first).await;
    stack.advance(1_799);
    let third = refreshed(&stack, &client, &second).await;
    stack.advance(1);
    let input = json!({ "ClientId": client, "RefreshToken": third["RefreshToken"] });
    let refused = stack.refusal("GetTokensFromRefreshToken", input).await;
    assert_eq!(refused.1, "Refresh Token has expired");
}

#[tokio::test]
async fn what_was_replaced_stays_so_when_the_client_stops_rotating() {
    let stack = Stack::new().await;
    let (pool, client, first) = rotating(&stack, json!({})).await;
    let second = refreshed(&stack, &client, &first).await;
    let input = json!({
        "UserPoolId": pool, "ClientId": client,
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    stack.ok("UpdateUserPoolClient", input).await;
    let third = refreshed(&stack, &client, &second).await;
    assert!(third.get("RefreshToken").is_none());
    let input = json!({
        "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": { "REFRESH_TOKEN": first["RefreshToken"] },
    });
    assert_eq!(stack.refusal("InitiateAuth", input).await.1, "Refresh Token has been revoked");
    assert_eq!(refused(&stack, &client, &second).await, "NotAuthorizedException");
}
