//! The server under load: where it is, and whether it may be loaded at all. Opens sockets to it and nothing else.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, bail, ensure};
use tokio::net::{TcpSocket, TcpStream};

#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// `host:port` as given, for the Host header.
    pub authority: String,
}

impl Target {
    /// # Errors
    /// Not a plain `http://host[:port]`, an unknown host, or a host outside this machine without `owned`.
    pub async fn resolve(url: &str, owned: bool) -> anyhow::Result<Self> {
        let authority = authority(url)?;
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host(&authority).await.with_context(|| format!("cannot resolve {authority}"))?.collect();
        Self::choose(authority, &addresses, owned)
    }

    fn choose(authority: String, addresses: &[SocketAddr], owned: bool) -> anyhow::Result<Self> {
        let first = *addresses.first().with_context(|| format!("{authority} has no address"))?;
        let elsewhere = addresses.iter().find(|address| !address.ip().is_loopback());
        if let Some(address) = elsewhere.filter(|_| !owned) {
            bail!(
                "{authority} is {address}, not this machine: pass --i-own-this-server to load a server of your own elsewhere"
            );
        }
        Ok(Self { address: first, authority })
    }

    /// One connection, from the `source`th loopback address when the target is on IPv4 loopback (one address has only
    /// some 28,000 ports, and servers limit sockets per address).
    pub async fn connect(&self, source: u32) -> io::Result<TcpStream> {
        let stream = match (self.address.ip(), source) {
            (IpAddr::V4(address), 1..) if address.is_loopback() => {
                let socket = TcpSocket::new_v4()?;
                socket.set_reuseaddr(true)?;
                socket.bind(SocketAddr::new(IpAddr::V4(loopback_source(source)), 0))?;
                socket.connect(self.address).await?
            }
            _ => TcpStream::connect(self.address).await?,
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn loopback_source(source: u32) -> Ipv4Addr {
    let host = source % 250 + 1;
    Ipv4Addr::new(127, 0, 0, host.to_be_bytes()[3])
}

fn authority(url: &str) -> anyhow::Result<String> {
    ensure!(!url.starts_with("https://"), "{url}: only plain http:// is loaded; stand in front of the TLS terminator");
    let rest = url.strip_prefix("http://").with_context(|| format!("{url}: expected http://host:port"))?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    ensure!(
        !authority.is_empty() && !authority.contains(['/', '?', '#', '@']),
        "{url}: expected http://host:port without a path"
    );
    let after_brackets = authority.rsplit(']').next().unwrap_or(authority);
    if after_brackets.contains(':') { Ok(authority.to_owned()) } else { Ok(format!("{authority}:80")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(addresses: &[&str], owned: bool) -> anyhow::Result<Target> {
        let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Target::choose("host:80".to_owned(), &addresses, owned)
    }

    #[test]
    fn authority_takes_an_origin_only() {
        assert_eq!(authority("http://127.0.0.1:8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(authority("http://localhost/").unwrap(), "localhost:80");
        assert_eq!(authority("http://[::1]:8080").unwrap(), "[::1]:8080");
        assert_eq!(authority("http://[::1]").unwrap(), "[::1]:80");
        for bad in ["https://127.0.0.1", "127.0.0.1:8080", "http://", "http://a/b", "http://user@a", "ws://a"] {
            assert!(authority(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn another_machine_needs_the_flag() {
        assert!(choose(&["127.0.0.1:80"], false).is_ok());
        assert!(choose(&["127.9.9.9:80", "[::1]:80"], false).is_ok());
        let refused = choose(&["192.0.2.1:80"], false).unwrap_err().to_string();
        assert!(refused.contains("--i-own-this-server"), "{refused}");
        assert!(choose(&["127.0.0.1:80", "192.0.2.1:80"], false).is_err());
        assert!(choose(&["192.0.2.1:80"], true).is_ok());
        assert!(choose(&[], true).is_err());
    }

    #[tokio::test]
    async fn resolve_refuses_an_address_of_another_machine() {
        assert!(Target::resolve("http://192.0.2.1:80", false).await.is_err());
        assert!(Target::resolve("http://127.0.0.1:80", false).await.is_ok());
    }

    #[test]
    fn sources_are_distinct_loopback_addresses() {
        assert_eq!(loopback_source(1), Ipv4Addr::new(127, 0, 0, 2));
        assert_eq!(loopback_source(249), Ipv4Addr::new(127, 0, 0, 250));
    }
}
