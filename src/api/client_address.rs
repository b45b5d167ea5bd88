//! Who is calling: the peer, or what a trusted proxy says about it. Anything further left in `X-Forwarded-For` than the
//! first untrusted address was written by the caller and proves nothing.

use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, web};
use actors::domain::caller_address::CallerAddress;

use super::forwarded::{self, Hop};
use crate::config::network::Network;
use crate::context::Context;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address, as an extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub CallerAddress);

impl ClientAddress {
    pub fn of(request: &HttpRequest) -> Self {
        let found = client_address(peer(request), request.headers(), trusted(request));
        if let Some(mistake) = mistake(found, request.headers(), trusted(request)) {
            mistake.log_once();
        }
        Self(found)
    }
}

/// Whether the request's forwarded headers are believed: its peer is a trusted proxy.
pub fn from_trusted_proxy(request: &HttpRequest) -> bool {
    peer(request).is_some_and(|peer| trusted(request).iter().any(|network| network.contains(peer)))
}

/// Only a test server without a socket has no peer.
fn peer(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip().to_canonical())
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

/// The first address from the right that is not a trusted proxy's. Only the entries up to it are read. A trusted proxy
/// that names nobody, or somebody unreadable, leaves the caller unknown: its own address must never become the caller's,
/// since lists and limits would take the caller for the proxy.
fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Network]) -> CallerAddress {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let Some(peer) = peer else { return CallerAddress::Unknown };
    if !is_trusted(peer) {
        return CallerAddress::known(peer);
    }
    for hop in forwarded::from_right(headers, FORWARDED_FOR) {
        match parse_hop(hop) {
            Some(address) if is_trusted(address) => {}
            Some(address) => return CallerAddress::known(address),
            None => break,
        }
    }
    CallerAddress::Unknown
}

/// An address, with or without a port.
fn parse_hop(hop: Hop) -> Option<IpAddr> {
    let Hop::Text(text) = hop else { return None };
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|hop| hop.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok())
}

/// What a request shows to be wrong with the settings or with the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    NoProxyIsTrusted,
    ProxyNamesNobody,
}

/// Errors of the set-up that only requests show.
fn mistake(found: CallerAddress, headers: &HeaderMap, trusted: &[Network]) -> Option<Mistake> {
    if trusted.is_empty() {
        headers.contains_key(FORWARDED_FOR).then_some(Mistake::NoProxyIsTrusted)
    } else {
        (found == CallerAddress::Unknown).then_some(Mistake::ProxyNamesNobody)
    }
}

