//! Host and port that a caller signed: those of its request, or what a trusted proxy says they were, or what the
//! settings say.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderMap};

use crate::api::client_address::from_trusted_proxy;
use crate::config::Config;

/// Where a caller believes this server to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    pub scheme: &'static str,
    /// Without port; IPv6 in brackets.
    pub host: String,
    pub port: u16,
}

impl PublicAddress {
    /// `None`: the request has no readable `Host`.
    pub fn of(request: &HttpRequest, config: &Config) -> Option<Self> {
        let settings = (config.regist.public_host.as_str(), config.regist.public_port);
        Self::told(request.headers(), from_trusted_proxy(request), settings)
    }

    fn told(headers: &HeaderMap, proxied: bool, (public_host, public_port): (&str, u16)) -> Option<Self> {
        let forwarded = |name: &str| if proxied { last(headers, name) } else { None };
        let scheme = match forwarded("x-forwarded-proto") {
            Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
            _ => "http",
        };
        let host = match (public_host, forwarded("x-forwarded-host")) {
            ("", Some(host)) => host,
            ("", None) => headers.get(HOST)?.to_str().ok()?.trim(),
            (host, _) => host,
        };
        let (host, port) = split(host)?;
        let port = match (public_port, forwarded("x-forwarded-port"), port) {
            (0, Some(port), _) => port.parse().ok()?,
            (0, None, Some(port)) => port,
            (0, None, None) if scheme == "https" => 443,
            (0, None, None) => 80,
            (port, _, _) => port,
        };
        Some(Self { scheme, host: host.to_owned(), port })
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

/// What the nearest proxy wrote: the last of a list.
fn last<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let line = headers.get_all(name).last()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim).filter(|text| !text.is_empty())
}

/// Host and port. `None`: neither.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.rfind(']') {
        Some(end) => text.split_at(end + 1),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let fit = |byte: u8| byte.is_ascii_graphic() && !b"/?#@\\<>\"".contains(&byte);
    if host.is_empty() || !host.bytes().all(fit) {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        None => None,
        Some(port) => port.parse().ok().map(|port| (host, Some(port))),
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
}
