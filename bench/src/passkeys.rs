//! Sign-ins with passkeys: a pool whose users have one each, and the browsers that hold them.

use std::net::SocketAddr;

use poolhouse_testkit::{Authenticator, Told};
use serde_json::{Value, json};

use crate::{
    Outcome,
    http::{Connection, text},
    world::{Pool, add_user, create_pool, password_sign_in, username},
};

/// Users of the pool.
const USERS: u32 = 64;

/// A pool with passkeys, and those of its users by their number.
pub(crate) struct Passkeys {
    pool: Pool,
    browsers: Vec<Authenticator>,
}

impl Passkeys {
    /// Makes the pool, and a passkey (ES256) for each user.
    pub(crate) async fn create(address: SocketAddr) -> Outcome<Self> {
        let mut connection = Connection::open(address).await?;
        let factors = json!({
            "Policies": {
                "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"] },
            },
        });
        let flows = json!({ "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"] });
        let pool = create_pool(&mut connection, "passkeys", &factors, &flows).await?;
        let settings = json!({
            "UserPoolId": pool.id,
            "WebAuthnConfiguration": { "RelyingPartyId": "example.com" },
        });
        connection.call("SetUserPoolMfaConfig", &settings).await?;
        let mut browsers = Vec::new();
        for number in 0..USERS {
            add_user(&mut connection, &pool, &username(number)).await?;
            let browser = Authenticator::es256(&format!("passkey {number}"));
            register(&mut connection, &pool, number, &browser).await?;
            browsers.push(browser);
        }
        Ok(Self { pool, browsers })
    }

    /// Signs somebody in.
    pub(crate) async fn sign_in(&self, connection: &mut Connection, draw: u32) -> Outcome {
        let number = draw % USERS;
        let browser = self.browsers.get(usize::try_from(number)?).ok_or("there is no passkey")?;
        let name = username(number);
        let input = json!({
            "ClientId": self.pool.client_id, "AuthFlow": "USER_AUTH",
            "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "WEB_AUTHN" },
        });
        let asked = connection.call("InitiateAuth", &input).await?;
        let options = text(&asked, "/ChallengeParameters/CREDENTIAL_REQUEST_OPTIONS")?;
        let options: Value = serde_json::from_str(options)?;
        let credential = browser.show(&options, &Told::default()).to_string();
        let input = json!({
            "ClientId": self.pool.client_id, "ChallengeName": "WEB_AUTHN",
            "Session": text(&asked, "/Session")?,
            "ChallengeResponses": { "USERNAME": name, "CREDENTIAL": credential },
        });
        let answer = connection.call("RespondToAuthChallenge", &input).await?;
        text(&answer, "/AuthenticationResult/AccessToken").map(drop)
    }
}

async fn register(
    connection: &mut Connection,
    pool: &Pool,
    number: u32,
    browser: &Authenticator,
) -> Outcome {
    let answer = connection.call("InitiateAuth", &password_sign_in(pool, number)).await?;
    let token = text(&answer, "/AuthenticationResult/AccessToken")?;
    let input = json!({ "AccessToken": token });
    let begun = connection.call("StartWebAuthnRegistration", &input).await?;
    let options = begun.get("CredentialCreationOptions").ok_or("there are no options")?;
    let credential = browser.register(options, &Told::default());
    let input = json!({ "AccessToken": token, "Credential": credential });
    connection.call("CompleteWebAuthnRegistration", &input).await.map(drop)
}
