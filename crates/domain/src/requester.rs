//! Who sends a request, as far as the connection and its headers tell.

use std::net::IpAddr;

/// What is known of the sender of a request. Nothing is known of requests that a server makes to
/// itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requester {
    /// The address from which the request came; behind a trusted proxy, the one that the proxy saw.
    pub address: Option<IpAddr>,
    /// `User-Agent`, as sent: to be taken as a hint, and cut before it is stored.
    pub user_agent: Option<String>,
    /// Whether an administrator's signature on the request was verified.
    pub is_administrator: bool,
}
