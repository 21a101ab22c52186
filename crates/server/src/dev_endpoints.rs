//! Endpoints of our own, under `/_poolhouse/`: health for everybody; inbox, clock and functions of
//! triggers for `dev`.
//!
//! They have no CORS headers: web pages have no business here.

use std::sync::Arc;

use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
    request::Parts,
};
use percent_encoding::percent_decode_str;
use poolhouse_adapters::{
    clock::MovableClock,
    functions::JournalFilter,
    inbox::{Inbox, InboxFilter, epoch_seconds},
};
use poolhouse_domain::{
    Fault,
    ports::{Clock, Ports},
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{functions::DevFunctions, hosts::Hosts, record::Record};

/// Paths of our own, apart from those of the service.
pub(crate) const OWN: &str = "/_poolhouse/";

/// The last second of the year 9999: later times can't be written as dates.
const END_OF_TIME: f64 = 253_402_300_799.0;

/// What only `dev` has.
pub(crate) struct DevTools {
    /// The messages that were sent.
    pub(crate) inbox: Arc<Inbox>,
    /// The clock that everything goes by.
    pub(crate) clock: Arc<MovableClock>,
    /// The functions of triggers, and what became of them.
    pub(crate) functions: DevFunctions,
    /// Which requests are answered.
    pub(crate) hosts: Hosts,
    /// Where answers are recorded, if they are.
    pub(crate) record: Option<Record>,
}

/// Answers a request for `/_poolhouse/<name>`.
pub(crate) async fn serve(
    name: &str,
    parts: &Parts,
    body: &[u8],
    ports: &Ports,
    dev: Option<&DevTools>,
) -> Response<String> {
    let is_get = parts.method == Method::GET || parts.method == Method::HEAD;
    let (status, content) = match (name, dev) {
        ("health", _) if is_get => health(ports, dev.is_some()).await,
        ("messages", Some(dev)) if is_get => (StatusCode::OK, messages(dev, parts)),
        ("clock", Some(dev)) if is_get => (StatusCode::OK, show(&dev.clock)),
        ("clock", Some(dev)) if [Method::POST, Method::PUT].contains(&parts.method) => {
            match move_clock(&dev.clock, body) {
                Ok(()) => (StatusCode::OK, show(&dev.clock)),
                Err(problem) => (StatusCode::BAD_REQUEST, json!({ "message": problem })),
            }
        }
        ("invocations", Some(dev)) if is_get => (StatusCode::OK, invocations(dev, parts)),
        ("functions", Some(dev)) if [Method::POST, Method::PUT].contains(&parts.method) => {
            match dev.functions.put(body) {
                Ok(route) => (StatusCode::OK, route),
                Err(problem) => (StatusCode::BAD_REQUEST, json!({ "message": problem })),
            }
        }
        ("health", _) | ("messages" | "clock" | "invocations" | "functions", Some(_)) => {
            (StatusCode::METHOD_NOT_ALLOWED, json!({ "message": "method not allowed" }))
        }
        _ => (StatusCode::NOT_FOUND, json!({ "message": "there is nothing here" })),
    };
    let mut response = Response::new(content.to_string());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether requests can be served: the database must answer. The version is told on this machine
/// only: on a network it would tell anybody which faults to look for.
async fn health(ports: &Ports, is_dev: bool) -> (StatusCode, Value) {
    let (status, text) = match ask_database(ports).await {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(fault) => {
            tracing::warn!(%fault, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "database unavailable")
        }
    };
    let mut content = json!({ "status": text });
    if let (true, Some(members)) = (is_dev, content.as_object_mut()) {
        members.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    }
    (status, content)
}

/// As little as can be asked: anybody may ask, as often as they like.
async fn ask_database(ports: &Ports) -> Result<(), Fault> {
    // No pool has this id, so this is one look into an index.
    ports.store.read().await?.user_pool("").await.map(drop)
}

/// The messages that the query asks for.
fn messages(dev: &DevTools, parts: &Parts) -> Value {
    let query = parts.uri.query().unwrap_or_default();
    let (pool, user) = (parameter(query, "pool"), parameter(query, "user"));
    let destination = parameter(query, "destination");
    dev.inbox.to_json(InboxFilter {
        pool: pool.as_deref(),
        user: user.as_deref(),
        destination: destination.as_deref(),
    })
}

/// The invocations of functions that the query asks for.
fn invocations(dev: &DevTools, parts: &Parts) -> Value {
    let query = parts.uri.query().unwrap_or_default();
    let (pool, trigger) = (parameter(query, "pool"), parameter(query, "trigger"));
    let function = parameter(query, "function");
    dev.functions.journal.to_json(JournalFilter {
        pool: pool.as_deref(),
        trigger: trigger.as_deref(),
        function: function.as_deref(),
    })
}

/// The value of a parameter. A plus sign is one: telephone numbers have it, usernames can't hold
/// spaces.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// Seconds with a fraction: what the clock shows, and how far it is ahead of the system's.
fn show(clock: &MovableClock) -> Value {
    let offset = epoch_seconds(Timestamp::from_micros(clock.offset_micros()));
    json!({ "now": epoch_seconds(clock.now()), "offset": offset })
}

/// What is to happen to the clock: one of three.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Move {
    advance: Option<f64>,
    set: Option<f64>,
    reset: Option<bool>,
}

/// Moves the clock as the body says.
fn move_clock(clock: &MovableClock, body: &[u8]) -> Result<(), String> {
    let usage = "send one of {\"advance\": seconds}, {\"set\": seconds since the epoch}, \
                 {\"reset\": true}";
    let wanted: Move = serde_json::from_slice(body).map_err(|error| format!("{usage}: {error}"))?;
    match (wanted.advance, wanted.set, wanted.reset) {
        (Some(seconds), None, None) => {
            let target = epoch_seconds(clock.now()) + seconds;
            check(target)?;
            clock.advance_micros(micros(seconds));
        }
        (None, Some(seconds), None) => {
            check(seconds)?;
            clock.set(Timestamp::from_micros(micros(seconds)));
        }
        (None, None, Some(true)) => clock.reset(),
        _ => return Err(usage.to_owned()),
    }
    tracing::info!(now = epoch_seconds(clock.now()), "the clock was moved");
    Ok(())
}

fn check(seconds: f64) -> Result<(), String> {
    if (0.0..=END_OF_TIME).contains(&seconds) {
        return Ok(());
    }
    Err("the clock would leave the years 1970 to 9999".to_owned())
}

#[expect(clippy::cast_possible_truncation, reason = "`check` keeps the value in range")]
fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Frozen;
    impl Clock for Frozen {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(1_000)
        }
    }

    fn clock() -> MovableClock {
        MovableClock::over(Arc::new(Frozen))
    }

    #[test]
    fn the_clock_is_advanced_set_and_reset() {
        let clock = clock();
        move_clock(&clock, br#"{"advance": 90.5}"#).unwrap();
        assert_eq!(show(&clock), json!({ "now": 1_090.5, "offset": 90.5 }));
        move_clock(&clock, br#"{"set": 400}"#).unwrap();
        assert_eq!(show(&clock), json!({ "now": 400.0, "offset": -600.0 }));
        move_clock(&clock, br#"{"reset": true}"#).unwrap();
        assert_eq!(show(&clock), json!({ "now": 1_000.0, "offset": 0.0 }));
    }

    #[test]
    fn senseless_moves_are_refused_and_change_nothing() {
        let clock = clock();
        for body in [
            "",
            "[]",
            "{}",
            r#"{"advance": "1"}"#,
            r#"{"advance": 1, "set": 2}"#,
            r#"{"reset": false}"#,
            r#"{"forward": 1}"#,
            r#"{"set": -1}"#,
            r#"{"advance": 1e300}"#,
        ] {
            assert!(move_clock(&clock, body.as_bytes()).is_err(), "{body}");
        }
        assert_eq!(clock.offset_micros(), 0);
    }

    #[test]
    fn parameters_are_decoded_and_keep_their_plus_signs() {
        let query = "user=a%40b.example&destination=+15550100&empty=";
        assert_eq!(parameter(query, "user").as_deref(), Some("a@b.example"));
        assert_eq!(parameter(query, "destination").as_deref(), Some("+15550100"));
        assert_eq!(parameter(query, "empty").as_deref(), Some(""));
        assert_eq!(parameter(query, "pool"), None);
    }
}
