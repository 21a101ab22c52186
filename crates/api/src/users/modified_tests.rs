//! When `UserLastModifiedDate` moves: with attributes, status, password, and being enabled or not.

use serde_json::{Value, json};

use crate::{
    testing::{PASSWORD, Stack, merged, text},
    totp::testing::{answer_to, start},
};

const NEW: &str = "Battery-Staple-8";

/// A pool that verifies mail, a client of it, and a user.
struct Scene {
    stack: Stack,
    pool: String,
    client: String,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        let attributes = [("email", "ada@gm.com"), ("email_verified", "true"), ("name", "Ada")];
        stack.user(&pool, "ada", &attributes).await;
        Self { stack, pool, client }
    }

    /// When a user was made and modified.
    async fn dates(&self, name: &str) -> (Value, Value) {
        let input = json!({ "UserPoolId": self.pool, "Username": name });
        let user = self.stack.ok("AdminGetUser", input).await;
        let date = |name: &str| user[name].clone();
        (date("UserCreateDate"), date("UserLastModifiedDate"))
    }

    /// A minute later, does something, and says whether the user then counts as modified just now.
    async fn moves(&self, name: &str, operation: &str, input: Value) -> bool {
        let (created, before) = self.dates(name).await;
        self.stack.advance(60);
        self.stack.ok(operation, input).await;
        let (still_created, after) = self.dates(name).await;
        assert_eq!(created, still_created, "{operation}");
        let (now, seconds) =
            (self.stack.ports.clock.now().seconds().to_string(), after.to_string());
        assert!(after == before || seconds.split('.').next() == Some(&now), "{operation}: {after}");
        after != before
    }
}

#[tokio::test]
async fn what_changes_a_user_moves_the_date() {
    let scene = Scene::new().await;
    let ada = json!({ "UserPoolId": scene.pool, "Username": "ada" });
    let set =
        |name: &str, value: &str| json!({ "UserAttributes": [{ "Name": name, "Value": value }] });
    let password = |password: &str| json!({ "Password": password, "Permanent": true });
    let client = json!({ "ClientId": scene.client, "Username": "ada" });
    let day = json!({
        "UserPoolId": scene.pool, "ClientId": scene.client, "AccessTokenValidity": 24,
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    scene.stack.ok("UpdateUserPoolClient", day).await;
    let token = json!({ "AccessToken": scene.stack.access_token(&scene.client, "ada").await });
    let change = json!({ "PreviousPassword": PASSWORD, "ProposedPassword": NEW });
    for (operation, input) in [
        ("AdminUpdateUserAttributes", merged(ada.clone(), set("name", "A."))),
        ("UpdateUserAttributes", merged(token.clone(), set("email", "new@gm.com"))),
        ("DeleteUserAttributes", merged(token.clone(), json!({ "UserAttributeNames": ["name"] }))),
        ("AdminUpdateUserAttributes", merged(ada.clone(), set("name", "Ada"))),
        (
            "AdminDeleteUserAttributes",
            merged(ada.clone(), json!({ "UserAttributeNames": ["name"] })),
        ),
        ("ChangePassword", merged(token.clone(), change)),
        ("AdminSetUserPassword", merged(ada.clone(), password(PASSWORD))),
    ] {
        assert!(scene.moves("ada", operation, input).await, "{operation}");
    }
    let code = scene.stack.last_code_for("new@gm.com");
    let verify = merged(token, json!({ "AttributeName": "email", "Code": code }));
    assert!(scene.moves("ada", "VerifyUserAttribute", verify).await);
    for operation in ["AdminDisableUser", "AdminEnableUser", "AdminResetUserPassword"] {
        assert!(scene.moves("ada", operation, ada.clone()).await, "{operation}");
    }
    let code = scene.stack.last_code_for("new@gm.com");
    let confirm = merged(client, json!({ "ConfirmationCode": code, "Password": NEW }));
    assert!(scene.moves("ada", "ConfirmForgotPassword", confirm).await);
}

#[tokio::test]
async fn becoming_a_user_moves_the_date() {
    let scene = Scene::new().await;
    let stack = &scene.stack;
    let code = stack.signed_up(&scene.pool, &scene.client, "bo", "bo@gm.com").await;
    let confirm = json!({ "ClientId": scene.client, "Username": "bo", "ConfirmationCode": code });
    assert!(scene.moves("bo", "ConfirmSignUp", confirm).await);
    stack.signed_up(&scene.pool, &scene.client, "cy", "cy@gm.com").await;
    let cy = json!({ "UserPoolId": scene.pool, "Username": "cy" });
    assert!(scene.moves("cy", "AdminConfirmSignUp", cy).await);

    let new = json!({
        "UserPoolId": scene.pool, "Username": "di", "MessageAction": "SUPPRESS",
        "TemporaryPassword": PASSWORD,
    });
    stack.ok("AdminCreateUser", new.clone()).await;
    let again = merged(new, json!({ "MessageAction": "RESEND" }));
    assert!(scene.moves("di", "AdminCreateUser", again).await);
    let challenge = start(stack, &scene.client, "di").await;
    assert_eq!(text(&challenge["ChallengeName"]), "NEW_PASSWORD_REQUIRED");
    let answer = answer_to(&scene.client, &challenge, "NEW_PASSWORD", NEW);
    assert!(scene.moves("di", "RespondToAuthChallenge", answer).await);
}

#[tokio::test]
async fn what_only_looks_or_signs_in_leaves_the_date_alone() {
    let scene = Scene::new().await;
    let ada = json!({ "UserPoolId": scene.pool, "Username": "ada" });
    let sign_in = json!({
        "ClientId": scene.client, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "ada", "PASSWORD": PASSWORD },
    });
    let forgot = json!({ "ClientId": scene.client, "Username": "ada" });
    for (operation, input) in [
        ("InitiateAuth", sign_in),
        ("ForgotPassword", forgot),
        ("AdminUserGlobalSignOut", ada.clone()),
        ("AdminListGroupsForUser", ada),
    ] {
        assert!(!scene.moves("ada", operation, input).await, "{operation}");
    }
}
