//! Browser-facing endpoints: what a user pool publishes beside its API.
//!
//! These are the two documents under each pool's issuer by which others verify its tokens, the logos
//! of the classic pages ([`assets`]), and the endpoints of user pool domains ([`oauth`]).

pub mod assets;
mod feedback;
pub mod login;
mod look;
pub mod oauth;
pub mod pages;
mod well_known;

use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
    request::Parts,
};
use poolhouse_domain::{Fault, ports::Ports};
use serde_json::{Value, json};

/// How long others may keep a document, in seconds. A new signing key must be published for longer
/// than this before it signs.
///
/// The service's own value is not known for sure (a day was seen); five minutes let a rotation be
/// over soon.
pub const MAX_AGE_SECONDS: u32 = 300;

/// Whether a path is that of a page or of an endpoint for browsers only: pages of other origins must
/// not read what is answered there, even if that is not ours, nor ask beforehand whether they may.
pub fn is_page(path: &str) -> bool {
    oauth::is_page(path) || login::is_page(path) || feedback::is_link(path)
}

/// Answers a request to one of these endpoints; `None` if its path belongs to none of them.
pub async fn serve(ports: &Ports, parts: &Parts) -> Option<Response<String>> {
    if let Some(response) = feedback::serve(ports, parts).await {
        return Some(response);
    }
    let (user_pool_id, document) = well_known::route(parts.uri.path())?;
    if parts.method != Method::GET && parts.method != Method::HEAD {
        let mut refused = answer(StatusCode::METHOD_NOT_ALLOWED, &message("Method not allowed"));
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(refused);
    }
    Some(match well_known::document(ports, user_pool_id, document).await {
        Ok(Some(content)) => cacheable(answer(StatusCode::OK, &content)),
        // The text and the status are a belief.
        Ok(None) => {
            let text = format!("User pool {user_pool_id} does not exist.");
            answer(StatusCode::BAD_REQUEST, &message(&text))
        }
        Err(fault) => faulted(&fault),
    })
}

/// A failure of ours: logged with its source, told without it.
fn faulted(fault: &Fault) -> Response<String> {
    let source = std::error::Error::source(fault).map(ToString::to_string);
    tracing::error!(%fault, source, "a document of a user pool can't be made");
    answer(StatusCode::INTERNAL_SERVER_ERROR, &message("Something went wrong"))
}

fn message(text: &str) -> Value {
    json!({ "message": text })
}

/// JSON on a single line, its members in alphabetical order.
fn answer(status: StatusCode, content: &Value) -> Response<String> {
    let mut response = Response::new(content.to_string());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn cacheable(mut response: Response<String>) -> Response<String> {
    let value = HeaderValue::from_str(&format!("public, max-age={MAX_AGE_SECONDS}"));
    if let Ok(value) = value {
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    response
}
