//! The OAuth 2.0 and OpenID Connect endpoints of user pool domains.

mod authorize;
pub mod cookies;
mod error_page;
pub mod headers;
mod logout;
mod register;
mod revoke;
mod token;
mod user_info;

#[cfg(test)]
pub(crate) mod protocol_tests;
#[cfg(test)]
mod revocation_matrix;
#[cfg(test)]
pub(crate) mod testing;

use http::{
    Method, Response, StatusCode,
    header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HOST},
    request::Parts,
};
use poolhouse_domain::{
    Fault,
    oauth::{
        mount::{self, Mount},
        parameters::Parameters,
    },
    ports::Ports,
};

use crate::well_known::{self, Document};

pub use authorize::{refused as authorize_refused, trigger_failed};
pub use error_page::page as error_page;

/// An endpoint of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Authorize,
    Token,
    UserInfo,
    Revoke,
    Logout,
    Register,
    Error,
    Document(Document),
}

/// Their paths. `/.well-known/` is only answered under a name of a domain's own: under the issuer's
/// it belongs to the pools.
const PATHS: [(&str, Endpoint); 9] = [
    ("/oauth2/authorize", Endpoint::Authorize),
    ("/oauth2/token", Endpoint::Token),
    ("/oauth2/userInfo", Endpoint::UserInfo),
    ("/oauth2/revoke", Endpoint::Revoke),
    ("/oauth2/register", Endpoint::Register),
    ("/logout", Endpoint::Logout),
    ("/error", Endpoint::Error),
    ("/.well-known/jwks.json", Endpoint::Document(Document::Keys)),
    ("/.well-known/openid-configuration", Endpoint::Document(Document::Discovery)),
];

/// Answers a request to one of these endpoints; `None` if it is for none of them.
pub async fn serve(ports: &Ports, parts: &Parts, body: &[u8]) -> Option<Response<String>> {
    let path = parts.uri.path();
    let (name, endpoint) = PATHS.into_iter().find(|(name, _)| ends_with(path, name))?;
    let is_document = matches!(endpoint, Endpoint::Document(_));
    if is_document && path != name {
        return None;
    }
    let mount = match mount::resolve(ports, authority(parts), path).await {
        Ok(found) => found.filter(|(_, rest)| rest.len() == name.len())?.0,
        Err(fault) => {
            let response = headers::private(headers::faulted(&fault));
            return Some(headers::finished(ports, response));
        }
    };
    let answered = answer(ports, &mount, endpoint, parts, body).await;
    let response = answered.unwrap_or_else(|fault| headers::faulted(&fault));
    let response = if endpoint.is_shared() { response } else { headers::private(response) };
    Some(headers::finished(ports, response))
}

/// Whether a path is one that scripts of other origins have nothing to ask of, whatever is answered
/// there and to whom.
pub(crate) fn is_page(path: &str) -> bool {
    PATHS.iter().any(|(name, endpoint)| !endpoint.is_shared() && ends_with(path, name))
}

impl Endpoint {
    /// Whether scripts of other origins may read what is answered: nothing that browsers are sent to,
    /// and no secrets of new clients.
    const fn is_shared(self) -> bool {
        matches!(self, Self::Token | Self::UserInfo | Self::Revoke | Self::Document(_))
    }
}

/// Whether a path ends with an endpoint's, whose case doesn't matter.
pub(crate) fn ends_with(path: &str, name: &str) -> bool {
    let start = path.len().checked_sub(name.len());
    let end = start.and_then(|start| path.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(name))
}

/// In HTTP/2 the host is in the URI; in HTTP/1 it is in the header.
pub fn authority(parts: &Parts) -> Option<&str> {
    let in_uri = parts.uri.authority().map(http::uri::Authority::as_str);
    in_uri.or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok()))
}

