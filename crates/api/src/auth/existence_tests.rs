//! Where a client may not be told who exists, a name that nobody has costs what a user's costs: the
//! same powers, and as many looks into the store and writes to it. (`bench/` measures the time.)

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    auth::{Place, hosted},
    ports::{Store, Transaction, Workers},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    passkeys::testing::{flows, passkey_pool},
    testing::{PASSWORD, Stack},
};

/// What requests cost.
#[derive(Default)]
struct Meter {
    powers: AtomicUsize,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

struct MeteredStore(Arc<dyn Store>, Arc<Meter>);

#[async_trait]
impl Store for MeteredStore {
    async fn read(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.1.reads.fetch_add(1, Relaxed);
        self.0.read().await
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.1.writes.fetch_add(1, Relaxed);
        self.0.write().await
    }

    async fn write_once(&self) -> Result<Box<dyn Transaction>, Fault> {
        self.1.writes.fetch_add(1, Relaxed);
        self.0.write_once().await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool, Fault> {
        self.0.sweep(now).await
    }
}

struct MeteredWorkers(Arc<dyn Workers>, Arc<Meter>);

#[async_trait]
impl Workers for MeteredWorkers {
    async fn run(&self, job: Box<dyn FnOnce() + Send>) {
        self.1.powers.fetch_add(1, Relaxed);
        self.0.run(job).await;
    }
}

/// A pool with codes by mail, a client that hides who exists, and a user `ada@example.com`.
async fn hiding() -> (Stack, String) {
    let stack = Stack::new().await;
    let factors = ["PASSWORD", "EMAIL_OTP"];
    let policies = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": factors } });
    let recovery = json!({ "RecoveryMechanisms": [{ "Name": "verified_email", "Priority": 1 }] });
    let overrides = json!({
        "Policies": policies, "AccountRecoverySetting": recovery,
        "AutoVerifiedAttributes": ["email"], "UsernameAttributes": ["email"],
    });
    let pool = stack.pool(overrides).await;
    let flows = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"];
    let overrides = json!({ "PreventUserExistenceErrors": "ENABLED", "ExplicitAuthFlows": flows });
    let client = stack.client(&pool, overrides).await;
    let verified = [("email", "ada@example.com"), ("email_verified", "true")];
    stack.user(&pool, "ada@example.com", &verified).await;
    (stack, client)
}

/// From now on, what requests cost is measured.
fn metered(stack: &mut Stack) -> Arc<Meter> {
    let meter = Arc::new(Meter::default());
    let ports = &mut stack.ports;
    ports.store = Arc::new(MeteredStore(Arc::clone(&ports.store), Arc::clone(&meter)));
    ports.workers = Arc::new(MeteredWorkers(Arc::clone(&ports.workers), Arc::clone(&meter)));
    meter
}

/// What the last of these requests about a name costs, and how each ends.
async fn cost(name: &str, requests: impl Fn(&str, &str) -> Vec<(&'static str, Value)>) -> Cost {
    let (mut stack, client) = hiding().await;
    let meter = metered(&mut stack);
    let (mut session, mut ends) = (Value::Null, Vec::new());
    for (operation, mut input) in requests(&client, name) {
        for counter in [&meter.powers, &meter.reads, &meter.writes] {
            counter.store(0, Relaxed);
        }
        if input.get("ChallengeName").is_some() {
            input["Session"] = session.clone();
        }
        let answer = stack.call(operation, input).await;
        session = answer.body["Session"].clone();
        let members: Vec<_> = answer.body.as_object().unwrap().keys().cloned().collect();
        ends.push((answer.status, answer.body["message"].clone(), members));
    }
    let count = |counter: &AtomicUsize| counter.load(Relaxed);
    Cost {
        powers: count(&meter.powers),
        reads: count(&meter.reads),
        writes: count(&meter.writes),
        ends,
    }
}

/// Powers, looks and writes of one request; of all, the status, the message of an error, and the names
/// of what is answered.
#[derive(Debug, PartialEq)]
struct Cost {
    powers: usize,
    reads: usize,
    writes: usize,
    ends: Vec<(u16, Value, Vec<String>)>,
}

async fn same(what: &str, requests: impl Fn(&str, &str) -> Vec<(&'static str, Value)>) {
    let known = cost("ada@example.com", &requests).await;
    let unknown = cost("eva@example.com", &requests).await;
    assert_eq!(known, unknown, "{what}");
    assert!(known.reads + known.writes > 0, "{what}: nothing was measured");
}

fn begin(flow: &str, client: &str, name: &str, parameters: Value) -> (&'static str, Value) {
    let parameters = crate::testing::merged(json!({ "USERNAME": name }), parameters);
    let input = json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
    ("InitiateAuth", input)
}

#[tokio::test]
async fn a_wrong_password_costs_the_same() {
    same("password", |client, name| {
        vec![begin("USER_PASSWORD_AUTH", client, name, json!({ "PASSWORD": "Wrong-Horse-7" }))]
    })
    .await;
    same("password by choice", |client, name| {
        let wrong = json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": "Wrong-Horse-7" });
        vec![begin("USER_AUTH", client, name, wrong)]
    })
    .await;
}

#[tokio::test]
async fn the_start_of_a_sign_in_costs_the_same() {
    same("srp", |client, name| {
        vec![begin("USER_SRP_AUTH", client, name, json!({ "SRP_A": "abcdef" }))]
    })
    .await;
    same("choice", |client, name| vec![begin("USER_AUTH", client, name, json!({}))]).await;
}

#[tokio::test]
async fn a_wrong_code_costs_the_same() {
    same("code", |client, name| {
        let preferred = json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" });
        let answer = json!({
            "ClientId": client, "ChallengeName": "EMAIL_OTP",
            "ChallengeResponses": { "USERNAME": name, "EMAIL_OTP_CODE": "x" },
        });
        vec![begin("USER_AUTH", client, name, preferred), ("RespondToAuthChallenge", answer)]
    })
    .await;
}

#[tokio::test]
async fn recovery_costs_the_same() {
    same("forgot", |client, name| {
        vec![("ForgotPassword", json!({ "ClientId": client, "Username": name }))]
    })
    .await;
    same("confirm", |client, name| {
        let input = json!({
            "ClientId": client, "Username": name, "ConfirmationCode": "000000",
            "Password": PASSWORD,
        });
        vec![
            ("ForgotPassword", json!({ "ClientId": client, "Username": name })),
            ("ConfirmForgotPassword", input),
        ]
    })
    .await;
}

#[tokio::test]
async fn asking_for_a_code_again_costs_the_same() {
    same("resend", |client, name| {
        vec![("ResendConfirmationCode", json!({ "ClientId": client, "Username": name }))]
    })
    .await;
}

#[tokio::test]
async fn levels_at_the_pages_cost_the_same() {
    let mut stack = Stack::new().await;
    let (pool, _) = passkey_pool(&stack).await;
    let hides = json!({
        "ExplicitAuthFlows": flows(), "PreventUserExistenceErrors": "ENABLED",
    });
    let client = stack.client(&pool, hides).await;
    stack.user(&pool, "ada", &[]).await;
    let meter = metered(&mut stack);
    let found = stack.ports.directory.client_and_pool(&client).await.unwrap();
    let (client, pool) = found.unwrap();
    let levels = Some("urn:cognito:loa:4 urn:cognito:loa:3 urn:cognito:loa:2");
    let mut reads = Vec::new();
    for name in ["ada", "eva"] {
        meter.reads.store(0, Relaxed);
        let place = Place::new(&stack.ports, &pool, &client);
        let started = hosted::with_password(place, name, "Wrong-Horse-7", levels).await;
        assert!(started.unwrap().is_err());
        reads.push(meter.reads.load(Relaxed));
    }
    assert_eq!(reads[0], reads[1]);
}
