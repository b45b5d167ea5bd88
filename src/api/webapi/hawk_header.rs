//! The `Authorization` header of HAWK, read as strictly as the reference reads it: known attributes, each once, of
//! printable characters.

/// Longest header, in bytes.
const MOST_BYTES: usize = 4096;
/// More digits are no time.
const MOST_DIGITS: usize = 15;

/// The attributes of a request's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HawkHeader {
    pub id: String,
    /// As written, for the signature.
    pub ts: String,
    pub nonce: String,
    pub hash: Option<String>,
    pub ext: Option<String>,
    pub mac: String,
    pub app: Option<String>,
    pub dlg: Option<String>,
}

impl HawkHeader {
    /// Seconds since 1970.
    pub fn seconds(&self) -> i64 {
        // `parse` took no more than 15 digits.
        self.ts.parse().unwrap_or_default()
    }
}

/// Why a header is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// Of another scheme, which is as good as no header.
    #[error("another scheme")]
    OtherScheme,
    #[error("Header length too long")]
    TooLong,
    #[error("Invalid header syntax")]
    Syntax,
    #[error("Bad header format")]
    Format,
    #[error("Unknown attribute")]
    Unknown,
    #[error("Duplicate attribute")]
    Duplicate,
    #[error("Bad attribute value")]
    Value,
    #[error("Missing attributes")]
    Missing,
}

const NAMES: [&str; 8] = ["id", "ts", "nonce", "hash", "ext", "mac", "app", "dlg"];

/// Reads a header's value.
///
/// Errors: the first thing that is wrong.
pub fn parse(raw: &[u8]) -> Result<HawkHeader, BadHeader> {
    if raw.len() > MOST_BYTES {
        return Err(BadHeader::TooLong);
    }
    let text = std::str::from_utf8(raw).map_err(|_| BadHeader::Syntax)?;
    let (scheme, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    if scheme.is_empty() || !scheme.bytes().all(is_word) {
        return Err(BadHeader::Syntax);
    }
    if !scheme.eq_ignore_ascii_case("hawk") {
        return Err(BadHeader::OtherScheme);
    }
    let mut rest = rest.trim_start_matches([' ', '\t']);
    if rest.is_empty() {
        return Err(BadHeader::Syntax);
    }
    let mut values: [Option<String>; NAMES.len()] = Default::default();
    while !rest.is_empty() {
        let (name, value, after) = attribute(rest)?;
        let at = NAMES.iter().position(|known| *known == name).ok_or(BadHeader::Unknown)?;
        if value.is_empty() || !value.bytes().all(is_of_value) {
            return Err(BadHeader::Value);
        }
        if values[at].replace(value.to_owned()).is_some() {
            return Err(BadHeader::Duplicate);
        }
        rest = after;
    }
    let [id, ts, nonce, hash, ext, mac, app, dlg] = values;
    let (Some(id), Some(ts), Some(nonce), Some(mac)) = (id, ts, nonce, mac) else { return Err(BadHeader::Missing) };
    if dlg.is_some() && app.is_none() {
        // The signature covers a delegate only beside an application.
        return Err(BadHeader::Missing);
    }
    if ts.len() > MOST_DIGITS || !ts.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadHeader::Value);
    }
    Ok(HawkHeader { id, ts, nonce, hash, ext, mac, app, dlg })
}

