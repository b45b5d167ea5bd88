//! The flat XML of WeChat payment: `<xml>` with members that hold only text. Anything else (a DTD, an entity of its
//! own, nesting, attributes, a second member of the same name, too much of it) is refused, not ignored.

use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::sign::Fields;
use crate::byte_order_mark;

/// Real notices have about 20 members and under 2 KiB.
const MAX_BYTES: usize = 64 * 1024;
const MAX_MEMBERS: usize = 64;
const MAX_NAME_BYTES: usize = 64;
const ROOT: &str = "xml";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct XmlRefused(&'static str);

type Refusal<T> = Result<T, XmlRefused>;

/// Where the reader stands.
enum Place {
    BeforeRoot,
    InRoot,
    InMember { name: String, value: String },
    AfterRoot,
}

/// Errors: whatever is not the flat form, with a reason.
pub fn parse(raw: &[u8]) -> Refusal<Fields> {
    parse_root(raw, ROOT)
}

/// As `parse`, of a text whose root has another name.
pub(super) fn parse_root(raw: &[u8], root: &str) -> Refusal<Fields> {
    if raw.len() > MAX_BYTES {
        return Err(XmlRefused("XML over 64 KiB"));
    }
    let text = std::str::from_utf8(byte_order_mark::without(raw)).map_err(|_| XmlRefused("XML is not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    let mut fields = Fields::new();
    let mut place = Place::BeforeRoot;
    loop {
        let event = reader.read_event().map_err(|_| XmlRefused("XML is not well formed"))?;
        place = match (place, event) {
            (Place::BeforeRoot, Event::Decl(_)) => Place::BeforeRoot,
            (Place::BeforeRoot, Event::Text(text)) if is_blank(&text) => Place::BeforeRoot,
            (Place::BeforeRoot, Event::Start(tag)) => {
                check_tag(&tag)?;
                if tag.name().as_ref() != root {
                    return Err(XmlRefused("the root has another name"));
                }
                Place::InRoot
            }
            (Place::InRoot, Event::Text(text)) if is_blank(&text) => Place::InRoot,
            (Place::InRoot, Event::Start(tag)) => {
                check_tag(&tag)?;
                Place::InMember { name: tag.name().as_ref().to_owned(), value: String::new() }
            }
            (Place::InRoot, Event::Empty(tag)) => {
                check_tag(&tag)?;
                keep(&mut fields, tag.name().as_ref().to_owned(), String::new())?;
                Place::InRoot
            }
            (Place::InRoot, Event::End(_)) => Place::AfterRoot,
            (Place::InMember { name, mut value }, Event::Text(text)) => {
                value.push_str(&text.xml10_content());
                Place::InMember { name, value }
            }
            (Place::InMember { name, mut value }, Event::CData(text)) => {
                value.push_str(&text.xml10_content());
                Place::InMember { name, value }
            }
            (Place::InMember { name, mut value }, Event::GeneralRef(reference)) => {
                value.push(character(&reference)?);
                Place::InMember { name, value }
            }
            (Place::InMember { name, value }, Event::End(_)) => {
                keep(&mut fields, name, value)?;
                Place::InRoot
            }
            (Place::AfterRoot, Event::Text(text)) if is_blank(&text) => Place::AfterRoot,
            (Place::AfterRoot, Event::Eof) => return Ok(fields),
            (_, Event::DocType(_)) => return Err(XmlRefused("a DTD is not taken")),
            (_, Event::Eof) => return Err(XmlRefused("XML ends too early")),
            _ => return Err(XmlRefused("XML is not a flat list of members")),
        };
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace())
}

fn check_tag(tag: &quick_xml::events::BytesStart<'_>) -> Refusal<()> {
    if tag.name().as_ref().len() > MAX_NAME_BYTES {
        return Err(XmlRefused("a member's name is too long"));
    }
    // The reader takes `<a//>` for an element of the name `a/`.
    if !tag.name().as_ref().chars().all(|letter| letter.is_alphanumeric() || "_-.:".contains(letter)) {
        return Err(XmlRefused("a member's name is none"));
    }
    if !is_blank(tag.attributes_raw()) {
        return Err(XmlRefused("attributes are not taken"));
    }
    Ok(())
}

/// Two members of one name would let the signature cover one and the reader use the other.
fn keep(fields: &mut Fields, name: String, value: String) -> Refusal<()> {
    if fields.len() >= MAX_MEMBERS {
        return Err(XmlRefused("too many members"));
    }
    match fields.insert(name, value) {
        None => Ok(()),
        Some(_) => Err(XmlRefused("a member comes twice")),
    }
}

fn character(reference: &BytesRef<'_>) -> Refusal<char> {
    let unknown = XmlRefused("an unknown entity");
    if reference.is_char_ref() {
        return reference
            .resolve_char_ref()
            .ok()
            .flatten()
            .filter(|it| !it.is_control() || matches!(it, '\t' | '\n' | '\r'))
            .ok_or(unknown);
    }
    match reference.xml10_content().as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(unknown),
    }
}

/// `<xml>` with each member in CDATA. Names are ours and need no escape.
pub fn write<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let mut out = format!("<{ROOT}>");
    for (name, value) in fields {
        // "]]>" ends a CDATA section, so it is divided between two; a carriage return would be read as a line feed.
        let value = value.replace("]]>", "]]]]><![CDATA[>").replace('\r', "]]>&#13;<![CDATA[");
        // Writing to a String cannot fail.
        let _ = write!(out, "<{name}><![CDATA[{value}]]></{name}>");
    }
    let _ = write!(out, "</{ROOT}>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Fields {
        Fields::from([("a".to_owned(), value.to_owned())])
    }

    #[test]
    fn reads_the_documented_notice() {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../../tests/vectors/wechat.json")).unwrap();
        for vector in file["vectors"]["v2_notify"].as_array().unwrap() {
            let right: Fields = serde_json::from_value(vector["fields"].clone()).unwrap();
            assert_eq!(parse(vector["xml"].as_str().unwrap().as_bytes()), Ok(right.clone()));
            let ok = [("return_code", "SUCCESS"), ("return_msg", "OK")];
            assert_eq!(write(ok), vector["reply_ok"].as_str().unwrap());
        }
    }

    #[test]
    fn text_cdata_and_references_are_one_value() {
        for (xml, value) in [
            ("<xml><a>1</a></xml>", "1"),
            ("<?xml version=\"1.0\"?>\n<xml>\n <a>x<![CDATA[<&>]]>y</a>\n</xml>\n", "x<&>y"),
            ("<xml><a>&lt;&amp;&gt;&quot;&apos;&#65;&#x4e2d;</a></xml>", "<&>\"'A中"),
            ("\u{feff}<xml><a>1</a></xml>", "1"),
            ("<xml><a/></xml>", ""),
            ("<xml><a></a></xml>", ""),
        ] {
            assert_eq!(parse(xml.as_bytes()), Ok(one(value)), "{xml}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in ["", "plain", "a\r\nb\r", "]]>", "a]]>b]]>]]", "<&>\"'", "中文"] {
            assert_eq!(parse(write([("a", value)]).as_bytes()), Ok(one(value)), "{value}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let many: String = (0..65).map(|n| format!("<m{n}>1</m{n}>")).collect();
        let many = format!("<xml>{many}</xml>");
        let deep = format!("{}{}", "<xml>".repeat(5_000), "</xml>".repeat(5_000));
        let huge = format!("<xml><a>{}</a></xml>", "x".repeat(MAX_BYTES));
        let long_name = format!("<xml><{0}>1</{0}></xml>", "n".repeat(65));
        for xml in [
            "",
            "text",
            "<xml>",
            "<xml><a>1</a>",
            "<xml><a//></xml>",
            "<xml><a>1</xml>",
            "<xml><a>1</b></xml>",
            "<other><a>1</a></other>",
            "<xml/>",
            "<xml></xml><xml></xml>",
            "<xml><a>1</a></xml>tail",
            "<xml><a><b>1</b></a></xml>",
            "<xml><a>1</a><a>2</a></xml>",
            "<xml><a x=\"1\">1</a></xml>",
            "<xml><!-- c --><a>1</a></xml>",
            "<xml><?pi?><a>1</a></xml>",
            "<xml><a>&other;</a></xml>",
            "<xml><a>&#0;</a></xml>",
            "<xml><a>&#xD800;</a></xml>",
            "<!DOCTYPE xml><xml><a>1</a></xml>",
            "<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml><a>&e;</a></xml>",
            "<!DOCTYPE xml [<!ENTITY b \"bbbb\">]><xml><a>&b;&b;</a></xml>",
            &many,
            &deep,
            &huge,
            &long_name,
        ] {
            assert!(parse(xml.as_bytes()).is_err(), "{}", &xml[..xml.len().min(80)]);
        }
        assert!(parse(b"<xml><a>\xff</a></xml>").is_err());
    }
}
