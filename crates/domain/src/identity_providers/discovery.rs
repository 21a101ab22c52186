//! The endpoints of an OpenID provider, from its own document (OpenID Connect Discovery 1.0), and
//! what may be asked of other servers.

use serde::Deserialize;
use url::{Host, Url};

use super::{ProviderRefused, details::Details};
use crate::{fault::Ruling, ports::Ports};

/// The most bytes of a discovery document. Real ones have a few thousand.
const LARGEST_DOCUMENT: usize = 65_536;

/// Details that are addresses and that a discovery document can supply.
const ENDPOINTS: [&str; 4] = ["authorize_url", "token_url", "attributes_url", "jwks_uri"];

/// What we read of a discovery document.
#[derive(Deserialize)]
struct Document {
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    jwks_uri: Option<String>,
}

impl Document {
    /// What the document says of one of [`ENDPOINTS`].
    fn take(&mut self, endpoint: &str) -> Option<String> {
        match endpoint {
            "authorize_url" => self.authorization_endpoint.take(),
            "token_url" => self.token_endpoint.take(),
            "attributes_url" => self.userinfo_endpoint.take(),
            _ => self.jwks_uri.take(),
        }
    }
}

/// Checks the addresses of an OpenID provider, and looks up those that are not given.
///
/// If all are given, nobody is asked; if the document can't be had or lacks one of them, the
/// provider is refused. Both are beliefs.
pub(super) async fn complete(ports: &Ports, details: &mut Details) -> Ruling<(), ProviderRefused> {
    details.retain(|key, value| !ENDPOINTS.contains(&key.as_str()) || !value.trim().is_empty());
    let given = details.iter().filter(|(key, _)| is_address(key));
    if !given.into_iter().all(|(_, url)| is_secure(ports, url)) {
        return Ok(Err(ProviderRefused::InsecureEndpoint));
    }
    let missing = ENDPOINTS.into_iter().filter(|key| !details.contains_key(*key));
    let missing: Vec<&str> = missing.collect();
    if missing.is_empty() {
        return Ok(Ok(()));
    }
    let issuer = details.get("oidc_issuer").map(String::as_str).unwrap_or_default();
    let Some(mut document) = discover(ports, issuer).await else {
        return Ok(Err(ProviderRefused::Undiscoverable));
    };
    for key in missing {
        let Some(url) = document.take(key) else {
            return Ok(Err(ProviderRefused::Undiscoverable));
        };
        if !is_secure(ports, &url) {
            return Ok(Err(ProviderRefused::InsecureEndpoint));
        }
        details.insert(key.to_owned(), url);
    }
    Ok(Ok(()))
}

/// Whether a detail is an address that we or the user's browser will go to.
fn is_address(key: &str) -> bool {
    key == "oidc_issuer" || ENDPOINTS.contains(&key)
}

/// What an issuer says of itself.
async fn discover(ports: &Ports, issuer: &str) -> Option<Document> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document = fetch(ports, &url, LARGEST_DOCUMENT).await?;
    let read = serde_json::from_slice(&document);
    read.inspect_err(|error| tracing::info!(url, %error, "a discovery document can't be read")).ok()
}

/// A document of another server; none if it can't be had, which is logged for the operator.
pub(super) async fn fetch(ports: &Ports, url: &str, largest: usize) -> Option<Vec<u8>> {
    let fetched = ports.fetcher.get(url, largest).await;
    fetched.inspect_err(|error| tracing::info!(url, %error, "a document can't be fetched")).ok()
}

/// Whether nobody on the way can read or change what is exchanged with this address.
///
/// Where plain addresses are allowed, as in `poolhouse dev`, they are those of providers on this
/// machine and in containers beside it: names without a dot, `….localhost`, and numbers.
pub(super) fn is_secure(ports: &Ports, url: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    match parsed.scheme() {
        // The service compares the beginning; a parser would let leading blanks pass.
        "https" => url.starts_with("https://"),
        "http" if ports.fetcher.allows_plain_http() => match parsed.host() {
            Some(Host::Domain(name)) => !name.contains('.') || name.ends_with(".localhost"),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            None => false,
        },
        _ => false,
    }
}
