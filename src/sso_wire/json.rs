//! JSON as the original writes it: every scalar a text, slashes escaped, letters of any script as they are, and
//! parentheses and back-ticks as numeric entities of HTML.

use std::fmt::Write;

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    /// Written as a text of digits.
    Whole(i64),
    /// `"1"`, or an empty text.
    Flag(bool),
    /// An empty text.
    Nothing,
    /// A number without quotes, which the document shows in one place.
    Bare(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// An object with its members in this order; `[]` without any.
pub fn object(members: &[(&str, Value)]) -> String {
    if members.is_empty() {
        return "[]".to_owned();
    }
    let mut json = String::from("{");
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        quote(&mut json, name);
        json.push(':');
        match value {
            Value::Text(text) => quote(&mut json, &entities(text)),
            Value::Whole(number) => quote(&mut json, &number.to_string()),
            Value::Flag(true) => quote(&mut json, "1"),
            Value::Flag(false) | Value::Nothing => quote(&mut json, ""),
            Value::Bare(number) => json.push_str(&number.to_string()),
        }
    }
    json.push('}');
    json
}

fn entities(text: &str) -> String {
    text.replace('(', "&#40;").replace(')', "&#41;").replace('`', "&#96;")
}

fn quote(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '/' => json.push_str("\\/"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            // The last two end a line of JavaScript, so the original escapes them in spite of leaving letters alone.
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                // Writing into a text cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(letter));
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_object_without_members_is_a_list() {
        assert_eq!(object(&[]), "[]");
        assert_eq!(object(&[("a", Value::Bare(7)), ("b", Value::Whole(-7))]), r#"{"a":7,"b":"-7"}"#);
    }

    proptest! {
        #[test]
        fn any_text_is_read_again(text in any::<String>()) {
            let json: serde_json::Value = serde_json::from_str(&object(&[("a", Value::Text(text.clone()))])).unwrap();
            prop_assert_eq!(json["a"].as_str().unwrap(), entities(&text));
        }
    }
}
