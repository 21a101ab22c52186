//! What a function's server answered, and what it means.

use poolhouse_domain::triggers::InvocationFailed;
use reqwest::{Response, StatusCode, header::HeaderMap};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use crate::https;

/// The largest answer of a function that is taken, in bytes: what Lambda allows.
pub(super) const LARGEST: usize = 6_291_556;
/// The most characters of a function's error that are passed on.
const LONGEST_ERROR: usize = 2_000;

/// An attempt, or a whole invocation, that came to nothing.
#[derive(Debug)]
pub(super) struct Failed {
    /// For whoever asked.
    pub(super) failure: InvocationFailed,
    /// For the log.
    pub(super) reason: String,
    /// Whether the same may go well a moment later.
    pub(super) may_repeat: bool,
    /// What came back, if anything did.
    pub(super) body: Vec<u8>,
}

impl Failed {
    /// The function was not reached, or there is no telling what it did. The client sees the error's
    /// name, with the full stop that the service puts behind it.
    pub(super) fn unreachable(error: &str, reason: impl Into<String>) -> Self {
        let failure = InvocationFailed::Unreachable(format!("{error}."));
        Self { failure, reason: reason.into(), may_repeat: false, body: Vec::new() }
    }

    /// It was not asked, as there was no time left.
    pub(super) fn timed_out(reason: &str) -> Self {
        Self::unreachable("Socket timeout while invoking Lambda function", reason).repeatable()
    }

    /// It was asked, and no answer came in time.
    pub(super) fn no_answer() -> Self {
        Self::timed_out("no answer in time").unanswered()
    }

    /// The connection could not be made, or broke. What clients of the service are told then is not
    /// on record: this is a belief.
    pub(super) fn no_connection(error: reqwest::Error) -> Self {
        let was_asked = !error.is_connect();
        // A URL may hold a key.
        let reason = https::whole(&error.without_url());
        let failed = Self::unreachable("ServiceException", reason).repeatable();
        if was_asked { failed.unanswered() } else { failed }
    }

    /// The same, but the function may have run.
    fn unanswered(self) -> Self {
        match self.failure {
            InvocationFailed::Unreachable(text) => {
                Self { failure: InvocationFailed::Unanswered(text), ..self }
            }
            _ => self,
        }
    }

    /// More is asked of the function than may run at the same time.
    pub(super) fn too_many(reason: &str) -> Self {
        Self::unreachable("TooManyRequestsException", reason)
    }

    fn function(message: &str, reason: &str) -> Self {
        let message: String = message.chars().take(LONGEST_ERROR).collect();
        let reason = reason.to_owned();
        Self {
            failure: InvocationFailed::Function(message),
            reason,
            may_repeat: false,
            body: Vec::new(),
        }
    }

    /// The same, worth another attempt.
    pub(super) const fn repeatable(mut self) -> Self {
        self.may_repeat = true;
        self
    }

    fn with_body(self, body: Vec<u8>) -> Self {
        Self { body, ..self }
    }
}

