//! Lists of network addresses, a line each: a whole address, a network such as 10.0.0.0/8, or a pattern with `*`.

use std::net::{IpAddr, Ipv6Addr};

use crate::config::network::Network;
use crate::service::patterns::matches;

/// Whether a line of the list is about `address`, which must be canonical.
pub fn any_is(list: &str, address: IpAddr) -> bool {
    let text = address.to_string();
    lines(list).any(|line| match line.parse::<Network>() {
        Ok(network) => network.contains(address),
        Err(_) => matches(line, &text),
    })
}

/// Whether the list has a line.
pub fn is_empty(list: &str) -> bool {
    lines(list).next().is_none()
}

/// The list as it is kept: whole addresses in their one spelling, no empty lines.
///
/// Errors: a line that is no address or could never be one's, in words.
pub fn canonical(list: &str, most: usize) -> Result<String, String> {
    let lines: Vec<String> = lines(list).map(line).collect::<Result<_, _>>()?;
    if lines.len() > most {
        return Err(format!("must have at most {most} lines"));
    }
    Ok(lines.join("\n"))
}

fn lines(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn line(text: &str) -> Result<String, String> {
    let wrong =
        || "must be lines with an address, a network such as 10.0.0.0/8, or a pattern such as 10.0.* each".to_owned();
    if text.contains('*') {
        return if is_pattern(text) {
            Ok(text.to_lowercase())
        } else {
            Err(format!(
                "{text:.50} is the pattern of no address as it is written; name a network such as 2001:db8::/32"
            ))
        };
    }
    let network: Network = text.parse().map_err(|_| wrong())?;
    let whole = text.parse::<IpAddr>().map(|address| address.to_canonical().to_string());
    if whole.is_err() && is_mapped(text) {
        return Err("must name IPv4 networks as such, 10.0.0.0/8".to_owned());
    }
    Ok(whole.unwrap_or_else(|_| network.to_string()))
}

/// A network of IPv4 addresses in IPv6 clothes, in which nobody is met.
fn is_mapped(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default();
    address.parse::<Ipv6Addr>().is_ok_and(|address| address.to_ipv4_mapped().is_some())
}

/// Whether an address can be written so that the pattern is about it: decimal numbers, or groups without zeros in front,
/// which are also not zero, for whether those are written is another address's affair.
fn is_pattern(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_hexdigit() || byte == b'*';
    let decimal = |byte: u8| byte.is_ascii_digit() || byte == b'*';
    if text.contains(':') {
        let groups: Vec<&str> = text.split(':').collect();
        let fits = |group: &&str| {
            let digits = group.bytes().filter(|byte| *byte != b'*').count();
            digits <= 4 && !group.starts_with('0') && group.bytes().all(hex)
        };
        let gaps = text.matches("::").count();
        return groups.len() <= 8 && groups.iter().all(fits) && gaps <= 1 && !text.contains(":::");
    }
    if text.contains('.') {
        let parts: Vec<&str> = text.split('.').collect();
        let fits = |part: &&str| {
            let number = part.parse::<u8>().is_ok_and(|number| number.to_string() == **part);
            let digits = part.bytes().filter(|byte| *byte != b'*').count();
            number || (part.contains('*') && digits <= 3 && part.bytes().all(decimal))
        };
        return parts.len() <= 4 && parts.iter().all(fits);
    }
    text.len() <= 5 && text.bytes().all(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_kept_in_one_spelling() {
        for (given, kept) in [
            ("", ""),
            ("10.0.*\r\n\n 2001:DB8:* ", "10.0.*\n2001:db8:*"),
            ("2001:0db8:0:0::7", "2001:db8::7"),
            ("::ffff:10.0.0.7", "10.0.0.7"),
            ("10.0.0.0/8\n2001:DB8::/32", "10.0.0.0/8\n2001:db8::/32"),
            ("*", "*"),
            ("192.168.1*", "192.168.1*"),
            ("*:7", "*:7"),
        ] {
            assert_eq!(canonical(given, 9).as_deref(), Ok(kept), "{given}");
        }
    }

    #[test]
    fn lines_that_are_about_nobody_are_refused() {
        for bad in [
            "example.org",
            "10.0",
            "10.0.0.0/33",
            "10.0.0.256",
            "10.0.0.0.*",
            "10.010.*",
            "300.*",
            "2001:db8:0:0:*",
            "2001:0db8:*",
            "2001:db8::*::1",
            "20011:*",
            "1:2:3:4:5:6:7:8:*",
            "::ffff:10.*",
            "::ffff:10.0.0.0/104",
            "ghij*",
            "1\n2",
        ] {
            assert!(canonical(bad, 9).is_err(), "{bad}");
        }
        assert!(canonical("10.0.0.1\n10.0.0.2\n", 2).is_ok() && canonical("10.0.0.1\n10.0.0.2\n*", 2).is_err());
    }

    #[test]
    fn an_address_is_met_however_its_line_is_written() {
        for (list, address, met) in [
            ("2001:0DB8:0:0::7", "2001:db8::7", true),
            ("2001:db8::/32", "2001:db8:9::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("x\n10.0.*", "10.0.9.1", true),
            ("10.0.*", "10.1.0.1", false),
            ("2001:db8:*", "2001:db8::7", true),
            ("", "10.0.0.1", false),
            ("10.0.0.0/8", "10.9.9.9", true),
        ] {
            assert_eq!(any_is(list, address.parse().unwrap()), met, "{list} {address}");
        }
        assert!(is_empty(" \r\n\n") && !is_empty("*"));
    }
}