async fn answer(
    ports: &Ports,
    mount: &Mount,
    endpoint: Endpoint,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, Fault> {
    if ports.limits.admit_at_domain(mount.domain.name(), ports.caller.ip).is_err() {
        return Ok(headers::bare(StatusCode::TOO_MANY_REQUESTS));
    }
    let allowed: &[Method] = match endpoint {
        Endpoint::Token | Endpoint::Revoke | Endpoint::Register => &[Method::POST],
        Endpoint::UserInfo => &[Method::GET, Method::POST],
        Endpoint::Document(_) => &[Method::GET, Method::HEAD],
        Endpoint::Authorize | Endpoint::Logout | Endpoint::Error => &[Method::GET],
    };
    if !allowed.contains(&parts.method) {
        return Ok(not_allowed(allowed));
    }
    match endpoint {
        Endpoint::Authorize => authorize::answer(ports, mount, parts).await,
        Endpoint::Token => token::answer(ports, mount, parts, body).await,
        Endpoint::UserInfo => user_info::answer(ports, mount, parts, body).await,
        Endpoint::Revoke => revoke::answer(ports, mount, parts, body).await,
        Endpoint::Logout => logout::answer(ports, mount, parts).await,
        Endpoint::Register => register::answer(ports, mount, parts, body).await,
        Endpoint::Error => error_page::answer(ports, mount, parts).await,
        Endpoint::Document(document) => {
            let content = well_known::of_domain(ports, mount, document).await?;
            Ok(crate::cacheable(crate::answer(StatusCode::OK, &content)))
        }
    }
}

fn not_allowed(allowed: &[Method]) -> Response<String> {
    let mut response = headers::bare(StatusCode::METHOD_NOT_ALLOWED);
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    headers::set(&mut response, ALLOW, &names.join(", "));
    response
}

/// What the body is said to be, in lower case and without its parameters.
fn media_type(parts: &Parts) -> String {
    let line = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let name = line.unwrap_or_default().split(';').next().unwrap_or_default();
    name.trim().to_ascii_lowercase()
}

/// A body is there, and it is no form.
#[derive(Clone, Copy, Debug)]
struct NoForm;

/// The parameters of a form body, and of the query beside it: the service takes both.
fn form<'a>(parts: &'a Parts, body: &'a [u8]) -> Result<Parameters<'a>, NoForm> {
    let in_query = Parameters::parse(parts.uri.query().unwrap_or_default());
    if body.is_empty() {
        return Ok(in_query);
    }
    if media_type(parts) != "application/x-www-form-urlencoded" {
        return Err(NoForm);
    }
    let body = std::str::from_utf8(body).map_err(|_| NoForm)?;
    Ok(in_query.and(Parameters::parse(body)))
}

/// The header by which callers prove themselves stands there twice, or is no text: whoever took it for
/// a missing one, or took the first, could be made to believe something else than a proxy before it.
#[derive(Clone, Copy, Debug)]
struct NoProof;

/// The value of the header by which callers prove themselves.
fn authorization(parts: &Parts) -> Result<Option<&str>, NoProof> {
    let mut lines = parts.headers.get_all(AUTHORIZATION).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_| NoProof),
        (Some(_), Some(_)) => Err(NoProof),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use poolhouse_domain::{
        domains::UserPoolDomain, ports::Identity, shapes::DomainDescriptionType,
    };

    use super::{
        testing::{POOL, Scene},
        *,
    };

    #[tokio::test]
    async fn whole_names_win_over_prefixes_and_nobody_has_the_issuers() {
        let mut scene = Scene::new().await;
        let identity = Identity {
            issuer_base: "https://id.example.com".to_owned(),
            domain_suffix: Some("example.com".to_owned()),
            ..Identity::clone(&scene.ports().identity)
        };
        scene.kit.ports.identity = Arc::new(identity);
        let mut tx = scene.ports().store.write().await.unwrap();
        let domains = [("login", None), ("id", None), ("login.example.com", Some(1))];
        for (name, place) in domains.into_iter().chain([("id.example.com", Some(2))]) {
            let settings = DomainDescriptionType {
                user_pool_id: Some(POOL.to_owned()),
                domain: Some(name.to_owned()),
                ..DomainDescriptionType::default()
            };
            let domain = UserPoolDomain { settings, place, ..UserPoolDomain::default() };
            tx.insert_domain(&domain).await.unwrap();
        }
        tx.commit().await.unwrap();
        for (host, name) in [
            ("login.example.com", Some("login.example.com")),
            ("LOGIN.example.com:443", Some("login.example.com")),
            ("shop.example.com", Some("shop")),
            ("login.auth.localhost", Some("login")),
            ("id.auth.localhost", Some("id")),
            ("id.example.com", None),
            ("a.shop.example.com", None),
        ] {
            let found = mount::resolve(scene.ports(), Some(host), "/logout").await.unwrap();
            let found = found.map(|(mount, _)| mount.domain.name().to_owned());
            assert_eq!(found.as_deref(), name, "{host}");
        }
    }

    #[test]
    fn paths_end_with_an_endpoint_whatever_the_case() {
        assert!(ends_with("/oauth2/userinfo", "/oauth2/userInfo"));
        assert!(ends_with("/shop/oauth2/token", "/oauth2/token"));
        assert!(!ends_with("/oauth2/tokens", "/oauth2/token") && !ends_with("/", "/logout"));
        assert!(!ends_with("/ä/logout".get(2..).unwrap_or_default(), "/error"));
    }
}
