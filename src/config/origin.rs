//! Web origins as browsers write them, compared as browsers compare them: a scheme's own port equals none, letter case
//! and a trailing dot of a host do not matter, and an IPv6 address is one address however it is written.

use std::net::Ipv6Addr;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// In its one spelling.
    host: String,
    /// `None`: the scheme's own.
    port: Option<u16>,
}

impl Origin {
    /// Whether `host`, in any spelling, is the host of this origin.
    pub fn has_host(&self, host: &str) -> bool {
        self.host == one_spelling(host)
    }

    /// Whether a port, or none, is the port of this origin.
    pub fn has_port(&self, port: Option<u16>) -> bool {
        self.port == port.filter(|port| *port != own_port(self.scheme))
    }
}

impl FromStr for Origin {
    type Err = ();

    /// `https://host[:port]`, `http://host[:port]`, and nothing behind it.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (scheme, rest) = text.split_once("://").ok_or(())?;
        let scheme = ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme)).ok_or(())?;
        let (host, port) = split_host(rest).ok_or(())?;
        Ok(Self { scheme, host: one_spelling(host), port: port.filter(|port| *port != own_port(scheme)) })
    }
}

fn own_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

fn one_spelling(host: &str) -> String {
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bracketed.and_then(|address| address.parse::<Ipv6Addr>().ok()) {
        Some(address) => format!("[{address}]"),
        None => host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(),
    }
}

/// Host and port of a `Host` header or of an authority. `None`: the text is neither.
pub fn split_host(text: &str) -> Option<(&str, Option<u16>)> {
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
    use super::*;

    #[test]
    fn one_origin_has_many_spellings() {
        for (one, other, same) in [
            ("https://race.example", "https://race.example:443", true),
            ("http://race.example:80", "http://race.example", true),
            ("https://race.example", "HTTPS://Race.Example.", true),
            ("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080", true),
            ("https://race.example", "http://race.example", false),
            ("https://race.example:80", "https://race.example", false),
            ("https://race.example", "https://race.example.evil", false),
            ("https://race.example", "https://race.example:8443", false),
        ] {
            assert_eq!(one.parse::<Origin>() == other.parse(), same, "{one} {other}");
            assert!(one.parse::<Origin>().is_ok());
        }
        for bad in
            ["", "null", "race.example", "ftp://race.example", "https://", "https://a/b", "https://a:x", "https://u@a"]
        {
            assert_eq!(bad.parse::<Origin>(), Err(()), "{bad}");
        }
    }
}
