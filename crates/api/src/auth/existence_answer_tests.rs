//! What each operation that names a user says of a name that nobody has: the truth, or what it says of
//! somebody, as the app client's `PreventUserExistenceErrors` asks.

use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, error, merged};

/// A pool that verifies mail, with the user `ada`, and a client in this mode.
async fn scene(mode: &str) -> (Stack, String, String) {
    let stack = Stack::new().await;
    let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
    let client = stack.client(&pool, json!({ "PreventUserExistenceErrors": mode })).await;
    stack.user(&pool, "ada", &[("email", "ada@gm.com"), ("email_verified", "true")]).await;
    (stack, pool, client)
}

/// Requests about somebody who isn't there. None is what is answered if that is hidden, and it is no
/// refusal.
fn requests(pool: &str, client: &str) -> Vec<(&'static str, Value, &'static str, Option<Refusal>)> {
    let named = json!({ "ClientId": client, "Username": "nobody" });
    let begin = |flow: &str, parameters: Value| {
        let parameters = merged(json!({ "USERNAME": "nobody" }), parameters);
        json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters })
    };
    let by_admin = |input: Value| merged(input, json!({ "UserPoolId": pool }));
    let password = json!({ "PASSWORD": "Guess-Work-1" });
    let srp = json!({ "SRP_A": "abcdef" });
    let no_user = "User does not exist.";
    let no_pair = "Username/client id combination not found.";
    let code = json!({ "ConfirmationCode": "123456" });
    let wrong = Some(("NotAuthorizedException", "Incorrect username or password."));
    let mismatch =
        Some(("CodeMismatchException", "Invalid verification code provided, please try again."));
    let expired =
        Some(("ExpiredCodeException", "Invalid code provided, please request a code again."));
    let by_password = begin("USER_PASSWORD_AUTH", password.clone());
    let for_admin = by_admin(begin("ADMIN_USER_PASSWORD_AUTH", password.clone()));
    let of_old = by_admin(begin("ADMIN_NO_SRP_AUTH", password));
    let new = merged(merged(named.clone(), code.clone()), json!({ "Password": PASSWORD }));
    vec![
        ("InitiateAuth", by_password, no_user, wrong),
        ("AdminInitiateAuth", for_admin, no_user, wrong),
        ("AdminInitiateAuth", of_old, no_user, wrong),
        ("InitiateAuth", begin("USER_SRP_AUTH", srp.clone()), no_user, None),
        ("AdminInitiateAuth", by_admin(begin("USER_SRP_AUTH", srp)), no_user, None),
        ("ForgotPassword", named.clone(), no_pair, None),
        ("ResendConfirmationCode", named.clone(), no_pair, None),
        ("ConfirmForgotPassword", new, no_pair, mismatch),
        ("ConfirmSignUp", merged(named, code), no_pair, expired),
    ]
}

/// Type and message of an error.
type Refusal = (&'static str, &'static str);

#[tokio::test]
async fn the_truth_is_told_where_nothing_is_hidden() {
    let (stack, pool, client) = scene("LEGACY").await;
    for (operation, input, message, _) in requests(&pool, &client) {
        let expected = error("UserNotFoundException", message);
        assert_eq!(stack.refusal(operation, input.clone()).await, expected, "{operation} {input}");
    }
    assert!(stack.messenger().messages().is_empty());
}

#[tokio::test]
async fn where_existence_is_hidden_nobody_looks_like_somebody() {
    let (stack, pool, client) = scene("ENABLED").await;
    for (operation, input, _, hidden) in requests(&pool, &client) {
        if let Some((code, message)) = hidden {
            let refused = stack.refusal(operation, input.clone()).await;
            assert_eq!(refused, error(code, message), "{operation} {input}");
            continue;
        }
        let nobody = stack.ok(operation, input.clone()).await;
        let ada = input.to_string().replace("nobody", "ada");
        let ada = stack.ok(operation, serde_json::from_str(&ada).unwrap()).await;
        let members = |answer: &Value| -> Vec<String> {
            answer.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(members(&nobody), members(&ada), "{operation}");
    }
    // Administrators are told everywhere else.
    let input = json!({ "UserPoolId": pool, "Username": "nobody" });
    let expected = error("UserNotFoundException", "User does not exist.");
    for operation in ["AdminGetUser", "AdminResetUserPassword", "AdminUserGlobalSignOut"] {
        assert_eq!(stack.refusal(operation, input.clone()).await, expected, "{operation}");
    }
    let taken = json!({ "ClientId": client, "Username": "ada", "Password": PASSWORD });
    let expected = error("UsernameExistsException", "User already exists");
    assert_eq!(stack.refusal("SignUp", taken).await, expected);
}

#[tokio::test]
async fn who_has_to_reset_the_password_is_told_so_or_looks_like_nobody() {
    for (mode, expected) in [
        ("LEGACY", error("PasswordResetRequiredException", "Password reset required for the user")),
        ("ENABLED", error("NotAuthorizedException", "Incorrect username or password.")),
    ] {
        let (stack, pool, client) = scene(mode).await;
        let ada = json!({ "UserPoolId": pool, "Username": "ada" });
        stack.ok("AdminResetUserPassword", ada).await;
        let parameters = json!({ "USERNAME": "ada", "PASSWORD": "Guess-Work-1" });
        for (operation, input) in [
            ("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH" })),
            (
                "AdminInitiateAuth",
                json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "UserPoolId": pool }),
            ),
        ] {
            let base = json!({ "ClientId": client, "AuthParameters": parameters });
            let refused = stack.refusal(operation, merged(base, input)).await;
            assert_eq!(refused, expected, "{mode} {operation}");
        }
    }
}
