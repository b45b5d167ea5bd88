//! An address or a network in CIDR form, as settings write it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Bits before an IPv4 address that is mapped into IPv6.
const MAPPED: u8 = 96;

impl Network {
    /// IPv4 networks that are written as IPv6 ones are what they mean: callers' addresses are never mapped.
    fn canonical(self) -> Self {
        match self.address.to_canonical() {
            address if self.address.is_ipv6() && address.is_ipv4() && self.prefix >= MAPPED => {
                Self { address, prefix: self.prefix - MAPPED }
            }
            _ => self,
        }
    }

    /// Whether some address could be in both. IPv6 networks around all mapped addresses count as around IPv4's.
    pub fn overlaps(&self, other: &Self) -> bool {
        let ((one, one_prefix), (two, two_prefix)) = (self.as_ipv6(), other.as_ipv6());
        let mask = u128::MAX.checked_shl(128 - u32::from(one_prefix.min(two_prefix))).unwrap_or(0);
        one & mask == two & mask
    }

    /// Whether it takes in everybody, of IPv4 or of IPv6.
    pub fn is_everybody(&self) -> bool {
        self.prefix == 0
    }

    fn as_ipv6(&self) -> (u128, u8) {
        match self.address {
            IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), self.prefix + MAPPED),
            IpAddr::V6(address) => (address.to_bits(), self.prefix),
        }
    }

    /// IPv4 addresses that arrive mapped into IPv6 are judged as what they are.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be an address or a network such as 10.0.0.0/8".to_owned();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| wrong())?,
            None => widest,
        };
        if prefix > widest {
            return Err(wrong());
        }
        Ok(Self { address, prefix }.canonical())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_compares_the_prefix_only() {
        let cases = [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("2001:db8::/32", "2001:db8:9::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "::1", true),
            ("::/0", "10.0.0.1", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "11.1.2.3", false),
            ("::ffff:10.0.0.7", "10.0.0.7", true),
            ("::ffff:0:0/96", "203.0.113.9", true),
        ];
        for (network, address, inside) in cases {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{network} {address}");
        }
    }

    #[test]
    fn networks_overlap_in_either_direction_and_however_they_are_written() {
        for (one, two, overlap) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.0.0.0/8", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "::ffff:10.0.0.0/104", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "10.0.0.2", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "10.0.0.2", true),
            ("2001:db8::/32", "2001:db8:9::/48", true),
            ("2001:db8::/32", "2001:db9::/32", false),
        ] {
            let (one, two): (Network, Network) = (one.parse().unwrap(), two.parse().unwrap());
            assert_eq!((one.overlaps(&two), two.overlaps(&one)), (overlap, overlap), "{one} {two}");
        }
    }

    #[test]
    fn parse_refuses_what_is_no_network() {
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "a"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
