//! What all requests to servers of others have in common.

use reqwest::ClientBuilder;

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
