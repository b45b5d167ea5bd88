//! The four members of a registration, read from any of the formats, and what the schema says about them.

use actors::domain::phone;

use super::media_type::{Format, MediaType};
use super::{read_bson, read_form, read_json, read_xml};

/// Members in the order of the contract, with their longest lengths in UTF-16 units.
pub const NAMES: [(&str, usize); 4] = [("username", 20), ("password", 64), ("mobile", 11), ("verifycode", 6)];
/// What the help page's framework calls the action's parameter.
pub const PARAMETER: &str = "parm";

/// What was sent of the members; `None` is missing or null.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    values: [Option<String>; NAMES.len()],
}

/// Why a body could not be read. `member` is the one that is wrong; none for the body as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub member: Option<&'static str>,
    pub reason: String,
}

impl Unreadable {
    pub fn body(reason: impl ToString) -> Self {
        Self { member: None, reason: reason.to_string() }
    }

    pub fn member(member: &'static str, reason: impl ToString) -> Self {
        Self { member: Some(member), reason: reason.to_string() }
    }
}

/// Where a member of this name goes; case does not matter. `None`: unknown.
pub fn index(name: &str) -> Option<usize> {
    NAMES.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))
}

impl Members {
    /// As `index` counts. A mobile number is folded to its digits before its length is judged.
    pub fn set(&mut self, at: usize, value: Option<String>) {
        let mobile = value.as_deref().filter(|_| NAMES[at].0 == "mobile").and_then(phone::mainland_mobile);
        self.values[at] = mobile.or(value);
    }

    pub fn is_set(&self, at: usize) -> bool {
        self.values[at].is_some()
    }

    /// The members, all of them there and short enough.
    ///
    /// Errors: a text for each member that is not, by its name in the model.
    pub fn checked(self) -> Result<[String; NAMES.len()], Vec<(String, String)>> {
        let faults: Vec<(String, String)> = NAMES
            .iter()
            .zip(&self.values)
            .filter_map(|((name, most), value)| Some((key(Some(name)), fault(name, *most, value.as_deref())?)))
            .collect();
        if faults.is_empty() { Ok(self.values.map(Option::unwrap_or_default)) } else { Err(faults) }
    }
}

/// The name of a member in the model's state.
pub fn key(member: Option<&str>) -> String {
    member.map_or_else(|| PARAMETER.to_owned(), |name| format!("{PARAMETER}.{name}"))
}

fn fault(name: &str, most: usize, value: Option<&str>) -> Option<String> {
    match value {
        None => Some(format!("The {name} field is required.")),
        Some(text) if text.trim().is_empty() => Some(format!("The {name} field is required.")),
        Some(text) if text.encode_utf16().count() > most => {
            Some(format!("The field {name} must be a string or array type with a maximum length of '{most}'."))
        }
        Some(_) => None,
    }
}

/// Reads a body of a known format. An empty one has no members.
///
/// Errors: why it could not be read.
pub fn read(format: Format, media: &MediaType, body: &[u8]) -> Result<Members, Unreadable> {
    if body.is_empty() {
        return Ok(Members::default());
    }
    match format {
        Format::Json => read_json::read(&text(media, body)?),
        Format::Xml => read_xml::read(&text(media, body)?),
        Format::Form => read_form::read(body),
        Format::Bson => read_bson::read(body),
    }
}

/// UTF-16 if the content type or a mark in front says so, else UTF-8.
fn text(media: &MediaType, body: &[u8]) -> Result<String, Unreadable> {
    let encoding = match media.charset.as_deref() {
        Some("utf-16" | "utf-16le") => encoding_rs::UTF_16LE,
        _ => encoding_rs::UTF_8,
    };
    let (text, _, faulty) = encoding.decode(body);
    if faulty { Err(Unreadable::body("The body is not in its character encoding.")) } else { Ok(text.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(values: [Option<&str>; 4]) -> Members {
        Members { values: values.map(|value| value.map(str::to_owned)) }
    }

    #[test]
    fn lengths_count_in_the_units_of_the_original() {
        let right = members([Some("跑者𝟙"), Some("p"), Some("13800138000"), Some("123456")]);
        assert_eq!(right.checked().unwrap()[0], "跑者𝟙");
        let twenty = "𝟙".repeat(10);
        let (many, code) = (format!("{twenty}x"), "1".repeat(7));
        assert!(members([Some(&twenty), Some("p"), Some("1"), Some("1")]).checked().is_ok());
        let faults = members([Some(&many), None, Some(" \t"), Some(&code)]).checked().unwrap_err();
        let faults: Vec<String> = faults.into_iter().map(|(key, text)| format!("{key}: {text}")).collect();
        insta::assert_snapshot!(faults.join("\n"), @r"
        parm.username: The field username must be a string or array type with a maximum length of '20'.
        parm.password: The password field is required.
        parm.mobile: The mobile field is required.
        parm.verifycode: The field verifycode must be a string or array type with a maximum length of '6'.
        ");
    }

    #[test]
    fn a_mobile_number_is_folded_before_it_is_judged() {
        let mobile = |typed: &str| {
            let mut members = members([Some("a"), Some("p"), None, Some("123456")]);
            members.set(2, Some(typed.to_owned()));
            members.checked().map(|[_, _, mobile, _]| mobile)
        };
        for typed in ["13800138000", "+86 138 0013 8000", "86-13800138000", "１３８００１３８０００"] {
            assert_eq!(mobile(typed).as_deref(), Ok("13800138000"), "{typed}");
        }
        assert_eq!(mobile("------").as_deref(), Ok("------"), "what is no mobile number is left to the table of codes");
        assert!(mobile("+44 7911 123456").is_err(), "longer than 11");
    }

    #[test]
    fn utf_16_is_read_where_it_is_named_or_marked() {
        let json = "{\"username\":\"跑者\"}";
        let le: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(le.clone()).collect();
        let be = [0xfe, 0xff].into_iter().chain(json.encode_utf16().flat_map(u16::to_be_bytes)).collect::<Vec<u8>>();
        let media = |text: &str| MediaType::parse(text).unwrap();
        let expected = Ok(members([Some("跑者"), None, None, None]));
        for (kind, body) in [
            ("application/json; charset=utf-16", &le),
            ("application/json; charset=utf-16", &marked),
            ("application/json", &marked),
            ("application/json", &be),
            ("text/json; charset=utf-8", &json.as_bytes().to_vec()),
            ("text/json", &format!("\u{feff}{json}").into_bytes()),
            ("text/json; charset=unknown", &json.as_bytes().to_vec()),
        ] {
            assert_eq!(read(Format::Json, &media(kind), body), expected, "{kind}");
        }
        assert!(read(Format::Json, &media("text/json"), b"{\"username\":\"\xff\"}").is_err());
        assert!(read(Format::Json, &media("text/json; charset=utf-16"), b"{}x").is_err());
        assert_eq!(read(Format::Bson, &media("application/bson"), b""), Ok(Members::default()));
    }
}
