//! Where a caller believes this server to be: what its request says, or what a trusted proxy says in its place.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderMap};

use super::client_address::from_trusted_proxy;
use super::forwarded::{Hop, nearest};
use crate::config::Config;
use crate::config::origin::split_host;

/// The address in a request, as far as it is written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenAddress<'h> {
    /// Only a trusted proxy knows it: this server speaks no TLS.
    pub scheme: Option<&'static str>,
    /// Without port; IPv6 in brackets.
    pub host: &'h str,
    pub port: Option<u16>,
    /// What a trusted proxy says of the port in a header of its own.
    pub forwarded_port: Option<u16>,
}

impl<'h> SeenAddress<'h> {
    /// `None`: a `Host` or a forwarded header that is missing, cannot be read, or comes in contradicting lines.
    pub fn of(request: &'h HttpRequest) -> Option<Self> {
        Self::read(request.headers(), from_trusted_proxy(request))
    }

    fn read(headers: &'h HeaderMap, proxied: bool) -> Option<Self> {
        Self::named(headers, proxied, "")
    }

    /// With a host that the settings name, which then counts in place of the request's.
    fn named(headers: &'h HeaderMap, proxied: bool, named: &'h str) -> Option<Self> {
        let forwarded = |name: &str| if proxied { nearest(headers, name) } else { None };
        let scheme = match forwarded("x-forwarded-proto") {
            Some(Hop::Text(proto)) => scheme(proto),
            _ => None,
        };
        let (host, port) = match (named, forwarded("x-forwarded-host")) {
            ("", Some(Hop::Text(host))) => split_host(host)?,
            ("", Some(Hop::Unreadable)) => return None,
            ("", None) => split_host(own_host(headers)?)?,
            (named, _) => split_host(named)?,
        };
        let forwarded_port = match forwarded("x-forwarded-port") {
            Some(Hop::Text(port)) => Some(port.parse().ok()?),
            Some(Hop::Unreadable) => return None,
            None => None,
        };
        Some(Self { scheme, host, port, forwarded_port })
    }
}

/// WebSockets have schemes of their own, which some proxies name.
fn scheme(proto: &str) -> Option<&'static str> {
    let is = |names: [&str; 2]| names.iter().any(|name| proto.eq_ignore_ascii_case(name));
    if is(["https", "wss"]) {
        Some("https")
    } else if is(["http", "ws"]) {
        Some("http")
    } else {
        None
    }
}

/// The `Host` of a request. Several are refused: programs before this one may have believed another one.
fn own_host(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(HOST);
    let host = lines.next()?.to_str().ok()?.trim();
    lines.next().is_none().then_some(host)
}

/// An address with nothing left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    pub scheme: &'static str,
    /// Without port; IPv6 in brackets.
    pub host: String,
    pub port: u16,
}

