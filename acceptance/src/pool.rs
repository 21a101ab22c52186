//! A user pool to test with.

use serde_json::{Value, json};

use crate::{Client, unique};

/// Satisfies the default password policy.
pub const PASSWORD: &str = "Correct-Horse-9!";

/// A user pool with one app client that allows the password flows and has no secret.
#[derive(Clone)]
pub struct TestPool {
    /// Talks to the server where the pool is.
    pub client: Client,
    /// The id of the pool.
    pub id: String,
    /// The id of the app client.
    pub client_id: String,
}

impl TestPool {
    /// Makes one. TOTP is on offer and nobody has to use it.
    pub async fn make(client: &Client) -> Self {
        Self::make_with(client, json!({"PoolName": unique("pool")})).await
    }

    /// The same with this input for `CreateUserPool`.
    pub async fn make_with(client: &Client, input: Value) -> Self {
        let pool = client.ok("CreateUserPool", input).await;
        let id = pool["UserPool"]["Id"].as_str().unwrap().to_owned();
        let mfa = json!({
            "UserPoolId": id,
            "MfaConfiguration": "OPTIONAL",
            "SoftwareTokenMfaConfiguration": {"Enabled": true},
        });
        client.ok("SetUserPoolMfaConfig", mfa).await;
        let settings = json!({
            "UserPoolId": id,
            "ClientName": "tests",
            "ExplicitAuthFlows": [
                "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
                "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            ],
        });
        let app = client.ok("CreateUserPoolClient", settings).await;
        let client_id = app["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned();
        Self { client: client.clone(), id, client_id }
    }

    /// The same pool on a server that was started again.
    #[must_use]
    pub fn over(&self, client: &Client) -> Self {
        Self { client: client.clone(), ..self.clone() }
    }

    /// Makes a confirmed user.
    pub async fn add_user(&self, username: &str, password: &str) {
        let user = json!({
            "UserPoolId": self.id, "Username": username, "MessageAction": "SUPPRESS",
        });
        self.client.ok("AdminCreateUser", user).await;
        let password = json!({
            "UserPoolId": self.id, "Username": username, "Password": password, "Permanent": true,
        });
        self.client.ok("AdminSetUserPassword", password).await;
    }

    /// What `InitiateAuth` takes to sign a user in with a password.
    pub fn password_auth(&self, username: &str, password: &str) -> Value {
        json!({
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": self.client_id,
            "AuthParameters": {"USERNAME": username, "PASSWORD": password},
        })
    }

    /// Signs a user in who has no second factor; the access token.
    pub async fn sign_in(&self, username: &str, password: &str) -> String {
        let answer = self.client.ok("InitiateAuth", self.password_auth(username, password)).await;
        let token = answer["AuthenticationResult"]["AccessToken"].as_str();
        token.unwrap_or_else(|| panic!("no tokens: {answer}")).to_owned()
    }
}
