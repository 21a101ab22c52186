//! How many connections each peer has open.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::request::Parts;

/// The most connections of one peer.
const MOST: usize = 256;

/// Counts the connections of each peer, so that one can't take the places of all others.
pub(crate) struct Peers {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A peer's connection; over when dropped.
pub(crate) struct PeerPlace {
    peers: Arc<Peers>,
    network: IpAddr,
}

impl Peers {
    /// For clients that connect themselves: 256 connections each.
    pub(crate) fn limited() -> Arc<Self> {
        Self::at_most(MOST)
    }

    /// For this machine's own clients, and for a proxy that connects on behalf of all.
    pub(crate) fn unlimited() -> Arc<Self> {
        Self::at_most(usize::MAX)
    }

    /// So many connections for each.
    pub(crate) fn at_most(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    /// A place for one more connection, or none if the peer has too many.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<PeerPlace> {
        let network = network(address);
        let mut open = self.open();
        let count = open.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(PeerPlace { peers: Arc::clone(self), network })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        let mut open = self.peers.open();
        if let Entry::Occupied(mut count) = open.entry(self.network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// What counts as one peer: an IPv4 address, or 64 bits of an IPv6 address, since a single host
/// commonly has all addresses that begin with them (RFC 4291 section 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
    }
}

/// The address at the other end of a connection, known to its requests as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress(pub(crate) IpAddr);

/// The address of the client that sent a request: the peer's, or what a proxy in front of this
/// server appended to `X-Forwarded-For`. (What stands before that came from the client, who may have
/// made it up.)
pub(crate) fn address_of_client(parts: &Parts, is_behind_proxy: bool) -> Option<IpAddr> {
    let peer = parts.extensions.get::<PeerAddress>().map(|peer| peer.0.to_canonical());
    if !is_behind_proxy {
        return peer;
    }
    let last = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let last = last.and_then(|value| value.to_str().ok()).and_then(|text| text.rsplit(',').next());
    last.and_then(|text| text.trim().parse::<IpAddr>().ok()).or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_client_is_what_a_proxy_appended_and_only_a_proxy_is_believed() {
        let request = http::Request::builder()
            .header("x-forwarded-for", "203.0.113.9, 198.51.100.1")
            .header("x-forwarded-for", "203.0.113.8, 198.51.100.7")
            .extension(PeerAddress(address("::ffff:192.0.2.1")));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(address_of_client(&parts, true), Some(address("198.51.100.7")));
        assert_eq!(address_of_client(&parts, false), Some(address("192.0.2.1")));
        let request = http::Request::builder().header("x-forwarded-for", "somewhere");
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(address_of_client(&parts, true), None);
        parts.extensions.insert(PeerAddress(address("192.0.2.1")));
        assert_eq!(address_of_client(&parts, true), Some(address("192.0.2.1")));
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_peer_can_t_take_the_places_of_others() {
        let peers = Peers::limited();
        let admit = |text| peers.admit(address(text));
        let mut open: Vec<_> = (0..256).map(|_| admit("192.0.2.1").unwrap()).collect();
        assert!(admit("192.0.2.1").is_none());
        assert!(admit("::ffff:192.0.2.1").is_none(), "the same address in another form");
        assert!(admit("192.0.2.2").is_some());
        open.pop();
        assert!(admit("192.0.2.1").is_some());
        open.clear();
        assert!(peers.open().is_empty());
    }

    #[test]
    fn the_addresses_of_an_ipv6_host_are_one_peer() {
        assert_eq!(network(address("2001:db8:0:1::1")), network(address("2001:db8:0:1:2:3:4:5")));
        assert_ne!(network(address("2001:db8:0:1::1")), network(address("2001:db8:0:2::1")));
    }

    #[test]
    fn peers_without_limit_are_all_admitted() {
        let peers = Peers::unlimited();
        let open: Vec<_> = (0..=MOST).map(|_| peers.admit(address("127.0.0.1"))).collect();
        assert!(open.iter().all(Option::is_some));
    }
}