impl PublicAddress {
    /// Of the request alone. `None` as in `SeenAddress::of`.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        Self::told(request.headers(), from_trusted_proxy(request), ("", 0))
    }

    /// What callers of Regist sign: the settings count before the request.
    pub fn signed(request: &HttpRequest, config: &Config) -> Option<Self> {
        let settings = (config.regist.public_host.as_str(), config.regist.public_port);
        Self::told(request.headers(), from_trusted_proxy(request), settings)
    }

    fn told(headers: &HeaderMap, proxied: bool, (public_host, public_port): (&str, u16)) -> Option<Self> {
        let seen = SeenAddress::named(headers, proxied, public_host)?;
        let scheme = seen.scheme.unwrap_or("http");
        let own = if scheme == "https" { 443 } else { 80 };
        let port = match public_port {
            0 => seen.forwarded_port.or(seen.port).unwrap_or(own),
            port => port,
        };
        Some(Self { scheme, host: seen.host.to_owned(), port })
    }

    /// With the port where it is not the scheme's own.
    pub fn origin(&self) -> String {
        let Self { scheme, host, port } = self;
        match (*scheme, *port) {
            ("http", 80) | ("https", 443) => format!("{scheme}://{host}"),
            _ => format!("{scheme}://{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn told(lines: &[(&'static str, &str)], proxied: bool, settings: (&str, u16)) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        PublicAddress::told(&headers, proxied, settings)
            .map(|PublicAddress { scheme, host, port }| format!("{scheme} {host} {port}"))
    }

    #[test]
    fn the_request_itself_tells_without_a_proxy() {
        for (host, expected) in [
            ("example.org", Some("http example.org 80")),
            ("example.org:8080", Some("http example.org 8080")),
            (" Example.org ", Some("http Example.org 80")),
            ("[::1]:8080", Some("http [::1] 8080")),
            ("[::1]", Some("http [::1] 80")),
            ("", None),
            (":80", None),
            ("example.org:", None),
            ("example.org:x", None),
            ("example.org:99999", None),
            ("[::1]x", None),
            ("a/b", None),
            ("a<b", None),
        ] {
            assert_eq!(told(&[("host", host)], false, ("", 0)).as_deref(), expected, "{host}");
        }
        assert_eq!(told(&[], false, ("", 0)), None);
        let origin = |text: &'static str, port| PublicAddress { scheme: text, host: "a".to_owned(), port }.origin();
        assert_eq!((origin("http", 80), origin("https", 443)), ("http://a".to_owned(), "https://a".to_owned()));
        assert_eq!(origin("https", 80), "https://a:80");
    }

    #[test]
    fn forwarded_headers_count_only_behind_a_trusted_proxy() {
        let lines: &[(&'static str, &str)] = &[
            ("host", "127.0.0.1:8080"),
            ("x-forwarded-host", "evil.example, race.example"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(told(lines, false, ("", 0)).as_deref(), Some("http 127.0.0.1 8080"));
        assert_eq!(told(lines, true, ("", 0)).as_deref(), Some("https race.example 443"));
        assert_eq!(told(lines, true, ("set.example", 0)).as_deref(), Some("https set.example 443"));
        assert_eq!(told(lines, false, ("set.example", 8443)).as_deref(), Some("http set.example 8443"));
        assert_eq!(told(lines, true, ("", 8443)).as_deref(), Some("https race.example 8443"));
        let lines: &[(&'static str, &str)] =
            &[("host", "race.example:8080"), ("x-forwarded-port", "9443"), ("x-forwarded-proto", "HTTPS")];
        assert_eq!(told(lines, true, ("", 0)).as_deref(), Some("https race.example 9443"));
        assert_eq!(told(&[("host", "a"), ("x-forwarded-port", "x")], true, ("", 0)), None);
    }

    #[test]
    fn what_cannot_be_read_or_contradicts_itself_names_no_address() {
        let of = |lines: &[(&'static str, &[u8])], proxied: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
            }
            SeenAddress::read(&headers, proxied).map(|seen| seen.host.to_owned())
        };
        let race = Some("race.example".to_owned());
        assert_eq!(of(&[("host", b"a"), ("host", b"race.example")], false), None);
        assert_eq!(of(&[("host", b"\xff")], true), None);
        let behind = |forwarded: &'static [u8]| of(&[("host", b"inside"), ("x-forwarded-host", forwarded)], true);
        assert_eq!(behind(b"\xff, race.example"), race);
        assert_eq!(behind(b"race.example, \xff"), None, "not the proxy's own Host in its place");
        assert_eq!(behind(b""), Some("inside".to_owned()));
        assert_eq!(of(&[("host", b"a"), ("host", b"b"), ("x-forwarded-host", b"race.example")], true), race);
    }

    #[test]
    fn schemes_of_sockets_are_those_of_their_pages() {
        for (proto, expected) in [("wss", Some("https")), ("HTTPS", Some("https")), ("ws", Some("http")), ("x", None)] {
            assert_eq!(scheme(proto), expected);
        }
    }
}
