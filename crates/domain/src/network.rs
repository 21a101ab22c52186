//! Ranges of IP addresses, in CIDR notation (RFC 4632, RFC 4291 section 2.3).

use std::net::{IpAddr, Ipv6Addr};

/// What counts as one peer: an IPv4 address, or 64 bits of an IPv6 address, since a single host
/// commonly has all addresses that begin with them (RFC 4291 section 2.5.4).
pub fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
    }
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `192.0.2.0/24`. Bits beyond the prefix may be anything.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (base, prefix) = text.split_once('/')?;
        let base: IpAddr = base.parse().ok()?;
        let is_number =
            (1..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|prefix| is_number && *prefix <= width(base))?;
        Some(Self { base, prefix })
    }

    /// The range of one address.
    pub(crate) const fn only(address: IpAddr) -> Self {
        Self { base: address, prefix: width(address) }
    }

    /// The network from which an address most likely comes: an operator hands out no fewer.
    pub(crate) const fn around(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { 24 } else { 48 };
        Self { base: address, prefix }
    }

    /// Whether an address is in the range.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        width(self.base) == width(address) && self.first(self.base) == self.first(address)
    }

    /// The bits of the prefix.
    fn first(self, address: IpAddr) -> u128 {
        let bits = match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        bits.checked_shr(u32::from(width(address) - self.prefix)).unwrap_or_default()
    }
}

/// How many bits an address of this kind has.
const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_what_begins_alike() {
        assert!(contains("192.0.2.0/24", "192.0.2.255") && !contains("192.0.2.0/24", "192.0.3.0"));
        assert!(contains("192.0.2.9/24", "192.0.2.1"));
        assert!(contains("10.0.0.1/32", "10.0.0.1") && !contains("10.0.0.1/32", "10.0.0.2"));
        assert!(contains("0.0.0.0/0", "203.0.113.1") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "2001:db8::1") && !contains("::/0", "192.0.2.1"));
        assert!(contains("2001:db8::/48", "2001:db8:0:9::1"));
        assert!(!contains("2001:db8::/48", "2001:db8:1::1"));
    }

    #[test]
    fn a_single_address_is_a_range_of_one() {
        let only = Network::only("2001:db8::1".parse().unwrap());
        assert!(only.contains("2001:db8::1".parse().unwrap()));
        assert!(!only.contains("2001:db8::2".parse().unwrap()));
    }

    #[test]
    fn other_text_is_no_range() {
        for text in ["", "192.0.2.1", "192.0.2.0/33", "::/129", "192.0.2/24", "x/8", "::/", "::/+8"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
