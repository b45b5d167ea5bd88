//! Headers that proxies add to: read as bytes from the right, since everything left of what the nearest proxy wrote is
//! the caller's own and proves nothing. A byte that is not text there must not hide what the proxy said.

use actix_web::http::header::HeaderMap;

/// One entry of such a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop<'h> {
    Text(&'h str),
    /// Not visible ASCII, or empty between two commas.
    Unreadable,
}

/// All entries of all lines of a header, the nearest proxy's first.
pub fn from_right<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = Hop<'h>> {
    let mut lines: Vec<&[u8]> = headers.get_all(name).map(|line| line.as_bytes()).collect();
    lines.reverse();
    lines.into_iter().flat_map(|line| line.rsplit(|byte| *byte == b',')).map(hop)
}

/// What the nearest proxy wrote. `None`: there is no such header, or it is empty.
pub fn nearest<'h>(headers: &'h HeaderMap, name: &str) -> Option<Hop<'h>> {
    if headers.get_all(name).all(|line| line.as_bytes().trim_ascii().is_empty()) {
        return None;
    }
    from_right(headers, name).next()
}

fn hop(bytes: &[u8]) -> Hop<'_> {
    let bytes = bytes.trim_ascii();
    let visible = !bytes.is_empty() && bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    match std::str::from_utf8(bytes) {
        Ok(text) if visible => Hop::Text(text),
        _ => Hop::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn entries_come_from_the_right_whatever_stands_left_of_them() {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("x-forwarded-host");
        assert_eq!(nearest(&headers, name.as_str()), None);
        for line in [&b"a, \xff,"[..], b"\xffb\xff , c"] {
            headers.append(name.clone(), HeaderValue::from_bytes(line).unwrap());
        }
        let found: Vec<Hop> = from_right(&headers, name.as_str()).collect();
        let expected = [Hop::Text("c"), Hop::Unreadable, Hop::Unreadable, Hop::Unreadable, Hop::Text("a")];
        assert_eq!(found, expected);
        assert_eq!(nearest(&headers, name.as_str()), Some(Hop::Text("c")));
        let mut empty = HeaderMap::new();
        empty.append(name.clone(), HeaderValue::from_static(" "));
        assert_eq!(nearest(&empty, name.as_str()), None);
    }
}
