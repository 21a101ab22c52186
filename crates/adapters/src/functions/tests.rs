//! Functions behind servers that answer, refuse, hang, break off or talk nonsense.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName};
use poolhouse_domain::{time::Timestamp, triggers::Trigger};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::*;
use crate::clock::SystemClock;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:check";
const EVENT: &str = r#"{"userName":"josé","request":{"password":"hunter2"},"response":{}}"#;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SOCKET_TIMEOUT: &str = "Socket timeout while invoking Lambda function.";

/// What a server does with a request.
#[derive(Clone)]
enum Act {
    /// Answers with status and headers, and a body.
    Answer(&'static str, String),
    /// Keeps the connection and says nothing.
    Hang,
    /// Closes without a word.
    Close,
    /// Announces a body and closes in the midst of it.
    BreakOff,
    /// Sends a body that does not end.
    Flood,
}

fn answer(status: &'static str, body: &str) -> Act {
    Act::Answer(status, body.to_owned())
}

/// A request as it came.
#[derive(Clone, Debug)]
struct Request {
    line: String,
    headers: HeaderMap,
    body: String,
}

/// A server that does one thing after the other, the last one again and again.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
    arrived: Arc<Notify>,
}

impl Server {
    async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self {
            url,
            requests: Arc::default(),
            connections: Arc::default(),
            arrived: Arc::default(),
        };
        let (requests, connections) =
            (Arc::clone(&server.requests), Arc::clone(&server.connections));
        let arrived = Arc::clone(&server.arrived);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (acts, requests) = (acts.clone(), Arc::clone(&requests));
                tokio::spawn(converse(stream, acts, requests, Arc::clone(&arrived)));
            }
        });
        server
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn converse(
    mut stream: TcpStream,
    acts: Vec<Act>,
    requests: Arc<Mutex<Vec<Request>>>,
    arrived: Arc<Notify>,
) {
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request);
            requests.len()
        };
        arrived.notify_one();
        match acts.get(number - 1).or(acts.last()).unwrap() {
            Act::Answer(status, body) => {
                let length = body.len();
                let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
                // Whoever finds it too long does not read to the end.
                let _ = stream.write_all(text.as_bytes()).await;
            }
            Act::Hang => return std::future::pending().await,
            Act::Close => return,
            Act::BreakOff => {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\"";
                return stream.write_all(head).await.unwrap();
            }
            Act::Flood => {
                let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                stream.write_all(head).await.unwrap();
                let chunk = format!("10000\r\n{}\r\n", "[".repeat(65_536));
                while stream.write_all(chunk.as_bytes()).await.is_ok() {}
                return;
            }
        }
    }
}