/// The first attribute and what follows its comma.
fn attribute(text: &str) -> Result<(&str, &str, &str), BadHeader> {
    let (name, rest) = text.split_once("=\"").ok_or(BadHeader::Format)?;
    if name.is_empty() || !name.bytes().all(is_word) {
        return Err(BadHeader::Format);
    }
    let (value, rest) = rest.split_once('"').ok_or(BadHeader::Format)?;
    let rest = rest.trim_start_matches([' ', '\t']);
    match rest.strip_prefix(',') {
        Some(rest) => Ok((name, value, rest.trim_start_matches([' ', '\t']))),
        None if rest.is_empty() => Ok((name, value, rest)),
        None => Err(BadHeader::Format),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_of_value(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_in_any_order_and_spacing() {
        let one = parse(br#"Hawk id="a", ts="1353832234", nonce="j4", ext="some ext", mac="m+/=""#).unwrap();
        let other =
            parse(b"hAWK  \tmac=\"m+/=\",ext=\"some ext\" ,\tnonce=\"j4\",ts=\"1353832234\", id=\"a\", ").unwrap();
        assert_eq!(one, other);
        assert_eq!((one.seconds(), one.hash.as_deref(), one.ext.as_deref()), (1_353_832_234, None, Some("some ext")));
        let full = parse(br#"Hawk id="a", ts="01", nonce="n", mac="m", hash="h", app="app", dlg="d""#).unwrap();
        assert_eq!((full.ts.as_str(), full.seconds()), ("01", 1));
        assert_eq!(
            (full.hash.as_deref(), full.app.as_deref(), full.dlg.as_deref()),
            (Some("h"), Some("app"), Some("d"))
        );
    }

    #[test]
    fn everything_else_is_refused_by_its_name() {
        let right = r#"id="a", ts="1", nonce="n", mac="m""#;
        let long = format!("Hawk {right}, ext=\"{}\"", "x".repeat(4100));
        for (header, why) in [
            ("", BadHeader::Syntax),
            ("Hawk", BadHeader::Syntax),
            ("Hawk ", BadHeader::Syntax),
            ("Ha-wk id=\"a\"", BadHeader::Syntax),
            ("Basic dXNlcg==", BadHeader::OtherScheme),
            ("Hawker id=\"a\"", BadHeader::OtherScheme),
            (&long, BadHeader::TooLong),
            ("Hawk id", BadHeader::Format),
            ("Hawk id=a", BadHeader::Format),
            ("Hawk id=\"a", BadHeader::Format),
            ("Hawk =\"a\"", BadHeader::Format),
            ("Hawk i d=\"a\"", BadHeader::Format),
            ("Hawk id=\"a\" ts=\"1\"", BadHeader::Format),
            ("Hawk id=\"a\";ts=\"1\"", BadHeader::Format),
            ("Hawk ,id=\"a\"", BadHeader::Format),
            ("Hawk x=\"a\"", BadHeader::Unknown),
            ("Hawk ID=\"a\"", BadHeader::Unknown),
            ("Hawk id=\"\"", BadHeader::Value),
            ("Hawk id=\"a\\b\"", BadHeader::Value),
            ("Hawk id=\"跑\"", BadHeader::Value),
            ("Hawk id=\"a\tb\"", BadHeader::Value),
            ("Hawk id=\"a\", id=\"a\"", BadHeader::Duplicate),
            ("Hawk id=\"a\"", BadHeader::Missing),
            (r#"Hawk id="a", ts="1", nonce="n""#, BadHeader::Missing),
            (r#"Hawk id="a", ts="1", mac="n""#, BadHeader::Missing),
            (r#"Hawk id="a", nonce="1", mac="n""#, BadHeader::Missing),
            (r#"Hawk nonce="a", ts="1", mac="n""#, BadHeader::Missing),
            (r#"Hawk id="a", ts="1", nonce="n", mac="m", dlg="d""#, BadHeader::Missing),
            (r#"Hawk id="a", ts="-1", nonce="n", mac="m""#, BadHeader::Value),
            (r#"Hawk id="a", ts="1.5", nonce="n", mac="m""#, BadHeader::Value),
            (r#"Hawk id="a", ts="1234567890123456", nonce="n", mac="m""#, BadHeader::Value),
        ] {
            assert_eq!(parse(header.as_bytes()), Err(why), "{header}");
        }
        assert_eq!(parse(b"Hawk id=\"\xff\""), Err(BadHeader::Syntax));
        assert!(parse(format!("Hawk {right}").as_bytes()).is_ok());
    }
}
