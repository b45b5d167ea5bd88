//! Where a request came from, as far as this server can tell.

use std::fmt;
use std::net::IpAddr;

/// The address of a caller, or the statement that nobody vouches for one. There is deliberately no address in `Unknown`:
/// it cannot be compared with a list, and every rule has to say what it means for callers without an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerAddress {
    /// Canonical: IPv4 is never mapped into IPv6. Made by `CallerAddress::known`.
    Known(Canonical),
    /// A trusted proxy named no address, or named one that cannot be read. Trusted nowhere, and counted as one caller.
    Unknown,
}

/// An address in its one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Canonical(IpAddr);

impl CallerAddress {
    pub fn known(address: IpAddr) -> Self {
        Self::Known(Canonical(address.to_canonical()))
    }

    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Known(Canonical(address)) => Some(address),
            Self::Unknown => None,
        }
    }
}

impl fmt::Display for CallerAddress {
    /// The address, or `unknown`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(Canonical(address)) => address.fmt(out),
            Self::Unknown => out.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let of = |text: &str| CallerAddress::known(text.parse().unwrap());
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_eq!(of("::ffff:10.0.0.1").to_string(), "10.0.0.1");
        assert_ne!(of("::1"), CallerAddress::Unknown);
        assert_eq!(CallerAddress::Unknown.to_string(), "unknown");
        assert_eq!(CallerAddress::Unknown.ip(), None);
    }
}
