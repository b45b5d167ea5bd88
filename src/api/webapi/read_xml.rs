//! XML as DataContractSerializer reads it, but members may come in any order. A DTD, an entity of its own, a root of
//! another name or namespace, and a member that comes twice are refused; elements that nobody knows are passed over.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::members::{Members, NAMES, Unreadable};

const ROOT: &str = "PersonalMemberRegistParm";
const NAMESPACE: &str = "http://schemas.datacontract.org/2004/07/DigitalScience.DataTransfer.Tour.V5.Parm.WebInterface";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Deepest nesting, also of elements that are passed over.
const DEEPEST: usize = 32;
const MOST_ELEMENTS: usize = 1_000;
/// Attributes of one element, namespaces included.
const MOST_ATTRIBUTES: usize = 64;

/// Where the reader stands.
enum Place {
    BeforeRoot,
    InRoot,
    InMember {
        at: usize,
        value: String,
        nil: bool,
    },
    /// So many elements below the root.
    Unknown(usize),
    AfterRoot,
}

type Reading<T> = Result<T, Unreadable>;

fn refused<T>(reason: &str) -> Reading<T> {
    Err(Unreadable::body(reason))
}

/// What is wrong in words for the document's author; those of the library may be for ours.
fn unreadable(error: quick_xml::Error) -> Unreadable {
    match error {
        quick_xml::Error::IllFormed(_) | quick_xml::Error::Syntax(_) => Unreadable::body(error),
        quick_xml::Error::Namespace(_) => Unreadable::body("The document's namespaces are too many or not allowed."),
        quick_xml::Error::InvalidAttr(_) => Unreadable::body("The attributes of an element are invalid."),
        _ => Unreadable::body("The document cannot be read."),
    }
}

/// Errors: what is no such document.
pub fn read(text: &str) -> Reading<Members> {
    let mut reader = NsReader::from_str(text);
    let mut members = Members::default();
    let mut seen = [false; NAMES.len()];
    let mut place = Place::BeforeRoot;
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(unreadable)?;
        if let Event::Start(tag) | Event::Empty(tag) = &event {
            elements += 1;
            if elements > MOST_ELEMENTS || tag.attributes_raw().matches('=').count() > MOST_ATTRIBUTES {
                return refused("The document has too many elements or attributes.");
            }
        }
        place = match (place, event) {
            (_, Event::DocType(_)) => return refused("For security reasons DTD is prohibited in this XML document."),
            (place, Event::Comment(_) | Event::PI(_)) => place,
            (Place::BeforeRoot, Event::Decl(_)) => Place::BeforeRoot,
            (place @ (Place::BeforeRoot | Place::AfterRoot | Place::InRoot), Event::Text(text))
                if text.bytes().all(|byte| byte.is_ascii_whitespace()) =>
            {
                place
            }
            (Place::BeforeRoot, Event::Start(tag)) => {
                check_root(&reader, &tag)?;
                Place::InRoot
            }
            (Place::BeforeRoot, Event::Empty(tag)) => {
                check_root(&reader, &tag)?;
                Place::AfterRoot
            }
            (Place::InRoot, Event::Start(tag)) => match member(&reader, &tag, &mut seen)? {
                Some((at, nil)) => Place::InMember { at, value: String::new(), nil },
                None => Place::Unknown(1),
            },
            (Place::InRoot, Event::Empty(tag)) => {
                if let Some((at, nil)) = member(&reader, &tag, &mut seen)? {
                    members.set(at, (!nil).then(String::new));
                }
                Place::InRoot
            }
            (Place::InRoot, Event::End(_)) => Place::AfterRoot,
            (Place::InMember { at, mut value, nil }, Event::Text(text)) => {
                value.push_str(&text.xml10_content());
                Place::InMember { at, value, nil }
            }
            (Place::InMember { at, mut value, nil }, Event::CData(text)) => {
                value.push_str(&text.xml10_content());
                Place::InMember { at, value, nil }
            }
            (Place::InMember { at, mut value, nil }, Event::GeneralRef(reference)) => {
                value.push(character(&reference)?);
                Place::InMember { at, value, nil }
            }
            (Place::InMember { at, value, nil }, Event::End(_)) => {
                members.set(at, (!nil).then_some(value));
                Place::InRoot
            }
            (Place::InMember { at, .. }, Event::Start(_) | Event::Empty(_)) => {
                return Err(Unreadable::member(NAMES[at].0, "The element has elements in place of a text."));
            }
            (Place::Unknown(depth), Event::Start(_)) if depth < DEEPEST => Place::Unknown(depth + 1),
            (Place::Unknown(_), Event::Start(_)) => return refused("The document nests too deep."),
            (Place::Unknown(1), Event::End(_)) => Place::InRoot,
            (Place::Unknown(depth), Event::End(_)) => Place::Unknown(depth - 1),
            (Place::Unknown(depth), Event::GeneralRef(reference)) => {
                character(&reference)?;
                Place::Unknown(depth)
            }
            (Place::Unknown(depth), Event::Text(_) | Event::CData(_) | Event::Empty(_)) => Place::Unknown(depth),
            (Place::AfterRoot, Event::Eof) => return Ok(members),
            (_, Event::Eof) => return refused("Unexpected end of file."),
            _ => return refused("Data at this place of the document is invalid."),
        };
    }
}

