//! The awsJson 1.1 envelope: routing, error bodies and headers, as plain strings.

use thiserror::Error;

use crate::{OperationName, to_json};

/// The content type of requests and of every response, errors included.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// What precedes the operation's name in the `X-Amz-Target` header; case-sensitive.
pub const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService.";
/// The response header that names the error.
pub const ERROR_TYPE_HEADER: &str = "x-amzn-errortype";
/// The response header that repeats the error's message.
pub const ERROR_MESSAGE_HEADER: &str = "x-amzn-errormessage";

/// The header repeats the message for clients that read no bodies; a validation message can be as
/// long as the request, which no proxy would let through.
const LONGEST_HEADER: usize = 2048;

/// A request that names no operation. Its answers are beliefs, not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RouteError {
    /// Another method than `POST` or another path than `/`: status 404.
    #[error("not `POST /`")]
    NotFound,
    /// The target header is absent or names nothing we know: status 400.
    #[error("no operation of that name")]
    UnknownOperation,
}

impl RouteError {
    /// The `__type` of both answers.
    pub const TYPE: &'static str = "UnknownOperationException";

    /// The HTTP status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::UnknownOperation => 400,
        }
    }

    /// The body of the answer, which has no message.
    pub const fn body(self) -> &'static str {
        r#"{"__type":"UnknownOperationException"}"#
    }
}

/// Finds the operation that a request asks for. `target` is the `X-Amz-Target` header.
pub fn route(method: &str, path: &str, target: Option<&str>) -> Result<OperationName, RouteError> {
    if method != "POST" || path != "/" {
        return Err(RouteError::NotFound);
    }
    target
        .and_then(|target| target.strip_prefix(TARGET_PREFIX))
        .and_then(OperationName::from_wire)
        .ok_or(RouteError::UnknownOperation)
}

/// The body of a modelled error: bare type name, lower-case `message`.
pub fn error_body(error_type: &str, message: &str) -> String {
    body(error_type, "message", Some(message))
}

/// The body of an error that the framework raises before an operation runs (access denied, …):
/// capital `Message`.
pub fn framework_error_body(error_type: &str, message: Option<&str>) -> String {
    body(error_type, "Message", message)
}

/// The body of a `SerializationException`: capital `Message` (amplify-js #4738), or none.
pub fn serialization_body(message: Option<&str>) -> String {
    framework_error_body("SerializationException", message)
}

fn body(error_type: &str, key: &str, message: Option<&str>) -> String {
    let error_type = to_json(error_type);
    match message.map(to_json) {
        Some(message) => format!("{{\"__type\":{error_type},\"{key}\":{message}}}"),
        None => format!("{{\"__type\":{error_type}}}"),
    }
}

/// The values of the two error headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorHeaders {
    /// For [`ERROR_TYPE_HEADER`]: the name and a colon, after which a type's URI would follow.
    pub error_type: String,
    /// For [`ERROR_MESSAGE_HEADER`]: the message made safe for a header.
    pub error_message: String,
}

/// The values of the two error headers (recorded in localstack #3201). That control characters
/// become spaces, other non-ASCII ones question marks, and that the text is cut, is our choice.
pub fn error_headers(error_type: &str, message: &str) -> ErrorHeaders {
    let safe = |c: char| match c {
        ' '..='~' => c,
        c if c.is_control() => ' ',
        _ => '?',
    };
    let text: String = message.trim_end().chars().map(safe).take(LONGEST_HEADER).collect();
    ErrorHeaders { error_type: format!("{error_type}:"), error_message: text.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = "AWSCognitoIdentityProviderService.InitiateAuth";

    #[test]
    fn a_known_target_names_its_operation() {
        assert_eq!(route("POST", "/", Some(TARGET)), Ok(OperationName::InitiateAuth));
    }

    #[test]
    fn unknown_and_missing_targets_answer_400() {
        for target in [None, Some("InitiateAuth"), Some(&*TARGET.to_lowercase()), Some("")] {
            let refusal = route("POST", "/", target).unwrap_err();
            assert_eq!((refusal.status(), refusal), (400, RouteError::UnknownOperation));
            assert_eq!(refusal.body(), framework_error_body(RouteError::TYPE, None));
        }
    }

    #[test]
    fn other_methods_and_paths_answer_404() {
        assert_eq!(route("GET", "/", Some(TARGET)).unwrap_err().status(), 404);
        assert_eq!(route("POST", "/x", Some(TARGET)).unwrap_err().status(), 404);
    }

    #[test]
    fn error_bodies_differ_in_the_case_of_message() {
        assert_eq!(error_body("A", "b\"c"), r#"{"__type":"A","message":"b\"c"}"#);
        let serialization = serialization_body(Some("Expected map or null"));
        assert_eq!(
            serialization,
            r#"{"__type":"SerializationException","Message":"Expected map or null"}"#
        );
        assert_eq!(serialization_body(None), r#"{"__type":"SerializationException"}"#);
    }

    #[test]
    fn error_headers_are_safe_to_send() {
        let headers = error_headers("InvalidParameterException", "a: bad\nname é\r\n");
        assert_eq!(headers.error_type, "InvalidParameterException:");
        assert_eq!(headers.error_message, "a: bad name ?");
        assert_eq!(error_headers("A", &"x".repeat(100_000)).error_message.len(), LONGEST_HEADER);
    }
}
