//! Headers of the answers of a domain, and the plainest answers.

use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_TYPE, EXPIRES, LOCATION, PRAGMA, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
    },
};
use poolhouse_domain::{Fault, ports::Ports};
use serde_json::Value;

/// Marks an answer that pages of other origins must not read: whoever adds CORS headers leaves it
/// alone.
#[derive(Clone, Copy, Debug)]
pub struct SameOrigin;

/// An answer in JSON.
pub fn json(status: StatusCode, content: &Value) -> Response<String> {
    let mut response = Response::new(crate::text(content));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "application/json;charset=UTF-8");
    response
}

/// An answer without a body.
pub fn bare(status: StatusCode) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = status;
    response
}

/// The same answer, not for pages of other origins.
pub fn private(mut response: Response<String>) -> Response<String> {
    response.extensions_mut().insert(SameOrigin);
    response
}

/// Sends a browser elsewhere. Not for other origins to read: it may carry a code. An address that
/// can't stand in a header is a fault of ours, which should not have let it in.
pub fn redirect(url: &str) -> Response<String> {
    let Ok(location) = HeaderValue::from_bytes(url.as_bytes()) else {
        return private(faulted(&Fault::broken("the address of a redirect can't be written")));
    };
    let mut response = bare(StatusCode::FOUND);
    response.headers_mut().insert(LOCATION, location);
    private(response)
}

/// Sets a header. A value that can't stand in one is left out.
pub fn set(response: &mut Response<String>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        response.headers_mut().insert(name, value);
    } else {
        tracing::warn!(%name, "a header can't be written");
    }
}

/// A failure of ours: logged with its source, told without it.
pub fn faulted(fault: &Fault) -> Response<String> {
    let source = std::error::Error::source(fault).map(ToString::to_string);
    tracing::error!(%fault, source, "an endpoint of a domain failed");
    json(StatusCode::INTERNAL_SERVER_ERROR, &serde_json::json!({ "error": "server_error" }))
}

/// What every answer of a domain says: under which id it was logged; and, unless it says otherwise,
/// that nobody may keep it, guess what it is, or show it in a frame.
pub fn finished(ports: &Ports, mut response: Response<String>) -> Response<String> {
    let request_id = &ports.caller.request_id;
    if !request_id.is_empty() {
        set(&mut response, HeaderName::from_static("x-amz-cognito-request-id"), request_id);
    }
    if !response.headers().contains_key(CACHE_CONTROL) {
        set(&mut response, CACHE_CONTROL, "no-cache, no-store, max-age=0, must-revalidate");
        set(&mut response, PRAGMA, "no-cache");
        set(&mut response, EXPIRES, "0");
    }
    set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, X_XSS_PROTECTION, "1; mode=block");
    set(&mut response, X_FRAME_OPTIONS, "DENY");
    if ports.identity.is_secure() {
        let value = "max-age=31536000 ; includeSubDomains";
        set(&mut response, STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_written_is_a_fault() {
        assert_eq!(redirect("https://app.test/cb").headers()["location"], "https://app.test/cb");
        for url in ["https://app.test/\r\nx", "https://app.test/\0"] {
            let answer = redirect(url);
            assert_eq!(answer.status(), 500);
            assert!(answer.extensions().get::<SameOrigin>().is_some());
        }
    }
}
