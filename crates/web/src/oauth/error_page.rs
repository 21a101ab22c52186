//! `/error`: the page for those whom nobody else can be told about.

use http::{
    Response, StatusCode,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY},
    request::Parts,
};
use poolhouse_domain::oauth::parameters::Parameters;

use super::headers;

/// No scripts, no requests, no frames.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Shows the code that the query names.
pub(super) fn answer(parts: &Parts) -> Response<String> {
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default());
    page(StatusCode::OK, parameters.one("error").ok().flatten().unwrap_or_default())
}

/// A page that says that something is wrong, and what. Anybody may have written the text.
pub fn page(status: StatusCode, text: &str) -> Response<String> {
    let text = escaped(text);
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Error</title>\
         </head>\n<body>\n<h1>An error was encountered with the requested page.</h1>\n\
         <p>{text}</p>\n</body>\n</html>\n"
    );
    let mut response = Response::new(body);
    *response.status_mut() = status;
    headers::set(&mut response, CONTENT_TYPE, "text/html;charset=UTF-8");
    headers::set(&mut response, CONTENT_SECURITY_POLICY, POLICY);
    // The address may tell what an application asked for (RFC 9700 section 4.2.4).
    headers::set(&mut response, REFERRER_POLICY, "no-referrer");
    headers::private(response)
}

/// Text as it can stand in a page.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scene;

    #[tokio::test]
    async fn the_code_is_shown_and_nothing_in_it_is_markup() {
        let scene = Scene::new().await;
        let answer = scene.get("/error?error=%3Cscript%3Ealert(1)%3C/script%3E&client_id=x").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/html;charset=UTF-8");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"));
        assert_eq!(answer.headers()["x-frame-options"], "DENY");
        let body = answer.body();
        assert!(body.contains("An error was encountered with the requested page."));
        assert!(
            body.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !body.contains("<script")
        );
    }
}
