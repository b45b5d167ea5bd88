//! BSON: one document, names in any case, unknown members ignored, the last of two wins; numbers count as their text.

use bson::raw::{RawBsonRef, RawDocument};

use super::members::{Members, NAMES, Unreadable, index};

/// Deepest nesting, also of members that nobody asked for.
const DEEPEST: usize = 32;

/// In words for the document's author; those of the library are for ours.
fn unreadable(_: bson::error::Error) -> Unreadable {
    Unreadable::body("The body is no BSON document.")
}

/// Errors: bytes that are no document, or nest too deep; a member that is a document, a list or anything else that is
/// no text.
pub fn read(body: &[u8]) -> Result<Members, Unreadable> {
    let document = RawDocument::from_bytes(body).map_err(unreadable)?;
    let mut members = Members::default();
    for element in document.iter() {
        let (name, value) = element.map_err(unreadable)?;
        sound(&value, 1)?;
        let Some(at) = index(name.as_str()) else { continue };
        let value = match value {
            RawBsonRef::Null | RawBsonRef::Undefined => None,
            RawBsonRef::String(text) | RawBsonRef::Symbol(text) => Some(text.to_owned()),
            RawBsonRef::Int32(number) => Some(number.to_string()),
            RawBsonRef::Int64(number) => Some(number.to_string()),
            RawBsonRef::Double(number) => Some(number.to_string()),
            RawBsonRef::Boolean(truth) => Some(truth.to_string()),
            _ => return Err(Unreadable::member(NAMES[at].0, "The value is not a string.")),
        };
        members.set(at, value);
    }
    Ok(members)
}

/// Looks through what nests, to `DEEPEST`.
fn sound(value: &RawBsonRef<'_>, depth: usize) -> Result<(), Unreadable> {
    let inner = match value {
        RawBsonRef::Document(inner) => *inner,
        RawBsonRef::Array(inner) => RawDocument::from_bytes(inner.as_bytes()).map_err(unreadable)?,
        _ => return Ok(()),
    };
    if depth >= DEEPEST {
        return Err(Unreadable::body("The document nests too deep."));
    }
    for element in inner.iter() {
        let (_, value) = element.map_err(unreadable)?;
        sound(&value, depth + 1)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bson::{Bson, Document, doc};

    use super::*;

    fn of(values: [Option<&str>; 4]) -> Members {
        let mut members = Members::default();
        values.into_iter().enumerate().for_each(|(at, value)| members.set(at, value.map(str::to_owned)));
        members
    }

    fn bytes(document: &Document) -> Vec<u8> {
        document.to_vec().unwrap()
    }

    fn nested(levels: usize) -> Document {
        (0..levels).fold(doc! {}, |inner, level| {
            if level % 2 == 0 {
                doc! {"x": [inner]}
            } else {
                doc! {"x": inner}
            }
        })
    }

    #[test]
    fn members_in_any_order_case_and_type() {
        let sent = doc! {"VERIFYCODE": 123456, "x": {"y": [1, {"z": 2}]}, "mobile": 13_800_138_000_i64,
        "UserName": "跑者", "password": Bson::Null, "verifycode": true};
        assert_eq!(read(&bytes(&sent)), Ok(of([Some("跑者"), None, Some("13800138000"), Some("true")])));
        assert_eq!(read(&bytes(&doc! {"Value": [1, 2]})), Ok(Members::default()), "how a list is wrapped");
        assert_eq!(read(&bytes(&doc! {})), Ok(Members::default()));
    }

    #[test]
    fn everything_else_is_refused() {
        let right = bytes(&doc! {"username": "a"});
        let mut long = right.clone();
        long.push(0);
        let mut bad_text = right.clone();
        let at = bad_text.len() - 3;
        bad_text[at] = 0xff;
        for body in [&b"x"[..], b"{}", &right[..right.len() - 1], &long, &bad_text, &[5, 0, 0, 0, 1]] {
            assert!(matches!(read(body), Err(Unreadable { member: None, .. })), "{body:?}");
        }
        for value in [Bson::Document(doc! {}), Bson::Array(vec![]), Bson::MaxKey] {
            let refused = read(&bytes(&doc! {"Mobile": value}));
            assert!(matches!(refused, Err(Unreadable { member: Some("mobile"), .. })));
        }
        assert!(read(&bytes(&nested(10))).is_ok());
        assert!(read(&bytes(&nested(40))).is_err());
    }
}
