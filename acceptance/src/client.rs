//! A client that knows no more than the protocol: JSON over HTTP.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// What every operation's name is preceded by in `X-Amz-Target`.
pub const TARGET: &str = "AWSCognitoIdentityProviderService.";

/// Sends requests to one server over connections that it keeps. Clones share them.
#[derive(Clone)]
pub struct Client {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
}

/// Why there is no answer: the server can't be reached, or ended the connection before its end.
pub type Unanswered = Box<dyn std::error::Error + Send + Sync>;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The HTTP version: HTTP/1.1 or HTTP/2.
    pub version: http::Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

/// The type and the message of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `__type`.
    pub kind: String,
    /// `message`, or `Message`; empty if there is none.
    pub message: String,
}

impl Refusal {
    /// To compare with.
    pub fn new(kind: &str, message: &str) -> Self {
        Self { kind: kind.to_owned(), message: message.to_owned() }
    }
}

impl Client {
    /// For `http://HOST:PORT`, over HTTP/1.1.
    pub fn new(endpoint: &str) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector());
        Self { http, endpoint: endpoint.to_owned() }
    }

    /// For `http://HOST:PORT`, over HTTP/2 from the first byte on.
    pub fn http2(endpoint: &str) -> Self {
        let http =
            legacy::Client::builder(TokioExecutor::new()).http2_only(true).build(connector());
        Self { http, endpoint: endpoint.to_owned() }
    }

    /// A request for an operation, unsigned, to be changed before it is sent.
    pub fn request(&self, operation: &str, body: impl Into<Bytes>) -> Request<Bytes> {
        Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.endpoint))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("{TARGET}{operation}"))
            .body(body.into())
            .unwrap()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// There is no whole answer.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Reply, Unanswered> {
        let response = self.http.request(request.map(Full::new)).await?;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        Ok(Reply {
            status: parts.status.as_u16(),
            version: parts.version,
            headers: parts.headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    /// Gets a page.
    ///
    /// # Errors
    /// Like [`Self::send`].
    pub async fn get(&self, path_and_query: &str) -> Result<Reply, Unanswered> {
        let request = Request::get(format!("{}{path_and_query}", self.endpoint));
        self.send(request.body(Bytes::new()).unwrap()).await
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// Like [`Self::send`].
    pub async fn try_call(&self, operation: &str, body: &Value) -> Result<Reply, Unanswered> {
        self.send(self.request(operation, body.to_string())).await
    }

    /// Calls an operation of a server that must answer, whatever that is.
    pub async fn call(&self, operation: &str, body: Value) -> Reply {
        let reply = self.try_call(operation, &body).await;
        reply.unwrap_or_else(|error| panic!("{operation} was not answered: {error:?}"))
    }

    /// Calls an operation that must succeed; its output.
    pub async fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body).await.ok(operation)
    }

    /// Calls an operation that must be refused with status 400; the error.
    pub async fn refused(&self, operation: &str, body: Value) -> Refusal {
        let reply = self.call(operation, body).await;
        assert_eq!(reply.status, 400, "{operation}: {}", reply.text);
        reply.refusal()
    }

    /// Moves the clock of `poolhouse dev`.
    pub async fn advance_clock(&self, seconds: i64) {
        let body = json!({"advance": seconds}).to_string();
        let request = Request::post(format!("{}/_poolhouse/clock", self.endpoint));
        let reply = self.send(request.body(Bytes::from(body)).unwrap()).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    /// The codes in messages to a user (by name or address) that `poolhouse dev` kept, newest first.
    pub async fn codes_for(&self, pool: &str, user: &str) -> Vec<String> {
        let user = user.replace('+', "%2B").replace('@', "%40");
        let path = format!("/_poolhouse/messages?pool={pool}&user={user}");
        let reply = self.get(&path).await.unwrap();
        let messages = reply.body["messages"].as_array().expect("messages").clone();
        let code = |message: &Value| message["code"].as_str().unwrap().to_owned();
        messages.iter().map(code).collect()
    }
}

impl Reply {
    /// The output of an operation that must have succeeded.
    pub fn ok(self, operation: &str) -> Value {
        assert_eq!(self.status, 200, "{operation}: {}", self.text);
        self.body
    }

    /// The error that the body tells.
    pub fn refusal(&self) -> Refusal {
        let text = |name: &str| self.body[name].as_str().map(str::to_owned);
        Refusal {
            kind: text("__type").unwrap_or_else(|| panic!("no error: {}", self.text)),
            message: text("message").or_else(|| text("Message")).unwrap_or_default(),
        }
    }

    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}
