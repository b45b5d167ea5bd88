//! A body → the command's name and members. Stricter than JSON: a member that comes twice is refused, because two
//! readers of such a body need not agree on it.

use std::fmt;

use actors::domain::registration::PlayerDraft;
use actors::error::{DomainError, Result};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{codes, player};
use crate::byte_order_mark;

/// The name of a command and all its members, the name among them. A byte order mark is passed over.
///
/// Errors: `Malformed` for what is not a JSON object or nests deeper than 128 levels, `InvalidField` of `cmd` when the
/// name is missing.
pub fn command(body: &[u8]) -> Result<(String, Map<String, Value>)> {
    let malformed = |error: serde_json::Error| DomainError::Malformed(error.to_string().into());
    let mut reader = serde_json::Deserializer::from_slice(byte_order_mark::without(body));
    let value = Strict.deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    let Value::Object(members) = value else {
        return Err(DomainError::Malformed("not an object".into()));
    };
    match members.get("cmd") {
        Some(Value::String(name)) if !name.is_empty() => Ok((name.clone(), members)),
        _ => Err(codes::no_command()),
    }
}

/// The players of a command, not checked yet.
///
/// Errors: `InvalidField` naming the member of the wrong type; there must be 1 to 100.
pub fn players(members: &Map<String, Value>) -> Result<Vec<PlayerDraft>> {
    player::drafts(members)
}

/// Reads any JSON value and refuses objects with two members of one name.
#[derive(Clone, Copy)]
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> std::result::Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> std::result::Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self)?;
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("member {name:?} comes twice")));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn good_json_is_read_as_serde_json_reads_it() {
        let body =
            json!({"cmd": "x", "a": [null, true, -1, 18446744073709551615_u64, 1.5, "\u{0}\n中", {"b": {}}], "": []});
        let (name, members) = command(body.to_string().as_bytes()).unwrap();
        assert_eq!((name.as_str(), Value::Object(members)), ("x", body));
    }

    #[test]
    fn what_is_not_one_object_with_a_name_is_refused() {
        let deep = format!(r#"{{"cmd":"x","a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        for body in [
            "",
            "[]",
            "{}x",
            "{} {}",
            r#"{"cmd":"x","cmd":"x"}"#,
            r#"{"cmd":"x","a":{"b":1,"b":1}}"#,
            r#"{"cmd":"x","a":[{"b":1,"\u0062":2}]}"#,
            r#"{"cmd":"x","a":1e400}"#,
            r#"{"cmd":"x","a":NaN}"#,
            &deep,
        ] {
            assert!(matches!(command(body.as_bytes()), Err(DomainError::Malformed(_))), "{body}");
        }
        assert!(command(b"{\"cmd\":\"\xff\"}").is_err());
        for body in ["{}", r#"{"cmd":null}"#, r#"{"cmd":""}"#, r#"{"cmd":["x"]}"#] {
            assert_eq!(command(body.as_bytes()), Err(codes::no_command()), "{body}");
        }
    }
}
