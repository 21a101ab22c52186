//! What is told when a sign-in is refused: of several things that are wrong the first, and the lock after
//! wrong passwords. Every way to show one counts for the same lock, of users and of names that nobody has;
//! what is no password counts for none.

use poolhouse_domain::{
    secret_hash,
    srp::{
        Party,
        client::{ChallengeParameters, Client, timestamp},
    },
};
use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, error, invalid, merged, text};

const WRONG: &str = "Wrong-Donkey-3";
const RESPOND: &str = "RespondToAuthChallenge";

/// Ways to show a password when signing in.
const WAYS: [&str; 6] = ["plain", "administrator", "srp", "choice", "selected", "asked"];

struct Scene {
    stack: Stack,
    pool: String,
    client: String,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::new().await;
        let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] });
        let pool = stack.pool(json!({ "Policies": { "SignInPolicy": factors } })).await;
        let flows = [
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_USER_AUTH",
        ];
        let client = json!({ "ExplicitAuthFlows": flows, "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, client).await;
        let verified = [("email", "ada@example.com"), ("email_verified", "true")];
        stack.user(&pool, "ada", &verified).await;
        Self { stack, pool, client }
    }

    fn start(&self, flow: &str, username: &str, more: Value) -> Value {
        let parameters = merged(json!({ "USERNAME": username }), more);
        json!({ "ClientId": self.client, "AuthFlow": flow, "AuthParameters": parameters })
    }

    fn reply(&self, asked: &Value, username: &str, responses: Value) -> Value {
        json!({
            "ClientId": self.client, "ChallengeName": asked["ChallengeName"],
            "Session": asked["Session"],
            "ChallengeResponses": merged(json!({ "USERNAME": username }), responses),
        })
    }

    async fn ask(&self, flow: &str, username: &str, more: Value) -> Value {
        self.stack.ok("InitiateAuth", self.start(flow, username, more)).await
    }

    /// The request that shows a password in this way.
    async fn shown(&self, way: &str, username: &str, password: &str) -> (&'static str, Value) {
        let given = json!({ "PASSWORD": password });
        match way {
            "plain" => ("InitiateAuth", self.start("USER_PASSWORD_AUTH", username, given)),
            "administrator" => {
                let input = self.start("ADMIN_USER_PASSWORD_AUTH", username, given);
                ("AdminInitiateAuth", merged(input, json!({ "UserPoolId": self.pool })))
            }
            "choice" => {
                let preferred = merged(given, json!({ "PREFERRED_CHALLENGE": "PASSWORD" }));
                ("InitiateAuth", self.start("USER_AUTH", username, preferred))
            }
            "selected" => {
                let asked = self.ask("USER_AUTH", username, json!({})).await;
                let chosen = merged(given, json!({ "ANSWER": "PASSWORD" }));
                (RESPOND, self.reply(&asked, username, chosen))
            }
            "asked" => {
                let preferred = json!({ "PREFERRED_CHALLENGE": "PASSWORD" });
                let asked = self.ask("USER_AUTH", username, preferred).await;
                (RESPOND, self.reply(&asked, username, given))
            }
            _ => (RESPOND, self.proof(username, password).await),
        }
    }

    async fn proof(&self, username: &str, password: &str) -> Value {
        let prover = Client::new(&*self.stack.ports.entropy);
        let public = json!({ "SRP_A": prover.public_hex() });
        let asked = self.ask("USER_SRP_AUTH", username, public).await;
        let get = |name: &str| text(&asked["ChallengeParameters"][name]);
        let (salt, srp_b, block) = (get("SALT"), get("SRP_B"), get("SECRET_BLOCK"));
        let at = timestamp(self.stack.ports.clock.now()).unwrap();
        let parameters = ChallengeParameters { salt: &salt, srp_b: &srp_b, secret_block: &block };
        let party = Party::user(&self.pool, username);
        let signature = prover.sign(party, password, &parameters, &at).unwrap();
        let responses = json!({
            "PASSWORD_CLAIM_SECRET_BLOCK": block, "TIMESTAMP": at,
            "PASSWORD_CLAIM_SIGNATURE": signature,
        });
        self.reply(&asked, username, responses)
    }

    /// What is said of a password that is shown in this way; nothing if it signs in.
    async fn outcome(&self, way: &str, username: &str, password: &str) -> Option<String> {
        let (operation, input) = self.shown(way, username, password).await;
        let answer = self.stack.call(operation, input).await;
        match answer.status {
            200 => None,
            _ => Some(text(&answer.body["message"])),
        }
    }
}

const INCORRECT: &str = "Incorrect username or password.";
const LOCKED: &str = "Password attempts exceeded";

