//! Who is calling: the peer, or what a trusted proxy says about it. Anything further left in `X-Forwarded-For` than the
//! first untrusted address was written by the caller and proves nothing.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, web};

use crate::config::network::Network;
use crate::context::Context;

/// The caller's address, as an extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    pub fn of(request: &HttpRequest) -> Self {
        Self(client_address(peer(request), request.headers(), trusted(request)))
    }
}

/// Whether the request's forwarded headers are believed: its peer is a trusted proxy.
pub fn from_trusted_proxy(request: &HttpRequest) -> bool {
    let peer = peer(request).to_canonical();
    trusted(request).iter().any(|network| network.contains(peer))
}

fn peer(request: &HttpRequest) -> IpAddr {
    // Only a test server without a socket has no peer.
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip())
}

fn trusted(request: &HttpRequest) -> &[Network] {
    request.app_data::<web::Data<Context>>().map_or(&[][..], |context| &context.config.server.trusted_proxies)
}

impl FromRequest for ClientAddress {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.to_canonical();
    if trusted.is_empty() {
        return address;
    }
    let mut lines: Vec<&str> = headers.get_all("x-forwarded-for").filter_map(|line| line.to_str().ok()).collect();
    lines.reverse();
    for hop in lines.iter().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(address) {
            break;
        }
        match parse_hop(hop.trim()) {
            Some(hop) => address = hop.to_canonical(),
            None => break,
        }
    }
    address
}

/// An address, with or without a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|hop| hop.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn found(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(line).unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn forwarded_addresses_count_only_behind_a_trusted_proxy() {
        let proxy = ["10.0.0.0/8"];
        let cases: &[(&str, &[&str], &[&str], &str)] = &[
            ("203.0.113.9", &["1.1.1.1"], &[], "203.0.113.9"),
            ("203.0.113.9", &["1.1.1.1"], &proxy, "203.0.113.9"),
            ("10.0.0.1", &[], &proxy, "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1"], &proxy, "1.1.1.1"),
            ("10.0.0.1", &["6.6.6.6, 1.1.1.1"], &proxy, "1.1.1.1"),
            ("10.0.0.1", &["1.1.1.1, 10.0.0.2"], &proxy, "1.1.1.1"),
            ("10.0.0.1", &["6.6.6.6", "1.1.1.1"], &proxy, "1.1.1.1"),
            ("10.0.0.1", &["6.6.6.6, nonsense, 10.0.0.2"], &proxy, "10.0.0.2"),
            ("10.0.0.1", &["1.1.1.1:4711"], &proxy, "1.1.1.1"),
            ("10.0.0.1", &["[2001:db8::1]:80"], &proxy, "2001:db8::1"),
            ("::ffff:10.0.0.1", &["1.1.1.1"], &proxy, "1.1.1.1"),
        ];
        for (peer, forwarded, trusted, expected) in cases {
            assert_eq!(found(peer, forwarded, trusted), *expected, "{peer} {forwarded:?}");
        }
    }
}
