//! Functions behind the triggers of user pools: which server is asked, how often and for how long,
//! and what its answer means.
//!
//! The addresses come from whoever runs the server, never from user pools, which only name ARNs. So
//! any address will do, also plain `http` ones and those of one's own network. Redirects are not
//! followed.

mod answer;
mod journal;
mod lambda;
mod lanes;
mod routes;
mod target;
#[cfg(test)]
mod tests;
mod webhook;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use poolhouse_domain::{
    ports::Clock,
    triggers::{Functions, Invocation, InvocationFailed},
};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout_at};

use self::{answer::Failed, lanes::Lanes};
pub use self::{
    journal::{Journal, JournalFilter},
    lambda::Lambda,
    routes::{Pattern, Routes},
    target::{EMULATOR_PATH, Limits, Target, parse as parse_url},
    webhook::Secrets,
};
pub use crate::aws::AccessKey;
use crate::inbox::epoch_seconds;

/// The pause before the second attempt, unless the first ran out of time; it doubles with each
/// further one.
const PAUSE: Duration = Duration::from_millis(100);
/// Characters of a reason that go into the log.
const LONGEST_REASON: usize = 300;

/// Invokes functions over HTTP.
pub struct HttpFunctions {
    routes: RwLock<Routes>,
    lanes: Lanes,
    /// The time of the outside world, which signatures are compared with: not one that was moved.
    clock: Arc<dyn Clock>,
    /// In `dev`.
    journal: Option<Arc<Journal>>,
    pause: Duration,
}

impl HttpFunctions {
    /// Invokes functions where the routes lead. What is sent and answered goes into the journal, if
    /// there is one.
    pub fn new(routes: Routes, clock: Arc<dyn Clock>, journal: Option<Arc<Journal>>) -> Self {
        let lanes = Lanes::default();
        Self { routes: RwLock::new(routes), lanes, clock, journal, pause: PAUSE }
    }

    /// Replaces a route while functions are invoked, or adds it, unless there are `most` already.
    /// Answers whether it is there.
    pub fn route(&self, pattern: Pattern, target: Target, most: usize) -> bool {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if routes.count() >= most && !routes.has(&pattern) {
            return false;
        }
        routes.put(pattern, target);
        true
    }

    fn target(&self, arn: &str) -> Option<Arc<Target>> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner).target(arn)
    }

    /// Tries until there is an answer, or no hope.
    async fn attempt(&self, call: &Invocation, told: &mut Told<'_>) -> Result<Vec<u8>, Failed> {
        let target = self.target(&call.function).ok_or_else(|| {
            let reason = "no server is configured for this ARN: see docs/triggers.md";
            Failed::unreachable("ResourceNotFoundException", reason)
        })?;
        told.target = target.to_string();
        let limits = target.limits.of(call);
        let mut deadline = Instant::now() + limits.time;
        // Waiting counts: the client waits too.
        let _place = self.lanes.enter(target.lane(call), limits.parallel, deadline).await?;
        let mut pause = self.pause;
        loop {
            told.attempts += 1;
            let asked = timeout_at(deadline, target.ask(call, self.clock.now())).await;
            let is_late = asked.is_err();
            let asked = asked.unwrap_or_else(|_| Err(Failed::no_answer()));
            match asked {
                Err(failed) if failed.may_repeat && told.attempts < limits.attempts => {
                    tracing::debug!(function = call.function, failed.reason, "invoked again");
                }
                outcome => return outcome,
            }
            if !is_late {
                sleep(pause).await;
                pause *= 2;
            }
            deadline = Instant::now() + limits.time;
        }
    }
}

#[async_trait]
impl Functions for HttpFunctions {
    async fn invoke(&self, call: &Invocation) -> Result<Vec<u8>, InvocationFailed> {
        let mut told = Told {
            call,
            functions: self,
            began: Instant::now(),
            target: "none".to_owned(),
            attempts: 0,
            end: End::Abandoned,
        };
        match self.attempt(call, &mut told).await {
            Ok(answer) => {
                told.end =
                    End::Answered(if told.keeps_bodies() { answer.clone() } else { Vec::new() });
                Ok(answer)
            }
            Err(failed) => {
                let failure = failed.failure.clone();
                told.end = End::Failed(failed);
                Err(failure)
            }
        }
    }
}

/// How an invocation ended.
enum End {
    Answered(Vec<u8>),
    Failed(Failed),
    /// Whoever asked went away.
    Abandoned,
}

/// An invocation, of which one line of the log tells when it is over: also if the request that
/// caused it was dropped. The event itself is never logged.
struct Told<'a> {
    call: &'a Invocation,
    functions: &'a HttpFunctions,
    began: Instant,
    target: String,
    attempts: u32,
    end: End,
}

impl Told<'_> {
    const fn keeps_bodies(&self) -> bool {
        self.functions.journal.is_some()
    }

    /// In a word, and why.
    fn outcome(&self) -> (&'static str, String) {
        let failed = match &self.end {
            End::Answered(_) if self.call.is_queued => return ("queued", String::new()),
            End::Answered(_) => return ("answered", String::new()),
            End::Abandoned => return ("abandoned", "the request was dropped".to_owned()),
            End::Failed(failed) => failed,
        };
        let reason = failed.reason.chars().take(LONGEST_REASON).collect();
        match &failed.failure {
            InvocationFailed::Function(_) => ("function error", reason),
            InvocationFailed::Unreachable(_) | InvocationFailed::Unanswered(_) => {
                ("unreachable", reason)
            }
            InvocationFailed::NotJson => ("not JSON", reason),
        }
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let Self { call, target, attempts, .. } = &*self;
        let took = self.began.elapsed();
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (outcome, reason) = self.outcome();
        let (trigger, function) = (call.trigger.name(), &call.function);
        let (id, pool) = (&call.id, &call.user_pool_id);
        match outcome {
            // A function that says no does what it is for.
            "answered" | "queued" | "function error" => tracing::info!(
                trigger,
                function,
                target,
                pool,
                id,
                milliseconds,
                attempts,
                outcome,
                reason,
                "function invoked"
            ),
            _ => tracing::warn!(
                trigger,
                function,
                target,
                pool,
                id,
                milliseconds,
                attempts,
                outcome,
                reason,
                "invocation failed"
            ),
        }
        if let End::Failed(Failed { failure: InvocationFailed::Function(error), .. }) = &self.end {
            // The message is for the client, and may name a user: not for every log.
            let error: String = error.chars().take(LONGEST_REASON).collect();
            tracing::debug!(id, error, "the function's error");
        }
        let Some(journal) = &self.functions.journal else { return };
        let answer: &[u8] = match &self.end {
            End::Answered(body) | End::Failed(Failed { body, .. }) => body,
            End::Abandoned => &[],
        };
        let entry = json!({
            "id": id, "at": epoch_seconds(self.functions.clock.now()), "pool": pool,
            "trigger": trigger, "function": function, "target": target, "isQueued": call.is_queued,
            "attempts": attempts, "milliseconds": milliseconds, "outcome": outcome,
            "reason": reason,
        });
        journal.note(entry, call.event.as_bytes(), answer);
    }
}