/// An answer, read to its end.
pub(super) struct Received {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Received {
    /// Reads an answer, but no more of it than a function may answer.
    pub(super) async fn read(mut response: Response) -> Result<Self, Failed> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Failed::no_connection)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, headers, body })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The answer of an Invoke API. `is_queued`: the function was to be queued, so that there is
    /// nothing to be had but "yes".
    pub(super) fn of_lambda(self, is_queued: bool) -> Result<Vec<u8>, Failed> {
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        if let Some(kind) = self.header("x-amz-function-error") {
            let kind = kind.to_owned();
            return Err(self.thrown(&kind));
        }
        if is_queued { Ok(Vec::new()) } else { self.json() }
    }

    /// The answer of a runtime interface emulator, which has neither the header for errors of the
    /// function nor a queue.
    pub(super) fn of_emulator(self, is_queued: bool) -> Result<Vec<u8>, Failed> {
        let is_timeout = self.body.starts_with(b"Task timed out after ");
        if is_timeout && let Ok(text) = str::from_utf8(&self.body) {
            return Err(Failed::function(text, text).with_body(self.body.clone()));
        }
        if ErrorObject::read(&self.body).is_some_and(|error| error.is_whole()) {
            return Err(self.thrown("Unhandled"));
        }
        // It takes one request after the other, and says 400 to those between, without a body.
        if self.status == StatusCode::BAD_REQUEST {
            return Err(Failed::too_many("the emulator is busy").repeatable());
        }
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        if is_queued { Ok(Vec::new()) } else { self.json() }
    }

    /// The answer of a webhook: the event, or an object with `response` alone, or 204 for an empty
    /// one; errors of the function have another status and an `errorMessage`.
    pub(super) fn of_webhook(self, is_queued: bool) -> Result<Vec<u8>, Failed> {
        if !self.status.is_success() {
            let error = ErrorObject::read(&self.body);
            if error.is_some_and(|error| error.error_message.is_some()) {
                return Err(self.thrown("Error"));
            }
            return Err(self.refusal());
        }
        match self.status {
            _ if is_queued => Ok(Vec::new()),
            StatusCode::NO_CONTENT => Ok(b"{}".to_vec()),
            _ => self.json(),
        }
    }

    /// The body, which must be JSON and not `null`.
    fn json(self) -> Result<Vec<u8>, Failed> {
        let text = str::from_utf8(&self.body).unwrap_or_default();
        let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
        if is_json && text.trim() != "null" {
            return Ok(self.body);
        }
        let failure = InvocationFailed::NotJson;
        let reason = "the answer is no JSON, or null".to_owned();
        Err(Failed { failure, reason, may_repeat: false, body: self.body })
    }

    /// The function threw. Only its `errorMessage` goes to the client, as in the service. That the
    /// kind of error stands in for a missing one is a belief.
    fn thrown(self, kind: &str) -> Failed {
        let error = ErrorObject::read(&self.body).unwrap_or_default();
        let named = error.error_type.as_deref().unwrap_or(kind);
        let message = error.message().unwrap_or_else(|| named.to_owned());
        Failed::function(&message, named).with_body(self.body)
    }

    /// The server refused to invoke the function. The log learns what it said of that.
    fn refusal(self) -> Failed {
        let said = self.header("x-amzn-errortype").unwrap_or_default().to_owned();
        let name = error_name(self.status, &said);
        let reason = format!("the server answers {} {said}", self.status);
        let failed = Failed::unreachable(&name, reason.trim_end()).with_body(self.body);
        let is_busy = self.status == StatusCode::TOO_MANY_REQUESTS;
        if is_busy { failed.repeatable() } else { failed }
    }
}

fn too_large() -> Failed {
    // Lambda's own text for this [belief]. It does not hand out such an answer.
    let text =
        format!("Response payload size exceeded maximum allowed payload size ({LARGEST} bytes).");
    Failed::function(&text, &text)
}

/// What the client is told of a refusal. The first two are as good as certain; the others are what
/// Lambda's documentation calls these errors, and that the service passes them on is a belief.
fn error_name(status: StatusCode, said: &str) -> String {
    let usual = match status.as_u16() {
        401 | 403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        400 => "InvalidRequestContentException",
        409 => "ResourceConflictException",
        413 => "RequestTooLargeException",
        415 => "UnsupportedMediaTypeException",
        429 => "TooManyRequestsException",
        _ => {
            // "KMSDisabledException", or with the address of a namespace behind a colon.
            let said = said.split(':').next().unwrap_or_default();
            let is_name = said.len() <= 64 && said.chars().all(|c| c.is_ascii_alphanumeric());
            if is_name && said.ends_with("Exception") { said } else { "ServiceException" }
        }
    };
    usual.to_owned()
}

/// How runtimes write down what a function threw.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorObject {
    error_message: Option<Value>,
    error_type: Option<String>,
    response: Option<IgnoredAny>,
}

impl ErrorObject {
    fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Whether it can't be anything else.
    fn is_whole(&self) -> bool {
        let has_message = self.error_message.as_ref().is_some_and(Value::is_string);
        has_message && self.error_type.is_some() && self.response.is_none()
    }

    fn message(&self) -> Option<String> {
        match self.error_message.as_ref()? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}