#[tokio::test]
async fn whatever_way_passwords_are_shown_they_are_counted_together() {
    for username in ["ada", "nobody"] {
        // Each way is the one that locks once, and finds the lock of the others.
        for (number, last) in WAYS.iter().enumerate() {
            let scene = Scene::new().await;
            let before = WAYS.iter().cycle().skip(number + 1).take(4);
            for way in before.chain([last]) {
                assert_eq!(
                    scene.outcome(way, username, WRONG).await.as_deref(),
                    Some(INCORRECT),
                    "{way}"
                );
            }
            for way in WAYS {
                assert_eq!(
                    scene.outcome(way, username, PASSWORD).await.as_deref(),
                    Some(LOCKED),
                    "{way}"
                );
            }
            scene.stack.advance(1);
            let after = scene.outcome(last, username, PASSWORD).await;
            let expected = (username != "ada").then_some(INCORRECT);
            assert_eq!(after.as_deref(), expected, "{last}: tries during the lock were counted");
        }
    }
}

#[tokio::test]
async fn codes_count_for_no_lock_and_no_lock_keeps_them_out() {
    let scene = Scene::new().await;
    let preferred = json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" });
    let asked = scene.ask("USER_AUTH", "ada", preferred.clone()).await;
    let mismatch = error("CodeMismatchException", "Invalid code or auth state for the user.");
    for _ in 0..7 {
        let wrong = scene.reply(&asked, "ada", json!({ "EMAIL_OTP_CODE": "x" }));
        assert_eq!(scene.stack.refusal(RESPOND, wrong).await, mismatch);
    }
    assert_eq!(scene.outcome("plain", "ada", PASSWORD).await, None);
    for _ in 0..5 {
        assert_eq!(scene.outcome("plain", "ada", WRONG).await.as_deref(), Some(INCORRECT));
    }
    let asked = scene.ask("USER_AUTH", "ada", preferred).await;
    let sent = json!({ "EMAIL_OTP_CODE": scene.stack.last_code_for("ada@example.com") });
    scene.stack.ok(RESPOND, scene.reply(&asked, "ada", sent)).await;
    assert_eq!(scene.outcome("plain", "ada", PASSWORD).await.as_deref(), Some(LOCKED));
}

/// `InitiateAuth` with a password.
fn by_password(client: &str, parameters: Value) -> Value {
    let mut input = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH" });
    input["AuthParameters"] = parameters;
    input
}

#[tokio::test]
async fn of_several_things_that_are_wrong_the_first_is_told() {
    let stack = Stack::new().await;
    let pool = stack.pool(json!({})).await;
    let settings = json!({ "GenerateSecret": true, "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"] });
    let client = stack.client(&pool, settings).await;
    let user = json!({ "UserPoolId": pool, "Username": "ada" });
    stack.user(&pool, "ada", &[]).await;
    let refused = async |parameters: Value| {
        stack.refusal("InitiateAuth", by_password(&client, parameters)).await
    };
    let nowhere = stack.refusal("InitiateAuth", by_password("nowhere", json!({}))).await;
    let text_of = "User pool client nowhere does not exist.";
    assert_eq!(nowhere, error("ResourceNotFoundException", text_of));
    let flow = invalid("USER_PASSWORD_AUTH flow not enabled for this client");
    assert_eq!(refused(json!({})).await, flow);
    let flows = json!({
        "UserPoolId": pool, "ClientId": client, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
    });
    let described = stack.ok("UpdateUserPoolClient", flows).await;
    stack.advance(2);
    assert_eq!(refused(json!({})).await, invalid("Missing required parameter USERNAME"));
    let named = json!({ "USERNAME": "nobody" });
    assert_eq!(refused(named.clone()).await, invalid("Missing required parameter PASSWORD"));
    let shown = merged(named, json!({ "PASSWORD": WRONG }));
    let missing =
        format!("Client {client} is configured with secret but SECRET_HASH was not received");
    assert_eq!(refused(shown.clone()).await, error("NotAuthorizedException", &missing));
    let forged = merged(shown.clone(), json!({ "SECRET_HASH": "x" }));
    let wrong = format!("Unable to verify secret hash for client {client}");
    assert_eq!(refused(forged).await, error("NotAuthorizedException", &wrong));
    let secret = text(&described["UserPoolClient"]["ClientSecret"]);
    let by = |name: &str| {
        let hash = secret_hash::compute(&secret, name, &client);
        json!({ "USERNAME": name, "PASSWORD": WRONG, "SECRET_HASH": hash })
    };
    let unknown = error("UserNotFoundException", "User does not exist.");
    assert_eq!(refused(by("nobody")).await, unknown);

    // The user's state comes before the password: five wrong ones have locked nobody.
    stack.ok("AdminDisableUser", user.clone()).await;
    for _ in 0..5 {
        let disabled = error("NotAuthorizedException", "User is disabled.");
        assert_eq!(refused(by("ada")).await, disabled);
    }
    stack.ok("AdminEnableUser", user).await;
    for _ in 0..5 {
        assert_eq!(refused(by("ada")).await.1, INCORRECT);
    }
    assert_eq!(refused(by("ada")).await.1, LOCKED);
}
