//! JSON: one object, names in any case, unknown members ignored, the last of two wins; numbers count as their text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::members::{Members, NAMES, Unreadable, index};

/// An object's members in their order, or null.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Object;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Object, E> {
        Ok(Object(Vec::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Object(members))
    }
}

/// Errors: what is no JSON, nests deeper than 128, or has a list or an object for a member.
pub fn read(text: &str) -> Result<Members, Unreadable> {
    let Object(pairs) = serde_json::from_str(text).map_err(Unreadable::body)?;
    let mut members = Members::default();
    for (name, value) in pairs {
        let Some(at) = index(&name) else { continue };
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Array(_) | Value::Object(_) => {
                return Err(Unreadable::member(NAMES[at].0, "The value is not a string."));
            }
        };
        members.set(at, value);
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: [Option<&str>; 4]) -> Members {
        let mut members = Members::default();
        values.into_iter().enumerate().for_each(|(at, value)| members.set(at, value.map(str::to_owned)));
        members
    }

    #[test]
    fn members_in_any_order_and_case() {
        let all = of([Some("a"), Some("b"), Some("13800138000"), Some("true")]);
        let text =
            r#" {"VerifyCode":true,"x":[{"y":1}],"MOBILE":13800138000,"username":"z","password":"b","UserName":"a"} "#;
        assert_eq!(read(text), Ok(all));
        assert_eq!(read("null"), Ok(Members::default()));
        assert_eq!(read("{}"), Ok(Members::default()));
        assert_eq!(read(r#"{"username":"a","username":null}"#), Ok(Members::default()), "the last one wins");
    }

    #[test]
    fn everything_else_is_refused() {
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(30_000), "]".repeat(30_000));
        for text in ["", "{", "[]", "[{}]", "1", "\"text\"", "{}x", "{\"a\"}", "{'a':1}", "{\"x\":\"\u{1}\"}", &deep] {
            assert!(matches!(read(text), Err(Unreadable { member: None, .. })), "{}", &text[..text.len().min(40)]);
        }
        for text in [r#"{"mobile":[1]}"#, r#"{"Mobile":{}}"#] {
            assert!(matches!(read(text), Err(Unreadable { member: Some("mobile"), .. })), "{text}");
        }
    }
}
