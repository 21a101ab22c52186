//! Whom `dev` answers: requests to names of this machine, and web pages served from it.
//!
//! In `dev` nobody has to prove anything, and the browser of whoever runs it can reach it. So any
//! web page could, by sending requests to the loopback address, or by letting its own name resolve
//! to that address (DNS rebinding). Pages can't choose the headers `Host` and `Origin`.

use std::net::IpAddr;

use http::{HeaderValue, header, request::Parts, uri::Authority};
use poolhouse_api::is_for_key_service;

use crate::{body::asks_for_signature, dev_endpoints};

/// Names that requests may be sent to, and that pages may come from, beside those of this machine.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// In lower case, without ports.
    allowed: Vec<String>,
}

impl Hosts {
    /// The host of the issuer and further names. An error says what is wrong with a name.
    pub(crate) fn new(issuer: Option<&str>, names: &[String]) -> Result<Self, String> {
        let mut allowed: Vec<String> = issuer.and_then(host_of_url).into_iter().collect();
        for name in names {
            match host_and_port(name) {
                Some((host, false)) => allowed.push(host),
                _ => return Err(format!("{name:?} must be a host name such as pool.example.test")),
            }
        }
        Ok(Self { allowed })
    }

    /// Whether a request may be answered; else what to tell its sender.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), String> {
        self.check_host(parts)?;
        let for_programs = parts.uri.path().starts_with(dev_endpoints::OWN)
            || asks_for_signature(parts)
            || is_for_key_service(parts);
        if for_programs { self.check_origin(parts) } else { Ok(()) }
    }

    /// In HTTP/2 the host is in the URI; in HTTP/1 it is in the header, or in both.
    fn check_host(&self, parts: &Parts) -> Result<(), String> {
        let in_headers = parts.headers.get_all(header::HOST).iter().map(HeaderValue::to_str);
        let in_uri = parts.uri.authority().map(|authority| Ok(authority.as_str()));
        let mut named = false;
        for host in in_headers.chain(in_uri) {
            named = true;
            let host = host.ok().and_then(host_and_port).map(|(host, _)| host);
            if !host.as_deref().is_some_and(|host| self.knows(host)) {
                return Err(refusal("the host", host.as_deref()));
            }
        }
        if named { Ok(()) } else { Err(refusal("the host", None)) }
    }

    fn check_origin(&self, parts: &Parts) -> Result<(), String> {
        for origin in parts.headers.get_all(header::ORIGIN) {
            // Pages without an origin of their own send `null`.
            let host = origin.to_str().ok().and_then(host_of_url);
            if !host.as_deref().is_some_and(|host| self.knows(host)) {
                return Err(refusal("web pages from", host.as_deref()));
            }
        }
        Ok(())
    }

    fn knows(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>();
        host == "localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
            || self.allowed.iter().any(|allowed| allowed == host)
    }
}

fn refusal(what: &str, host: Option<&str>) -> String {
    let (shown, name) = host.map_or(("(none that can be read)", "NAME"), |host| (host, host));
    format!(
        "poolhouse dev does not serve {what} {shown}. Use localhost or 127.0.0.1, or start it with \
         --allow-host {name} if that is yours."
    )
}

/// The host of a URL or an origin.
fn host_of_url(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (host, _) = host_and_port(rest.split(['/', '?', '#']).next()?)?;
    Some(host)
}

/// The host in the form in which names are compared, and whether a port follows it.
fn host_and_port(text: &str) -> Option<(String, bool)> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    let has_port = host.len() < text.len();
    let host = host.trim_matches(['[', ']']);
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    // A name before an `@` would be that of a user.
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let is_name = !host.is_empty() && host.chars().all(is_part) && !text.contains('@');
    is_name.then_some((host, has_port))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use poolhouse_wire::aws_json::TARGET_PREFIX;

    use super::*;

    fn hosts() -> Hosts {
        let names = ["Pool.example.test".to_owned(), "10.0.0.5".to_owned()];
        Hosts::new(Some("https://id.example.com:8443/base"), &names).unwrap()
    }

    fn answers(uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        hosts().check(&request.body(()).unwrap().into_parts().0).is_ok()
    }

    #[test]
    fn names_of_this_machine_the_issuer_and_allowed_ones_are_served() {
        for host in [
            "localhost",
            "LocalHost:7665",
            "localhost.:7665",
            "pool.localhost:1",
            "127.0.0.1:7665",
            "127.9.9.9",
            "[::1]:7665",
            "[::ffff:127.0.0.1]",
            "id.example.com",
            "pool.example.TEST:80",
            "10.0.0.5:7665",
        ] {
            assert!(answers("/", &[("host", host)]), "{host}");
            assert!(answers(&format!("http://{host}/"), &[]), "{host} in HTTP/2");
        }
    }

    #[test]
    fn other_names_are_refused_wherever_they_stand() {
        for host in [
            "evil.example",
            "evil.example:7665",
            "localhost.evil.example",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "0.0.0.0:7665",
            "10.0.0.6",
            "example.com",
            "localhost@evil.example",
            "evil.example@localhost",
            "",
            "a b",
        ] {
            assert!(!answers("/", &[("host", host)]), "{host}");
        }
        assert!(!answers("http://evil.example/", &[("host", "localhost")]));
        assert!(!answers("http://localhost/", &[("host", "evil.example")]));
        assert!(!answers("/", &[("host", "localhost"), ("host", "evil.example")]));
        assert!(!answers("/", &[]), "no host at all");
    }

    #[test]
    fn pages_from_elsewhere_reach_public_operations_only() {
        let ask = |path: &str, operation: &str, origin: &str| {
            let target = format!("{TARGET_PREFIX}{operation}");
            answers(path, &[("host", "localhost"), ("x-amz-target", &target), ("origin", origin)])
        };
        for origin in ["https://evil.example", "null", "", "http://localhost.evil.example:80"] {
            assert!(ask("/", "InitiateAuth", origin), "{origin}");
            assert!(!ask("/", "ListUserPools", origin), "{origin}");
            assert!(!ask("/_poolhouse/clock", "", origin), "{origin}");
            assert!(ask("/p_1/.well-known/jwks.json", "", origin), "{origin}");
            let keys = [
                ("host", "localhost"),
                ("x-amz-target", "TrentService.Decrypt"),
                ("origin", origin),
            ];
            assert!(!answers("/", &keys), "{origin}");
        }
        for origin in ["http://localhost:3000", "http://[::1]:5173", "https://pool.example.test"] {
            assert!(ask("/", "ListUserPools", origin), "{origin}");
            assert!(ask("/_poolhouse/messages", "", origin), "{origin}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let request = Request::get("/").header("host", "pool.test:7665").body(()).unwrap();
        let refusal = hosts().check(&request.into_parts().0).unwrap_err();
        assert!(
            refusal.contains("the host pool.test.") && refusal.contains("--allow-host pool.test")
        );
    }

    #[test]
    fn allowed_names_have_neither_scheme_nor_port() {
        for name in ["http://pool.test", "pool.test:80", "", "*", "a b", "me@pool.test", "a/b"] {
            let refused = Hosts::new(None, &[name.to_owned()]);
            assert!(refused.is_err_and(|text| text.contains("host name")), "{name}");
        }
    }
}
