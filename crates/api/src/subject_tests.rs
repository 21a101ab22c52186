//! What every operation that takes an access token says of one that isn't good; and that nothing
//! has changed then.

use poolhouse_domain::tokens::jwt;
use poolhouse_wire::operations::OperationName;
use serde_json::{Value, json};

use crate::testing::{Stack, error, merged, text};

/// Every operation with an access token, and what it asks for besides.
fn requests() -> Vec<(&'static str, Value)> {
    let device = json!({ "DeviceKey": "us-east-1_0" });
    vec![
        ("AssociateSoftwareToken", json!({})),
        ("ChangePassword", json!({ "PreviousPassword": "x", "ProposedPassword": "Other-Horse-8" })),
        ("CompleteWebAuthnRegistration", json!({ "Credential": {} })),
        ("ConfirmDevice", device.clone()),
        ("DeleteUser", json!({})),
        ("DeleteUserAttributes", json!({ "UserAttributeNames": ["name"] })),
        ("DeleteWebAuthnCredential", json!({ "CredentialId": "a" })),
        ("ForgetDevice", device.clone()),
        ("GetDevice", device.clone()),
        ("GetUser", json!({})),
        ("GetUserAttributeVerificationCode", json!({ "AttributeName": "email" })),
        ("GetUserAuthFactors", json!({})),
        ("GlobalSignOut", json!({})),
        ("ListDevices", json!({})),
        ("ListUserSessions", json!({})),
        ("ListWebAuthnCredentials", json!({})),
        ("RevokeUserSession", json!({ "SessionId": "tkn0123456789012345678901234" })),
        ("SetUserMFAPreference", json!({})),
        ("SetUserSettings", json!({ "MFAOptions": [] })),
        ("StartWebAuthnRegistration", json!({})),
        ("UpdateDeviceStatus", merged(device, json!({ "DeviceRememberedStatus": "remembered" }))),
        (
            "UpdateUserAttributes",
            json!({ "UserAttributes": [{ "Name": "name", "Value": "changed" }] }),
        ),
        ("VerifySoftwareToken", json!({ "UserCode": "123456" })),
        ("VerifyUserAttribute", json!({ "AttributeName": "email", "Code": "123456" })),
    ]
}

/// A pool with what the operations ask for, and a sign-in of the user `ada`.
struct Scene {
    stack: Stack,
    pool: String,
    tokens: Value,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::new().await;
        let devices = json!({ "DeviceOnlyRememberedOnUserPrompt": true });
        let pool = stack.pool(json!({ "DeviceConfiguration": devices })).await;
        let client = stack.client(&pool, json!({})).await;
        let email = [("email", "ada@example.com"), ("name", "Ada")];
        stack.user(&pool, "ada", &email).await;
        let tokens = stack.tokens(&client, "ada").await;
        Self { stack, pool, tokens }
    }

    fn access_token(&self) -> String {
        text(&self.tokens["AccessToken"])
    }

    async fn ada(&self) -> Value {
        let input = json!({ "UserPoolId": self.pool, "Username": "ada" });
        self.stack.ok("AdminGetUser", input).await
    }

    /// Each operation refuses this token so.
    async fn assert_refused(&self, token: &str, expected: &(String, String)) {
        for (operation, members) in requests() {
            let input = merged(json!({ "AccessToken": token }), members);
            let refused = self.stack.refusal(operation, input).await;
            assert_eq!(refused, *expected, "{operation}");
        }
    }

    /// An access token that the pool signed, with other claims.
    async fn signed(&self, changes: Value) -> String {
        let keys = self.stack.ports.directory.key_pairs(&self.pool).await.unwrap();
        let token = self.access_token();
        let parsed = jwt::parse(&token).unwrap();
        let key = keys.all.iter().find(|key| key.kid() == parsed.kid).unwrap();
        let claims: Value = serde_json::from_slice(&parsed.payload).unwrap();
        key.sign(&merged(claims, changes).to_string()).unwrap()
    }
}

#[tokio::test]
async fn no_operation_with_an_access_token_is_missing_here() {
    let stack = Stack::new().await;
    for operation in OperationName::ALL.map(OperationName::as_str) {
        let refused = stack.refusal(operation, json!({})).await.1;
        let is_here = requests().iter().any(|request| request.0 == operation);
        assert!(is_here || !refused.contains("at 'accessToken'"), "{operation}");
    }
}

#[tokio::test]
async fn what_is_no_access_token_of_the_server_is_refused() {
    let scene = Scene::new().await;
    let before = scene.ada().await;
    let good = scene.access_token();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let mut forged: Vec<char> = signature.chars().collect();
    forged[10] = if forged[10] == 'A' { 'B' } else { 'A' };
    let forged = format!("{signed}.{}", forged.into_iter().collect::<String>());
    let elsewhere = scene.signed(json!({ "iss": "http://127.0.0.1:7665/us-east-1_Nowhere12" }));
    let of_nobody = scene.signed(json!({ "client_id": "unknown" }));
    let expected = error("NotAuthorizedException", "Invalid Access Token");
    for token in [
        "nonsense".to_owned(),
        forged,
        text(&scene.tokens["IdToken"]),
        text(&scene.tokens["RefreshToken"]),
        elsewhere.await,
        of_nobody.await,
    ] {
        scene.assert_refused(&token, &expected).await;
    }
    assert_eq!(scene.ada().await, before);
    // The same key and claims, unchanged, are good.
    let same = scene.signed(json!({})).await;
    scene.stack.ok("GetUser", json!({ "AccessToken": same })).await;
}

#[tokio::test]
async fn a_token_for_other_purposes_is_refused() {
    let scene = Scene::new().await;
    let before = scene.ada().await;
    let token = scene.signed(json!({ "scope": "openid orders/read" })).await;
    let expected = error("NotAuthorizedException", "Access Token does not have required scopes");
    scene.assert_refused(&token, &expected).await;
    assert_eq!(scene.ada().await, before);
}

#[tokio::test]
async fn a_token_whose_time_is_over_is_refused() {
    let scene = Scene::new().await;
    let before = scene.ada().await;
    scene.stack.advance(3_600);
    let expected = error("NotAuthorizedException", "Access Token has expired");
    scene.assert_refused(&scene.access_token(), &expected).await;
    assert_eq!(scene.ada().await, before);
}

#[tokio::test]
async fn a_token_whose_sign_in_was_revoked_is_refused() {
    let scene = Scene::new().await;
    let token = scene.access_token();
    scene.stack.ok("GlobalSignOut", json!({ "AccessToken": token })).await;
    let before = scene.ada().await;
    let expected = error("NotAuthorizedException", "Access Token has been revoked");
    scene.assert_refused(&token, &expected).await;
    assert_eq!(scene.ada().await, before);
}

#[tokio::test]
async fn a_token_whose_user_is_gone_is_refused() {
    let scene = Scene::new().await;
    let user = json!({ "UserPoolId": scene.pool, "Username": "ada" });
    scene.stack.ok("AdminDeleteUser", user).await;
    let gone = error("UserNotFoundException", "User does not exist.");
    let revoked = error("NotAuthorizedException", "Access Token has been revoked");
    for (operation, members) in requests() {
        let name = OperationName::ALL.into_iter().find(|name| name.as_str() == operation);
        let is_listed = name.unwrap().errors().contains(&"UserNotFoundException");
        let input = merged(json!({ "AccessToken": scene.access_token() }), members);
        let refused = scene.stack.refusal(operation, input).await;
        assert_eq!(refused, if is_listed { gone.clone() } else { revoked.clone() }, "{operation}");
    }
}
