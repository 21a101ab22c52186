//! What the service model says about every operation's input, asked of a running server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolhouse_acceptance::{Client, Engine, Reply, Server, Store, both_engines};
use poolhouse_wire::OperationName;
use poolhouse_wire::model_cases::{Case, Expect, cases_of, violations};

both_engines!(every_case_of_the_model_is_answered_as_the_model_implies);

/// The one rule beyond the model that is told in the words of the model's checks: an SMS
/// configuration needs one of two members. It is how the service put it when there was only one.
const BEYOND_THE_MODEL: &str = "Value null at 'smsConfiguration.snsCallerArn' failed to satisfy \
    constraint: Member must not be null";

/// How many requests are under way at the same time.
const CONCURRENCY: usize = 8;

async fn every_case_of_the_model_is_answered_as_the_model_implies(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev_with(&store, &["--log-filter", "warn"]).await;
    let client = server.client();
    // Each worker takes the next operation that nobody took, so that few cases are in memory.
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..CONCURRENCY).map(|_| tokio::spawn(work(client.clone(), Arc::clone(&next))));
    let (mut ran, mut failures) = (0, BTreeMap::new());
    for worker in workers.collect::<Vec<_>>() {
        let (some, failed) = worker.await.unwrap();
        ran += some;
        failures.extend(failed);
    }
    assert!(ran > 10_000, "only {ran} cases ran");
    let shown: Vec<String> = failures.values().map(Failures::to_string).collect();
    assert!(failures.is_empty(), "{} operations failed:\n{}", failures.len(), shown.join("\n"));
}

/// What went wrong with the cases of one operation.
struct Failures {
    first: String,
    count: usize,
}

impl fmt::Display for Failures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (and {} more)", self.first, self.count - 1)
    }
}

/// Sends the cases of one operation after the other; how many, and what was answered otherwise.
async fn work(client: Client, next: Arc<AtomicUsize>) -> (usize, BTreeMap<String, Failures>) {
    let (mut ran, mut failures) = (0, BTreeMap::new());
    while let Some(operation) = OperationName::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
        for case in few_new_pools(cases_of(*operation)) {
            ran += 1;
            if let Err(problem) = run(&client, &case).await {
                let name = operation.to_string();
                let failures =
                    failures.entry(name).or_insert(Failures { first: problem, count: 0 });
                failures.count += 1;
            }
        }
    }
    (ran, failures)
}

/// Leaves out most of the valid cases of `CreateUserPool`: each makes a pool, and a pool needs two
/// RSA keys, which take longer than all other cases together. `UpdateUserPool` has the same members.
fn few_new_pools(cases: Vec<Case>) -> impl Iterator<Item = Case> {
    let makes_a_pool = |case: &Case| {
        case.operation == OperationName::CreateUserPool && case.expect == Expect::Valid
    };
    let mut pools = 0;
    cases.into_iter().filter(move |case| {
        pools += usize::from(makes_a_pool(case));
        !makes_a_pool(case) || pools % 20 == 1
    })
}

/// Sends one case; an error that tells what was answered, unless that is as expected.
async fn run(client: &Client, case: &Case) -> Result<(), String> {
    let request = client.request(case.operation.as_str(), case.body.clone());
    let answered = match client.send(request).await {
        Ok(reply) if is_as_expected(&reply, case) => return Ok(()),
        Ok(reply) => format!("{} {}", reply.status, reply.text),
        Err(error) => format!("{error:?}"),
    };
    let Case { operation, name, expect, .. } = case;
    let text = format!("{operation}, {name}: {answered}, not {expect:?}");
    Err(text.chars().take(700).collect())
}

/// A case that passes the model's checks may still be refused for what it says, but not in the
/// words of those checks.
fn is_as_expected(reply: &Reply, case: &Case) -> bool {
    if reply.status == 200 {
        return case.expect == Expect::Valid;
    }
    if reply.status != 400 || !reply.body["__type"].is_string() {
        return false;
    }
    let refusal = reply.refusal();
    let found =
        violations(&refusal.message).filter(|_| refusal.kind == "InvalidParameterException");
    match &case.expect {
        Expect::Valid => {
            let told = found.is_none_or(|items| items.iter().eq([BEYOND_THE_MODEL]));
            refusal.kind != "SerializationException" && told
        }
        Expect::Serialization => refusal.kind == "SerializationException",
        Expect::Violation(items) => found.as_ref() == Some(items),
    }
}