fn check_root(reader: &NsReader<&[u8]>, tag: &BytesStart<'_>) -> Reading<()> {
    let (namespace, name) = reader.resolver().resolve_element(tag.name());
    if name.as_ref() == ROOT && namespace == ResolveResult::Bound(Namespace(NAMESPACE)) {
        return Ok(());
    }
    Err(Unreadable::body(format!("Expecting element '{ROOT}' from namespace '{NAMESPACE}'.")))
}

/// Which member an element is, and whether it is nil. `None`: an unknown one.
fn member(
    reader: &NsReader<&[u8]>,
    tag: &BytesStart<'_>,
    seen: &mut [bool; NAMES.len()],
) -> Reading<Option<(usize, bool)>> {
    let (namespace, name) = reader.resolver().resolve_element(tag.name());
    let known = NAMES.iter().position(|(known, _)| *known == name.as_ref());
    let at = match (namespace, known) {
        (ResolveResult::Unknown(_), _) => return refused("A prefix is bound to no namespace."),
        (ResolveResult::Bound(Namespace(NAMESPACE)), Some(at)) => at,
        _ => return Ok(None),
    };
    if std::mem::replace(&mut seen[at], true) {
        return Err(Unreadable::member(NAMES[at].0, "The element comes twice."));
    }
    let mut nil = false;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| unreadable(error.into()))?;
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        if namespace == ResolveResult::Bound(Namespace(INSTANCE)) && name.as_ref() == "nil" {
            nil = matches!(attribute.value.trim(), "true" | "1");
        }
    }
    Ok(Some((at, nil)))
}

fn character(reference: &BytesRef<'_>) -> Reading<char> {
    if reference.is_char_ref() {
        let letter = reference.resolve_char_ref().ok().flatten();
        let fit = |it: &char| !it.is_control() || matches!(it, '\t' | '\n' | '\r');
        return letter.filter(fit).map_or_else(|| refused("A character is not allowed."), Ok);
    }
    match reference.xml10_content().as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => refused("Reference to an undeclared entity."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: [Option<&str>; 4]) -> Members {
        let mut members = Members::default();
        values.into_iter().enumerate().for_each(|(at, value)| members.set(at, value.map(str::to_owned)));
        members
    }

    fn document(inner: &str) -> String {
        format!("<{ROOT} xmlns:i=\"{INSTANCE}\" xmlns=\"{NAMESPACE}\">{inner}</{ROOT}>")
    }

    #[test]
    fn members_in_any_order_and_spelling_of_namespaces() {
        let all = of([Some("跑者&<"), Some("p"), Some("13800138000"), None]);
        let prefixed = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c --><?pi x?>\n<d:{ROOT} xmlns:d='{NAMESPACE}' \
             xmlns:n='{INSTANCE}'>\n <d:username>跑<![CDATA[者&]]>&lt;</d:username><d:password>p</d:password>\n\
             <d:mobile>138&#48;0138&#x30;00</d:mobile><d:verifycode n:nil=' true '>x</d:verifycode></d:{ROOT}>\n"
        );
        assert_eq!(read(prefixed.trim_start_matches('\u{feff}')), Ok(all.clone()));
        let inner = "<verifycode i:nil=\"1\"/><username>跑者&amp;&lt;</username><x><y><username>z</username></y></x>\
                     <o:password xmlns:o=\"urn:other\">other</o:password><mobile>13800138000</mobile><password>p</password>";
        assert_eq!(read(&document(inner)), Ok(all));
        assert_eq!(read(&document("<username/><USERNAME>x</USERNAME>")), Ok(of([Some(""), None, None, None])));
        assert_eq!(read(&format!("<{ROOT} xmlns=\"{NAMESPACE}\"/>")), Ok(Members::default()));
    }

    #[test]
    fn everything_else_is_refused() {
        let deep = document(&format!("{}{}", "<x>".repeat(40), "</x>".repeat(40)));
        let many = document(&"<x/>".repeat(1_001));
        let wide = document(&format!("<x {}/>", (0..65).map(|n| format!("a{n}=\"\" ")).collect::<String>()));
        let bomb = format!(
            "<!DOCTYPE {ROOT} [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>{}",
            document("<username>&b;</username>")
        );
        let external = format!(
            "<!DOCTYPE {ROOT} [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{}",
            document("<username>&e;</username>")
        );
        for text in [
            "",
            "text",
            "<a>",
            &format!("<{ROOT}><username>a</username></{ROOT}>"),
            &format!("<{ROOT} xmlns=\"{NAMESPACE}/\"/>"),
            &format!("<Other xmlns=\"{NAMESPACE}\"/>"),
            &format!("{}x", document("")),
            &format!("{}{}", document(""), document("")),
            &format!("<{ROOT} xmlns=\"{NAMESPACE}\">"),
            &document("text"),
            &document("<username>a</password>"),
            &document("<username>&e;</username>"),
            &document("<username>&#0;</username>"),
            &document("<x>&e;</x>"),
            &document("<q:x/>"),
            &document("<username i:nil=\"true\" i:nil=\"false\"/>"),
            &document("<?xml version=\"1.0\"?>"),
            &deep,
            &many,
            &wide,
            &bomb,
            &external,
        ] {
            assert!(matches!(read(text), Err(Unreadable { member: None, .. })), "{}", &text[..text.len().min(200)]);
        }
        for inner in ["<mobile><x/></mobile>", "<mobile>1<x>2</x></mobile>", "<mobile>1</mobile><mobile>1</mobile>"] {
            let refused = read(&document(inner));
            assert!(matches!(refused, Err(Unreadable { member: Some("mobile"), .. })), "{inner}");
        }
    }
}
