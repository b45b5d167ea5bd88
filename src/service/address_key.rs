//! The keys by which everything that limits by network address counts. An IPv6 household owns a whole /64, and could
//! otherwise change its address for every request.

use std::fmt;
use std::net::IpAddr;

use actors::domain::caller_address::CallerAddress;

/// One caller: an IPv4 address, an IPv6 /64, or all callers without a known address together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressKey(Prefix);

/// The network around a caller, shared by many: an IPv4 /16, or an IPv6 /48, which is what one customer can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NetworkKey(Prefix);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Prefix {
    V4(u32),
    V6(u64),
    Unknown,
}

impl AddressKey {
    pub fn of(address: CallerAddress) -> Self {
        Self(match address.ip() {
            Some(IpAddr::V4(address)) => Prefix::V4(address.to_bits()),
            Some(IpAddr::V6(address)) => Prefix::V6((address.to_bits() >> 64) as u64),
            None => Prefix::Unknown,
        })
    }

    pub fn network(self) -> NetworkKey {
        NetworkKey(match self.0 {
            Prefix::V4(address) => Prefix::V4(address & 0xffff_0000),
            Prefix::V6(prefix) => Prefix::V6(prefix & !0xffff),
            Prefix::Unknown => Prefix::Unknown,
        })
    }

    /// The IPv6 /48 around a caller. `None` for IPv4, where a mobile carrier puts many people behind one address and the
    /// networks around it are as good as a country.
    pub fn site(self) -> Option<NetworkKey> {
        matches!(self.0, Prefix::V6(_)).then(|| self.network())
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for NetworkKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => write!(formatter, "{}", std::net::Ipv4Addr::from_bits(*address)),
            Self::V6(prefix) => write!(formatter, "{prefix:x}"),
            Self::Unknown => formatter.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> AddressKey {
        AddressKey::of(CallerAddress::known(text.parse().unwrap()))
    }

    #[test]
    fn callers_without_an_address_are_one_key_of_their_own() {
        let unknown = AddressKey::of(CallerAddress::Unknown);
        assert_eq!(unknown, AddressKey::of(CallerAddress::Unknown));
        for known in ["0.0.0.0", "::", "127.0.0.1"] {
            assert_ne!(unknown, key(known));
            assert_ne!(unknown.to_string(), key(known).to_string());
        }
    }

    #[test]
    fn an_ipv6_household_is_one_key() {
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
        assert_ne!(key("10.0.0.1").to_string(), key("10.0.0.2").to_string());
    }

    #[test]
    fn networks_are_wider_and_sites_are_of_ipv6_only() {
        assert_eq!(key("10.1.2.3").network(), key("10.1.9.9").network());
        assert_ne!(key("10.1.2.3").network(), key("10.2.2.3").network());
        assert_eq!(key("2001:db8:1:2::3").network(), key("2001:db8:1:9::3").network());
        assert_ne!(key("2001:db8:1:2::3").network(), key("2001:db8:2:2::3").network());
        assert_eq!(key("10.1.2.3").site(), None);
        assert_eq!(key("2001:db8:1:2::3").site(), key("2001:db8:1:9::3").site());
    }
}
