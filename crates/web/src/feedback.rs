//! `{issuer}/feedback/{sub}/{event}/{Valid|Invalid}/{token}`: the links in notices of risky sign-ins, by
//! which users say whether it was them.
//!
//! Opening a link only shows a button, because mail programs open links by themselves; pressing it
//! gives the feedback.

use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
    request::Parts,
};
use poolhouse_domain::{
    Fault,
    ports::Ports,
    shapes::FeedbackValueType,
    threat_protection::{self, feedback},
};

/// Nothing but the page's own button, and nobody else's frame around it.
const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";

/// What a link says.
struct Link<'a> {
    user_pool_id: &'a str,
    sub: &'a str,
    event_id: &'a str,
    value: FeedbackValueType,
    token: &'a str,
}

/// Answers a request for a link; `None` if its path is not that of one.
pub(crate) async fn serve(ports: &Ports, parts: &Parts) -> Option<Response<String>> {
    let link = route(parts.uri.path())?;
    let given = match parts.method {
        Method::GET | Method::HEAD => return Some(page(StatusCode::OK, &question(&link))),
        Method::POST => give(ports, &link).await,
        _ => {
            let mut refused = page(StatusCode::METHOD_NOT_ALLOWED, "<p>Method not allowed</p>");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            return Some(refused);
        }
    };
    Some(match given {
        Ok(true) => page(StatusCode::OK, "<p>Thank you. Your answer has been noted.</p>"),
        Ok(false) => page(StatusCode::BAD_REQUEST, "<p>This link is no longer valid.</p>"),
        Err(fault) => {
            let source = std::error::Error::source(&fault).map(ToString::to_string);
            tracing::error!(%fault, source, "feedback can't be taken");
            page(StatusCode::INTERNAL_SERVER_ERROR, "<p>Something went wrong.</p>")
        }
    })
}

/// Whether a path is that of a link.
pub(crate) fn is_link(path: &str) -> bool {
    route(path).is_some()
}

fn route(path: &str) -> Option<Link<'_>> {
    let parts: Vec<&str> = path.splitn(7, '/').collect();
    let ["", user_pool_id, "feedback", sub, event_id, value, token] = *parts.as_slice() else {
        return None;
    };
    let value = match value {
        "Valid" => FeedbackValueType::Valid,
        "Invalid" => FeedbackValueType::Invalid,
        _ => return None,
    };
    Some(Link { user_pool_id, sub, event_id, value, token })
}

/// Whether the feedback was taken.
async fn give(ports: &Ports, link: &Link<'_>) -> Result<bool, Fault> {
    let Some(pool) = ports.directory.user_pool(link.user_pool_id).await? else { return Ok(false) };
    if threat_protection::mode(&pool).is_none() {
        return Ok(false);
    }
    let event = (link.sub, link.event_id);
    let given = feedback::give_by_token(ports, pool.id(), event, link.token, link.value).await?;
    Ok(given.is_ok())
}

fn question(link: &Link<'_>) -> String {
    let answer = match link.value {
        FeedbackValueType::Valid => "Yes, this sign-in was me",
        FeedbackValueType::Invalid => "No, this sign-in was not me",
    };
    format!("<form method=\"post\"><button>{answer}</button></form>")
}

fn page(status: StatusCode, content: &str) -> Response<String> {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Sign-in</title>{content}</html>"
    );
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // The address is a secret.
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_links_are_links() {
        let link = route("/us-east-1_a/feedback/sub/event/Invalid/token-_").unwrap();
        assert_eq!((link.user_pool_id, link.sub, link.event_id), ("us-east-1_a", "sub", "event"));
        assert_eq!((link.value, link.token), (FeedbackValueType::Invalid, "token-_"));
        for other in [
            "/us-east-1_a/feedback/sub/event/Invalid",
            "/us-east-1_a/feedback/sub/event/Perhaps/token",
            "/us-east-1_a/other/sub/event/Valid/token",
            "x/us-east-1_a/feedback/sub/event/Valid/token",
        ] {
            assert!(route(other).is_none(), "{other}");
        }
        assert!(!question(&link).contains("token"));
    }
}
