//! Cross-origin requests: single-page applications call the API from anywhere, as they do the
//! service.
//!
//! The headers are those of a sibling service
//! (<https://github.com/aws-amplify/amplify-js/issues/4346>).

use http::{
    HeaderMap, HeaderValue, Response,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        VARY,
    },
    request::Parts,
};

/// What may be sent if the browser does not say what it wants to send.
const USUAL_HEADERS: &str = "content-type, x-amz-target, x-amz-user-agent, cache-control, \
    x-amz-date, authorization, x-amz-security-token, amz-sdk-invocation-id, amz-sdk-request, \
    x-amzn-trace-id";

/// Lets pages of any origin read an answer, errors included.
pub(crate) fn allow(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let exposed = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date";
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
}

/// The answer to a browser that asks beforehand. Whatever headers it names are allowed.
pub(crate) fn preflight(parts: &Parts) -> Response<String> {
    let asked = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let allowed = asked.unwrap_or(HeaderValue::from_static(USUAL_HEADERS));
    let mut response = Response::new(String::new());
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    let methods = HeaderValue::from_static(methods(parts.uri.path()));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("172800"));
    headers.insert(VARY, HeaderValue::from_static("access-control-request-headers"));
    response
}

/// How pages of other origins may ask for what is at this path: the API, endpoints of domains, or one
/// of the documents under an issuer.
fn methods(path: &str) -> &'static str {
    let is = |name: &str| path.to_ascii_lowercase().ends_with(name);
    if path == "/" || is("/oauth2/token") || is("/oauth2/revoke") {
        "POST"
    } else if is("/oauth2/userinfo") {
        "GET, POST"
    } else {
        "GET"
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(path: &str, headers: Option<&str>) -> Response<String> {
        let mut request = Request::options(path);
        if let Some(headers) = headers {
            request = request.header(ACCESS_CONTROL_REQUEST_HEADERS, headers);
        }
        preflight(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_preflight_echoes_the_headers_that_were_asked_for() {
        let response = asked("/", Some("x-amz-target,x-custom"));
        let headers = response.headers();
        assert_eq!(response.status(), 200);
        assert_eq!(headers["access-control-allow-headers"], "x-amz-target,x-custom");
        assert_eq!(headers["access-control-allow-methods"], "POST");
        assert_eq!(headers["access-control-max-age"], "172800");
        assert_eq!(response.body(), "");
    }

    #[test]
    fn a_preflight_that_names_no_headers_is_told_the_usual_ones() {
        let response = asked("/p_1/.well-known/jwks.json", None);
        let headers = response.headers();
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        assert!(allowed.contains("x-amz-target") && allowed.contains("amz-sdk-invocation-id"));
        assert_eq!(headers["access-control-allow-methods"], "GET");
    }

    #[test]
    fn pages_may_ask_the_endpoints_of_a_domain_as_these_are_asked() {
        for (path, methods) in [
            ("/oauth2/token", "POST"),
            ("/shop/oauth2/revoke", "POST"),
            ("/oauth2/userInfo", "GET, POST"),
        ] {
            let response = asked(path, Some("content-type"));
            assert_eq!(response.headers()["access-control-allow-methods"], methods, "{path}");
        }
    }
}
