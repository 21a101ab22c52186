//! What the service model says about every operation's input, asked of a running server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolhouse_acceptance::{Client, Engine, Reply, Server, Store, both_engines};
use poolhouse_wire::OperationName;
use poolhouse_wire::model_cases::{Case, Expect, cases_of, violations};

both_engines!(every_case_of_the_model_is_answered_as_the_model_implies);

/// How many requests are under way at the same time.
const CONCURRENCY: usize = 8;

async fn every_case_of_the_model_is_answered_as_the_model_implies(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev_with(&store, &["--log-filter", "warn"]).await;
    let client = server.client();
    // Each worker takes the next operation that nobody took, so that few cases are in memory.
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..CONCURRENCY).map(|_| tokio::spawn(work(client.clone(), Arc::clone(&next))));
    let (mut ran, mut failures) = (0, Vec::new());
    for worker in workers.collect::<Vec<_>>() {
        let (some, failed) = worker.await.unwrap();
        ran += some;
        failures.extend(failed);
    }
    assert!(ran > 10_000, "only {ran} cases ran");
    let shown = failures.iter().take(30).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {ran} cases failed:\n{shown}", failures.len());
}

/// Sends the cases of one operation after the other; how many, and which were answered otherwise.
async fn work(client: Client, next: Arc<AtomicUsize>) -> (usize, Vec<String>) {
    let (mut ran, mut failures) = (0, Vec::new());
    while let Some(operation) = OperationName::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
        for case in cases_of(*operation) {
            ran += 1;
            let request = client.request(operation.as_str(), case.body.clone());
            let failure = match client.send(request).await {
                Ok(reply) if is_as_expected(&reply, &case) => continue,
                Ok(reply) => format!("{} {}", reply.status, reply.text),
                Err(error) => format!("{error:?}"),
            };
            let Case { name, expect, .. } = &case;
            let text = format!("{operation} {name}: {failure}, not {expect:?}");
            failures.push(text.chars().take(700).collect());
        }
    }
    (ran, failures)
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
    let found = violations(&refusal.message).filter(|_| refusal.kind == "InvalidParameterException");
    match &case.expect {
        Expect::Valid => refusal.kind != "SerializationException" && found.is_none(),
        Expect::Serialization => refusal.kind == "SerializationException",
        Expect::Violation(items) => found.as_ref() == Some(items),
    }
}
