//! How many connections each peer has open.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use poolhouse_domain::network;

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
        let network = network::peer(address);
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

#[cfg(test)]
mod tests {
    use poolhouse_domain::network::peer;

    use super::*;

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
        assert_eq!(peer(address("2001:db8:0:1::1")), peer(address("2001:db8:0:1:2:3:4:5")));
        assert_ne!(peer(address("2001:db8:0:1::1")), peer(address("2001:db8:0:2::1")));
    }

    #[test]
    fn peers_without_limit_are_all_admitted() {
        let peers = Peers::unlimited();
        let open: Vec<_> = (0..=MOST).map(|_| peers.admit(address("127.0.0.1"))).collect();
        assert!(open.iter().all(Option::is_some));
    }
}
