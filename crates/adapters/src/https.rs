//! What all requests to servers of others have in common.

use reqwest::{Client, ClientBuilder, redirect::Policy};
use url::{Host, Url};

/// A client that trusts the certificate authorities of the operating system; without any, it can't
/// be built. Each request has a connection of its own unless the caller sets another number of idle
/// ones, and asks no proxy of the environment.
pub(crate) fn client() -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("Poolhouse/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
}

/// A client for one server that the configuration names, and its URL: `https://…`, or `http://…` on
/// this machine. Redirects are not followed.
///
/// # Errors
/// What is wrong with the URL, or that the machine has no certificate authorities to trust.
pub(crate) fn to(
    url: &str,
    settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<(Client, Url), String> {
    let url = Url::parse(url).map_err(|_| "is no URL with a host".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must be a URL without a user".to_owned());
    }
    let client = settings(client().redirect(Policy::none()));
    let client = match url.scheme() {
        "https" => client,
        // Nothing is to be trusted, so that it also goes where there are no authorities.
        "http" if is_local(&url) => client.tls_certs_only([]),
        "http" => return Err("must begin with https:// unless it is on this machine".to_owned()),
        _ => return Err("must begin with https://".to_owned()),
    };
    let client = client.build();
    let client = client.map_err(|error| format!("can't be asked: {}", whole(&error)))?;
    Ok((client, url))
}

/// Whether a server is on this machine.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// An error with all its causes: the first alone says only that something failed.
pub(crate) fn whole(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
