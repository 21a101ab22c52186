//! Which functions the operations of signing in ask, in which order, with which event, and what is
//! left when one fails. Those of the other operations on users are in `user_trigger_tests.rs`.

mod custom;
mod custom_with_password;
mod migration;
mod token_generation;
mod when_signing_in;

use poolhouse_domain::{
    srp::{
        Party,
        client::{ChallengeParameters, Client, timestamp},
    },
    triggers::Trigger,
};
use serde_json::{Map, Value, json};

use crate::testing::{Stack, error, merged, text};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const RESPOND: &str = "RespondToAuthChallenge";
const WRONG: &str = "Incorrect username or password.";

/// A pool with a function for each of these triggers, and a client of it with every flow.
async fn asking(
    stack: &Stack,
    triggers: &[Trigger],
    pool: Value,
    client: Value,
) -> (String, String) {
    let pool = stack.pool(merged(json!({ "LambdaConfig": functions(triggers) }), pool)).await;
    let flows = [
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
        "ALLOW_CUSTOM_AUTH",
        "ALLOW_USER_AUTH",
    ];
    let client = merged(json!({ "ExplicitAuthFlows": flows }), client);
    let client = stack.client(&pool, client).await;
    (pool, client)
}

fn functions(triggers: &[Trigger]) -> Value {
    let named = triggers.iter().map(|trigger| (trigger.name().to_owned(), json!(FUNCTION)));
    Value::Object(named.collect::<Map<_, _>>())
}

/// `InitiateAuth`.
fn begin(client: &str, flow: &str, parameters: Value) -> Value {
    let mut input = json!({ "ClientId": client, "AuthFlow": flow });
    input["AuthParameters"] = parameters;
    input
}

/// `InitiateAuth` with a password.
fn by_password(client: &str, username: &str, password: &str) -> Value {
    let parameters = json!({ "USERNAME": username, "PASSWORD": password });
    begin(client, "USER_PASSWORD_AUTH", parameters)
}

/// `RespondToAuthChallenge` to what was asked of somebody.
fn reply(client: &str, username: &str, asked: &Value, responses: Value) -> Value {
    json!({
        "ClientId": client, "ChallengeName": asked["ChallengeName"], "Session": asked["Session"],
        "ChallengeResponses": merged(json!({ "USERNAME": username }), responses),
    })
}

/// Proofs of passwords: a client, and what it answers to `PASSWORD_VERIFIER`.
struct Prover(Client);

impl Prover {
    fn new(stack: &Stack) -> Self {
        Self(Client::new(&*stack.ports.entropy))
    }

    /// `SRP_A`.
    fn public(&self) -> String {
        self.0.public_hex()
    }

    fn answer(
        &self,
        stack: &Stack,
        (pool, client): (&str, &str),
        asked: &Value,
        password: &str,
    ) -> Value {
        let get = |name: &str| text(&asked["ChallengeParameters"][name]);
        let (salt, srp_b, block) = (get("SALT"), get("SRP_B"), get("SECRET_BLOCK"));
        let username = get("USER_ID_FOR_SRP");
        let at = timestamp(stack.ports.clock.now()).unwrap();
        let parameters = ChallengeParameters { salt: &salt, srp_b: &srp_b, secret_block: &block };
        let signature = self.0.sign(Party::user(pool, &username), password, &parameters, &at);
        let responses = json!({
            "PASSWORD_CLAIM_SECRET_BLOCK": block, "TIMESTAMP": at,
            "PASSWORD_CLAIM_SIGNATURE": signature.unwrap(),
        });
        reply(client, &username, asked, responses)
    }
}

fn is_signed_in(answer: &Value) -> bool {
    answer["AuthenticationResult"]["AccessToken"].is_string()
        && answer["ChallengeParameters"] == json!({})
        && answer.get("ChallengeName").is_none()
}

/// What is said when a function of a trigger throws "no".
fn thrown(trigger: Trigger) -> (String, String) {
    let text = format!("{} failed with error no.", trigger.name());
    error("UserLambdaValidationException", &text)
}

fn wrong() -> (String, String) {
    error("NotAuthorizedException", WRONG)
}

fn spent() -> (String, String) {
    let text = "Invalid session for the user, session can only be used once.";
    error("NotAuthorizedException", text)
}

/// The event that was asked last.
#[track_caller]
fn last_event(stack: &Stack) -> Value {
    stack.functions().events().pop().expect("a function was asked")
}
