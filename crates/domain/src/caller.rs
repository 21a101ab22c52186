//! Who sends a request, as far as the network tells.

use std::net::IpAddr;

/// The most of a `User-Agent` that is kept, in bytes: a stranger writes it.
const LONGEST_USER_AGENT: usize = 512;

/// Where a request comes from. Unknown for what the server does by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The client's address: that of the connection, or what a trusted proxy says it is.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, cut to a bearable length.
    pub user_agent: Option<String>,
    /// What the application says of the device (`EncodedData`), where an operation took it in.
    pub device_data: Option<String>,
    /// The id under which the request is logged and answered; empty if there is none.
    pub request_id: String,
    /// Whether it came over TLS, as far as this server or the proxy in front of it knows.
    pub is_secure: bool,
    /// Whether an administrator's signature on the request was verified.
    pub is_administrator: bool,
}

impl Caller {
    /// A caller by address and `User-Agent`. An IPv4 address in the clothes of an IPv6 one becomes
    /// what it is.
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.map(|text| {
            let end = text.floor_char_boundary(LONGEST_USER_AGENT);
            text.get(..end).unwrap_or_default().to_owned()
        });
        Self { ip: ip.map(|ip| ip.to_canonical()), user_agent, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form_and_user_agents_an_end() {
        let caller = Caller::new("::ffff:192.0.2.1".parse().ok(), Some(&"ä".repeat(300)));
        assert_eq!(caller.ip, "192.0.2.1".parse().ok());
        assert_eq!(caller.user_agent, Some("ä".repeat(256)));
        assert_eq!(Caller::new(None, None), Caller::default());
    }
}