impl Mistake {
    /// Once while the program runs: callers can provoke it.
    fn log_once(self) {
        static LOGGED: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];
        if LOGGED[self as usize].swap(true, Ordering::Relaxed) {
            return;
        }
        match self {
            Self::NoProxyIsTrusted => tracing::warn!(
                "a request has X-Forwarded-For, but server.trusted_proxies is empty: callers behind a proxy share its \
                 address. Name the proxy there if there is one"
            ),
            Self::ProxyNamesNobody => tracing::warn!(
                "a trusted proxy sent a request without a readable X-Forwarded-For: such callers have no address and \
                 share one limit. Let the proxy set the header"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const PROXY: &[&str] = &["10.0.0.0/8"];

    fn headers(forwarded: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(HeaderName::from_static(FORWARDED_FOR), HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    fn networks(trusted: &[&str]) -> Vec<Network> {
        trusted.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn found(peer: &str, forwarded: &[&[u8]], trusted: &[&str]) -> String {
        client_address(Some(peer.parse::<IpAddr>().unwrap().to_canonical()), &headers(forwarded), &networks(trusted))
            .to_string()
    }

    #[test]
    fn forwarded_addresses_count_only_behind_a_trusted_proxy() {
        /// Peer, lines of the header, trusted networks, the address that counts.
        type Case<'c> = (&'c str, &'c [&'c [u8]], &'c [&'c str], &'c str);
        let cases: &[Case<'_>] = &[
            ("203.0.113.9", &[b"1.1.1.1"], &[], "203.0.113.9"),
            ("203.0.113.9", &[b"1.1.1.1"], PROXY, "203.0.113.9"),
            ("203.0.113.9", &[b"\xff"], PROXY, "203.0.113.9"),
            ("10.0.0.1", &[b"1.1.1.1"], PROXY, "1.1.1.1"),
            ("10.0.0.1", &[b"6.6.6.6, 1.1.1.1"], PROXY, "1.1.1.1"),
            ("10.0.0.1", &[b"1.1.1.1, 10.0.0.2"], PROXY, "1.1.1.1"),
            ("10.0.0.1", &[b"6.6.6.6", b"1.1.1.1"], PROXY, "1.1.1.1"),
            ("10.0.0.1", &[b"1.1.1.1:4711"], PROXY, "1.1.1.1"),
            ("10.0.0.1", &[b"[2001:db8::1]:80"], PROXY, "2001:db8::1"),
            ("10.0.0.1", &[b"[2001:db8::1]"], PROXY, "2001:db8::1"),
            ("10.0.0.1", &[b"::ffff:1.1.1.1"], PROXY, "1.1.1.1"),
            ("10.0.0.1", &[b"1.1.1.1,\t::ffff:10.0.0.2"], PROXY, "1.1.1.1"),
            ("::ffff:10.0.0.1", &[b"1.1.1.1"], PROXY, "1.1.1.1"),
            ("10.0.0.1", &[b"1.1.1.1"], &["::ffff:10.0.0.0/104"], "1.1.1.1"),
        ];
        for (peer, forwarded, trusted, expected) in cases {
            assert_eq!(found(peer, forwarded, trusted), *expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn bytes_of_the_caller_hide_no_hop_of_the_proxy() {
        let cases: &[&[&[u8]]] = &[
            &[b"\xff, 203.0.113.9"],
            &[b"\xff\xff", b"203.0.113.9"],
            &[b"10.0.0.1, \x80, 203.0.113.9, 10.0.0.7"],
            &[b"\xff,,, 203.0.113.9"],
            &["\u{540d}, 203.0.113.9".as_bytes()],
        ];
        for forwarded in cases {
            assert_eq!(found("10.0.0.1", forwarded, PROXY), "203.0.113.9", "{forwarded:?}");
        }
    }

    #[test]
    fn a_hop_that_is_missing_or_unreadable_makes_nobody_the_proxy() {
        let cases: &[&[&[u8]]] = &[
            &[],
            &[b""],
            &[b","],
            &[b"1.1.1.1,"],
            &[b"1.1.1.1, \xff"],
            &[b"1.1.1.1", b"\xff"],
            &[b"6.6.6.6, nonsense, 10.0.0.2"],
            &[b"unknown"],
            &[b"10.0.0.2"],
            &[b"1.1.1.1.1"],
            &[b"fe80::1%eth0"],
            &[b"1.1.1.1:99999"],
        ];
        for forwarded in cases {
            assert_eq!(found("10.0.0.1", forwarded, PROXY), "unknown", "{forwarded:?}");
        }
        assert_eq!(client_address(None, &headers(&[]), &[]), CallerAddress::Unknown);
    }

    #[test]
    fn requests_show_what_is_wrong_with_the_proxy() {
        let address = CallerAddress::known("203.0.113.9".parse().unwrap());
        let (none, some) = (headers(&[]), headers(&[b"1.1.1.1"]));
        assert_eq!(mistake(address, &none, &[]), None);
        assert_eq!(mistake(address, &some, &[]), Some(Mistake::NoProxyIsTrusted));
        assert_eq!(mistake(address, &some, &networks(PROXY)), None);
        assert_eq!(mistake(CallerAddress::Unknown, &none, &networks(PROXY)), Some(Mistake::ProxyNamesNobody));
    }
}
