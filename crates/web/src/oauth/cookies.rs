//! Cookies of a domain.

use http::{HeaderValue, Response, header::SET_COOKIE, request::Parts};
use poolhouse_domain::{
    oauth::{
        browser_session::{Begun, COOKIE},
        mount::Mount,
    },
    ports::Ports,
};

/// The values of the cookies of this name that a browser sent. There may be several: of domains
/// that are under different paths of one host.
pub fn values<'a>(parts: &'a Parts, name: &str) -> Vec<&'a str> {
    let lines = parts.headers.get_all(http::header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let named = pairs.filter_map(|pair| pair.trim().split_once('='));
    named.filter(|(found, _)| *found == name).map(|(_, value)| value).collect()
}

/// Gives the browser a cookie that scripts can't read, for so many seconds. Also sent when a link
/// elsewhere leads here, as applications' links to the authorize endpoint do.
pub fn set(
    response: &mut Response<String>,
    ports: &Ports,
    mount: &Mount,
    (name, value): (&str, &str),
    seconds: i64,
) {
    let secure = if ports.identity.is_secure() { "; Secure" } else { "" };
    let path = mount.cookie_path();
    let line =
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(SET_COOKIE, line);
    }
}

/// Gives the browser the cookie of a session that has just begun.
pub fn remember(response: &mut Response<String>, ports: &Ports, mount: &Mount, begun: &Begun) {
    // From its beginning: a moment later, it would be a second less.
    let seconds = begun.session.expires_at.seconds_since(begun.session.auth_time);
    set(response, ports, mount, (COOKIE, &begun.cookie), seconds);
}

/// Takes the cookie of a session from the browser.
pub fn forget(response: &mut Response<String>, ports: &Ports, mount: &Mount) {
    set(response, ports, mount, (COOKIE, ""), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_wherever_they_stand() {
        let request = http::Request::get("/")
            .header("cookie", "lang=en; cognito=a=b ;xcognito=no")
            .header("cookie", "cognito=c;cognito");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(values(&parts, "cognito"), ["a=b", "c"]);
        assert!(values(&parts, "csrf").is_empty());
    }
}