/// The next request of a connection; none when it is closed.
async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut text = Vec::new();
    let (mut head_end, mut length) = (None, 0);
    loop {
        if head_end.is_none()
            && let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = String::from_utf8(text[..end].to_vec()).unwrap().to_lowercase();
            let found = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            length = found.map_or(0, |digits| digits.parse().unwrap());
            head_end = Some(end);
        }
        if head_end.is_some_and(|end| text.len() >= end + 4 + length) {
            break;
        }
        let mut buffer = [0; 4_096];
        match stream.read(&mut buffer).await.ok()? {
            0 => return None,
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
    let end = head_end?;
    let body = String::from_utf8(text[end + 4..].to_vec()).unwrap();
    let head = String::from_utf8(text[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    Some(Request { line, headers, body })
}

/// Makes it wait for a short time, but one within which a busy machine answers.
fn hasty(mut target: Target) -> Target {
    target.limits.time = Duration::from_secs(1);
    target
}

fn lambda(url: &str) -> Target {
    let lambda = Lambda {
        endpoint: Some(url.parse().unwrap()),
        region: None,
        key: AccessKey::any(),
        function: None,
    };
    Target::lambda(lambda, Limits::default()).unwrap()
}

fn emulator(url: &str) -> Target {
    Target::emulator(url, Limits::default()).unwrap()
}

fn webhook(url: &str) -> Target {
    let url = format!("{url}/hook?key=hunter3");
    Target::webhook(&url, Secrets::parse(SECRET).unwrap(), Limits::default()).unwrap()
}

fn functions(target: Target) -> HttpFunctions {
    let journal = Some(Arc::default());
    let functions = HttpFunctions::new(Routes::new(Some(target)), Arc::new(SystemClock), journal);
    HttpFunctions { pause: Duration::ZERO, ..functions }
}

fn call() -> Invocation {
    Invocation {
        function: FUNCTION.to_owned(),
        trigger: Trigger::PreSignUp,
        user_pool_id: "us-east-1_Pool".to_owned(),
        id: "event-1".to_owned(),
        event: EVENT.to_owned(),
        is_queued: false,
    }
}

fn function_error(text: &str) -> Result<String, InvocationFailed> {
    Err(InvocationFailed::Function(text.to_owned()))
}

fn unreachable(text: &str) -> Result<String, InvocationFailed> {
    Err(InvocationFailed::Unreachable(text.to_owned()))
}

fn unanswered(text: &str) -> Result<String, InvocationFailed> {
    Err(InvocationFailed::Unanswered(text.to_owned()))
}

async fn invoke(functions: &HttpFunctions, call: &Invocation) -> Result<String, InvocationFailed> {
    functions.invoke(call).await.map(|answer| String::from_utf8(answer).unwrap())
}

/// The last entry of the journal.
fn entry(functions: &HttpFunctions) -> Value {
    let shown = functions.journal.as_ref().unwrap().to_json(JournalFilter::default());
    shown["invocations"][0].clone()
}

/// What comes of an invocation, after how many requests.
async fn outcome(
    target: fn(&str) -> Target,
    acts: Vec<Act>,
) -> (Result<String, InvocationFailed>, usize) {
    let hangs = acts.iter().any(|act| matches!(act, Act::Hang));
    let server = Server::start(acts).await;
    let target = target(&server.url);
    let functions = functions(if hangs { hasty(target) } else { target });
    let outcome = invoke(&functions, &call()).await;
    assert_eq!(entry(&functions)["attempts"], server.requests().len());
    (outcome, server.requests().len())
}

#[tokio::test]
async fn an_invoke_api_is_asked_as_sdks_ask_it() {
    let server = Server::start(vec![answer("200 OK", r#"{"response":{}}"#)]).await;
    let functions = functions(lambda(&server.url));
    assert_eq!(invoke(&functions, &call()).await, Ok(r#"{"response":{}}"#.to_owned()));
    let request = server.requests().pop().unwrap();
    assert_eq!(request.line, "POST /2015-03-31/functions/check/invocations HTTP/1.1");
    assert_eq!(request.body, EVENT);
    let header = |name: &str| request.headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-amz-invocation-type"), "RequestResponse");
    let authorization = header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=test/"), "{authorization}");
    assert!(authorization.contains("/us-east-1/lambda/aws4_request"), "{authorization}");
    let signed = "SignedHeaders=content-type;host;x-amz-client-context;x-amz-date;\
                  x-amz-invocation-type";
    assert!(authorization.contains(signed), "{authorization}");
}

#[tokio::test]
async fn a_lambda_that_answers_or_throws_is_asked_once() {
    let failed = "200 OK\r\nx-amz-function-error: Unhandled";
    for (act, expected) in [
        (answer("200 OK", "\"text\""), Ok("\"text\"".to_owned())),
        (answer("200 OK", "null"), Err(InvocationFailed::NotJson)),
        (answer("200 OK", " null\n"), Err(InvocationFailed::NotJson)),
        (answer("200 OK", ""), Err(InvocationFailed::NotJson)),
        (answer("200 OK", "<html>"), Err(InvocationFailed::NotJson)),
        (answer(failed, r#"{"errorMessage":"No.","errorType":"Error"}"#), function_error("No.")),
        (answer(failed, r#"{"errorMessage":{"code":1}}"#), function_error(r#"{"code":1}"#)),
        (
            answer(failed, r#"{"errorType":"Runtime.ExitError"}"#),
            function_error("Runtime.ExitError"),
        ),
        (answer(failed, "oops"), function_error("Unhandled")),
        // Looks like an error, but the header would say so.
        (
            answer("200 OK", r#"{"errorMessage":"a","errorType":"b"}"#),
            Ok(r#"{"errorMessage":"a","errorType":"b"}"#.to_owned()),
        ),
        (answer("403 X", "{}"), unreachable("AccessDeniedException.")),
        (answer("404 X", "{}"), unreachable("ResourceNotFoundException.")),
        (answer("400 X", "{}"), unreachable("InvalidRequestContentException.")),
        (answer("413 X", "{}"), unreachable("RequestTooLargeException.")),
        (answer("500 X", "{}"), unreachable("ServiceException.")),
        (answer("503 X", ""), unreachable("ServiceException.")),
        (
            answer("502 X\r\nx-amzn-errortype: KMSDisabledException:http://internal/", "{}"),
            unreachable("KMSDisabledException."),
        ),
        (
            answer("502 X\r\nx-amzn-errortype: <script>Exception", "{}"),
            unreachable("ServiceException."),
        ),
        (answer("307 X\r\nlocation: /elsewhere", "{}"), unreachable("ServiceException.")),
    ] {
        assert_eq!(outcome(lambda, vec![act]).await, (expected, 1));
    }
}

#[tokio::test]
async fn what_may_go_better_is_tried_three_times() {
    let good = || answer("200 OK", "{}");
    let busy = || answer("429 X", "{}");
    for (acts, expected) in [
        (vec![busy(), busy(), good()], Ok("{}".to_owned())),
        (vec![busy()], unreachable("TooManyRequestsException.")),
        (vec![Act::Close, Act::BreakOff, good()], Ok("{}".to_owned())),
        (vec![Act::BreakOff], unanswered("ServiceException.")),
        (vec![Act::Hang, Act::Close, good()], Ok("{}".to_owned())),
        (vec![Act::Hang], unanswered(SOCKET_TIMEOUT)),
    ] {
        assert_eq!(outcome(lambda, acts).await, (expected, 3));
    }
    assert_eq!(outcome(lambda, vec![busy(), answer("500 X", "")]).await.1, 2);
}

#[tokio::test]
async fn every_attempt_of_an_event_has_the_same_id() {
    let server = Server::start(vec![answer("429 X", ""), answer("200 OK", "{}")]).await;
    invoke(&functions(lambda(&server.url)), &call()).await.unwrap();
    let contexts = server.requests().into_iter().map(|request| {
        let context = request.headers["x-amz-client-context"].to_str().unwrap().to_owned();
        String::from_utf8(STANDARD.decode(context).unwrap()).unwrap()
    });
    let expected = r#"{"custom":{"event_id":"event-1"}}"#;
    assert_eq!(contexts.collect::<Vec<_>>(), [expected, expected]);
    let server = Server::start(vec![answer("429 X", ""), answer("204 No Content", "")]).await;
    invoke(&functions(webhook(&server.url)), &call()).await.unwrap();
    let ids = server.requests().into_iter().map(|request| request.headers["webhook-id"].clone());
    assert_eq!(ids.collect::<Vec<_>>(), ["event-1", "event-1"]);
}

#[tokio::test]
async fn nobody_listening_is_no_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let functions = functions(webhook(&url));
    assert_eq!(invoke(&functions, &call()).await, unreachable("ServiceException."));
    let entry = entry(&functions);
    assert_eq!((&entry["attempts"], &entry["outcome"]), (&3.into(), &"unreachable".into()));
    let reason = entry["reason"].as_str().unwrap();
    assert!(reason.contains("onnect") && !reason.contains("hunter3"), "{reason}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let text = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    assert_eq!(outcome(lambda, vec![Act::Flood]).await, (function_error(text), 1));
    let just = format!("\"{}\"", "x".repeat(answer::LARGEST - 2));
    assert_eq!(outcome(webhook, vec![answer("200 OK", &just)]).await, (Ok(just), 1));
    let more = format!("\"{}\"", "x".repeat(answer::LARGEST - 1));
    assert_eq!(outcome(webhook, vec![answer("200 OK", &more)]).await, (function_error(text), 1));
}

#[tokio::test]
async fn errors_of_functions_are_not_passed_on_at_any_length() {
    let body = serde_json::json!({ "errorMessage": "é".repeat(5_000) }).to_string();
    let acts = vec![answer("200 OK\r\nx-amz-function-error: Handled", &body)];
    assert_eq!(outcome(lambda, acts).await, (function_error(&"é".repeat(2_000)), 1));
}

#[tokio::test]
async fn an_emulator_s_errors_are_found_in_the_body() {
    let thrown = r#"{"errorMessage":"No","errorType":"Error","trace":[]}"#;
    for (act, expected, requests) in [
        (answer("200 OK", "{}"), Ok("{}".to_owned()), 1),
        (answer("200 OK", thrown), function_error("No"), 1),
        (answer("502 X", thrown), function_error("No"), 1),
        (answer("502 X", ""), unreachable("ServiceException."), 1),
        (answer("400 X", ""), unreachable("TooManyRequestsException."), 3),
        (answer("200 OK", "nonsense"), Err(InvocationFailed::NotJson), 1),
        (
            answer("200 OK", "Task timed out after 3.00 seconds"),
            function_error("Task timed out after 3.00 seconds"),
            1,
        ),
    ] {
        assert_eq!(outcome(emulator, vec![act]).await, (expected, requests));
    }
    let event = r#"{"errorMessage":"a","errorType":"b","response":{}}"#;
    let outcome = outcome(emulator, vec![answer("200 OK", event)]).await;
    assert_eq!(outcome, (Ok(event.to_owned()), 1));
}

#[tokio::test]
async fn an_emulator_is_asked_at_its_only_path_one_at_a_time() {
    let server = Server::start(vec![answer("200 OK", "{}")]).await;
    let functions = Arc::new(functions(emulator(&server.url)));
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..20 {
        let functions = Arc::clone(&functions);
        let function = format!("{FUNCTION}-{number}");
        calls.spawn(async move { invoke(&functions, &Invocation { function, ..call() }).await });
    }
    for outcome in calls.join_all().await {
        assert_eq!(outcome, Ok("{}".to_owned()));
    }
    assert_eq!(server.connections(), 1);
    let line = server.requests().pop().unwrap().line;
    assert_eq!(line, "POST /2015-03-31/functions/function/invocations HTTP/1.1");
}

#[tokio::test]
async fn a_webhook_says_yes_and_no_by_its_status() {
    for (act, expected, requests) in [
        (answer("200 OK", r#"{"response":{}}"#), Ok(r#"{"response":{}}"#.to_owned()), 1),
        (answer("201 Created", "{}"), Ok("{}".to_owned()), 1),
        (answer("204 No Content", ""), Ok("{}".to_owned()), 1),
        (answer("200 OK", ""), Err(InvocationFailed::NotJson), 1),
        (answer("400 X", r#"{"errorMessage":"No"}"#), function_error("No"), 1),
        (answer("500 X", r#"{"errorMessage":"No","errorType":"E"}"#), function_error("No"), 1),
        (answer("400 X", r#"{"message":"No"}"#), unreachable("InvalidRequestContentException."), 1),
        (answer("401 X", ""), unreachable("AccessDeniedException."), 1),
        (answer("404 X", "<html>"), unreachable("ResourceNotFoundException."), 1),
        (answer("500 X", "oops"), unreachable("ServiceException."), 1),
        (answer("302 X\r\nlocation: /", ""), unreachable("ServiceException."), 1),
        (answer("429 X", ""), unreachable("TooManyRequestsException."), 3),
    ] {
        assert_eq!(outcome(webhook, vec![act]).await, (expected, requests));
    }
}

#[tokio::test]
async fn webhooks_are_signed_so_that_the_library_verifies_them() {
    let server = Server::start(vec![answer("204 No Content", "")]).await;
    invoke(&functions(webhook(&server.url)), &call()).await.unwrap();
    let request = server.requests().pop().unwrap();
    assert_eq!(request.line, "POST /hook?key=hunter3 HTTP/1.1");
    let library = standardwebhooks::Webhook::new(SECRET).unwrap();
    library.verify(request.body.as_bytes(), &request.headers).unwrap();
    let other = request.body.replace("josé", "jose");
    assert!(library.verify(other.as_bytes(), &request.headers).is_err());
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start(vec![answer("200 OK", "{}")]).await;
    let functions = functions(lambda(&server.url));
    for _ in 0..5 {
        invoke(&functions, &call()).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 5));
}

#[tokio::test]
async fn queued_invocations_want_no_answer() {
    let queued = Invocation { is_queued: true, ..call() };
    for (target, act) in [
        (lambda as fn(&str) -> Target, answer("202 Accepted", "")),
        (lambda, answer("200 OK", "null")),
        (emulator, answer("200 OK", "null")),
        (webhook, answer("200 OK", "thanks")),
    ] {
        let server = Server::start(vec![act]).await;
        let functions = functions(target(&server.url));
        assert_eq!(invoke(&functions, &queued).await, Ok(String::new()));
        assert_eq!(entry(&functions)["outcome"], "queued");
        let request = server.requests().pop().unwrap();
        let kind = request.headers.get("x-amz-invocation-type");
        assert!(kind.is_none_or(|kind| kind == "Event"));
    }
    let server = Server::start(vec![answer("404 X", "")]).await;
    let refused = invoke(&functions(lambda(&server.url)), &queued).await;
    assert_eq!(refused, unreachable("ResourceNotFoundException."));
}

#[tokio::test]
async fn queued_invocations_are_asked_once_and_given_time() {
    let queued = Invocation { is_queued: true, ..call() };
    for (act, expected) in [
        (answer("429 X", ""), unreachable("TooManyRequestsException.")),
        (Act::BreakOff, unanswered("ServiceException.")),
    ] {
        let server = Server::start(vec![act]).await;
        assert_eq!(invoke(&functions(lambda(&server.url)), &queued).await, expected);
        assert_eq!(server.requests().len(), 1);
    }
    let limits = Limits::default();
    assert_eq!(limits.of(&call()), limits);
    let expected = Limits { time: Duration::from_secs(30), attempts: 1, ..limits };
    assert_eq!(limits.of(&queued), expected);
    let long = Limits { time: Duration::from_mins(1), ..limits };
    assert_eq!(long.of(&queued).time, Duration::from_mins(1));
}

#[tokio::test]
async fn a_function_that_hangs_does_not_hold_up_others() {
    let hanging = Server::start(vec![Act::Hang]).await;
    let functions = Arc::new(functions(hasty(lambda(&hanging.url))));
    let good = Server::start(vec![answer("200 OK", "{}")]).await;
    let other = format!("{FUNCTION}-other");
    assert!(functions.route(Pattern::Arn(other.clone()), lambda(&good.url), 1));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let functions = Arc::clone(&functions);
        calls.spawn(async move { invoke(&functions, &call()).await });
    }
    while hanging.requests().len() < 32 {
        hanging.arrived.notified().await;
    }
    let answered = invoke(&functions, &Invocation { function: other, ..call() }).await;
    assert_eq!(answered, Ok("{}".to_owned()));
    let outcomes = calls.join_all().await;
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    // Eight waited for a place until their time was over, and never asked.
    let counts = (count(unanswered(SOCKET_TIMEOUT)), count(unreachable(SOCKET_TIMEOUT)));
    assert_eq!(counts, (32, 8));
    assert_eq!(hanging.requests().len(), 32 * 3);
}

#[tokio::test]
async fn what_no_route_leads_to_is_not_found() {
    let functions =
        HttpFunctions::new(Routes::default(), Arc::new(SystemClock), Some(Arc::default()));
    assert_eq!(invoke(&functions, &call()).await, unreachable("ResourceNotFoundException."));
    let entry = entry(&functions);
    assert_eq!((&entry["target"], &entry["attempts"]), (&"none".into(), &0.into()));
    assert!(entry["reason"].as_str().unwrap().starts_with("no server is configured"));
}

#[tokio::test]
async fn routes_can_be_added_up_to_a_limit() {
    let server = Server::start(vec![answer("200 OK", "{}")]).await;
    let functions =
        HttpFunctions::new(Routes::default(), Arc::new(SystemClock), Some(Arc::default()));
    let route = |name: &str| functions.route(Pattern::parse(name).unwrap(), lambda(&server.url), 1);
    assert!(route("check"));
    assert!(!route("other"));
    assert!(route("check"), "replaced");
    assert_eq!(invoke(&functions, &call()).await, Ok("{}".to_owned()));
}

#[tokio::test]
async fn the_journal_tells_what_happened_without_passwords_or_keys() {
    let server = Server::start(vec![answer("400 X", r#"{"errorMessage":"No","a":1}"#)]).await;
    let functions = functions(webhook(&server.url));
    assert!(invoke(&functions, &call()).await.is_err());
    let mut entry = entry(&functions);
    let text = entry.to_string();
    assert!(!text.contains("hunter") && !text.contains("whsec"), "{text}");
    let members = entry.as_object_mut().unwrap();
    assert!(members.remove("milliseconds").unwrap().is_u64());
    assert!(members.remove("at").unwrap().as_f64().unwrap() > 1.7e9);
    assert_eq!(
        entry,
        json!({
            "id": "event-1", "pool": "us-east-1_Pool", "trigger": "PreSignUp",
            "function": FUNCTION, "target": format!("webhook {}", server.url), "isQueued": false,
            "attempts": 1, "outcome": "function error", "reason": "Error",
            "event": { "userName": "josé", "request": { "password": "***" }, "response": {} },
            "answer": { "errorMessage": "No", "a": 1 },
        })
    );
}

#[tokio::test]
async fn an_invocation_that_nobody_waits_for_any_more_is_told_too() {
    let server = Server::start(vec![Act::Hang]).await;
    let functions = functions(lambda(&server.url));
    let call = call();
    tokio::select! {
        _ = functions.invoke(&call) => panic!("the server hangs"),
        () = server.arrived.notified() => {}
    }
    assert_eq!(entry(&functions)["outcome"], "abandoned");
}

#[test]
fn addresses_that_are_no_servers_are_refused() {
    let problem = |url: &str| Target::emulator(url, Limits::default()).err().unwrap();
    assert_eq!(problem("127.0.0.1:8080"), "is no URL");
    assert!(problem("ftp://127.0.0.1/").contains("must begin with"));
    assert!(problem("http://a:b@127.0.0.1/").contains("without a user"));
    let endpoint = Some("http://127.0.0.1:3001/?a=b".parse().unwrap());
    let lambda = Lambda { endpoint, region: None, key: AccessKey::any(), function: None };
    assert!(Target::lambda(lambda, Limits::default()).err().unwrap().contains("without a query"));
}

/// The signature of botocore for the same request at the same time.
#[test]
fn signatures_are_those_of_botocore() {
    let fixture: Value =
        serde_json::from_str(include_str!("../../testdata/invoke_signature.json")).unwrap();
    let now = Timestamp::from_seconds(fixture["signed_at"].as_i64().unwrap());
    let lambda = Lambda {
        endpoint: Some(fixture["endpoint"].as_str().unwrap().parse().unwrap()),
        region: Some("eu-west-1".to_owned()),
        key: AccessKey::new("AKIAPOOLHOUSE1234567", "s3cr3t/AAAA", Some("a token".to_owned())),
        function: Some(FUNCTION.to_owned()),
    };
    let request = lambda.request(&call(), now).unwrap();
    assert_eq!(request.uri().to_string(), fixture["url"].as_str().unwrap());
    assert_eq!(request.body(), fixture["body"].as_str().unwrap());
    for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
        assert_eq!(request.headers()[name].to_str().unwrap(), fixture["headers"][name], "{name}");
    }
}
