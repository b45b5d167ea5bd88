//! Parameters of a request: a JSON object or a form (`code[]=a&code[]=b`), over the query's. Unknown members are
//! ignored; a body that names a user is refused, because only the token says who calls.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use actors::error::DomainError;
use serde_json::{Map, Value};

use super::envelope::H5Error;
use crate::api::bodies;
use crate::byte_order_mark;

/// The largest body of a caller who is signed in.
pub const MAX_BYTES: usize = 1024 * 1024;
pub const NOT_POSITIVE: &str = "必须是正整数";
const NAMES_A_USER: [&str; 3] = ["user_id", "userid", "uid"];

#[derive(Debug, Default, PartialEq)]
pub struct Params(Map<String, Value>);

impl Params {
    fn read(query: &str, body: &[u8]) -> Result<Self, DomainError> {
        let mut params = form(query.as_bytes())?;
        let body = members(body)?;
        if NAMES_A_USER.iter().any(|name| body.contains_key(*name)) {
            return Err(DomainError::Malformed("参数中包含有非法的参数名".into()));
        }
        params.extend(body);
        Ok(Self(params))
    }

    /// A text, or a number as its text. `None`: missing, null, empty or blank.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, DomainError> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(DomainError::field(name, "格式不正确")),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A positive whole number. `None` as for `text`.
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, DomainError> {
        self.text(name)?.map(|text| positive(&text).ok_or_else(|| DomainError::field(name, NOT_POSITIVE))).transpose()
    }

    /// A positive whole number that must be there.
    pub fn required(&self, name: &'static str) -> Result<i64, DomainError> {
        self.number(name)?.ok_or_else(|| DomainError::field(name, NOT_POSITIVE))
    }

    /// The texts of a list, or `None` when the member is no list.
    pub fn list(&self, name: &'static str) -> Result<Option<Vec<String>>, DomainError> {
        let Some(Value::Array(items)) = self.0.get(name) else { return Ok(None) };
        let text = |item: &Value| match item {
            Value::String(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            _ => Err(DomainError::field(name, "格式不正确")),
        };
        items.iter().map(text).collect::<Result<_, _>>().map(Some)
    }
}

/// Digits only, 1..=i64::MAX.
pub fn positive(text: &str) -> Option<i64> {
    let digits = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

fn members(body: &[u8]) -> Result<Map<String, Value>, DomainError> {
    let text = std::str::from_utf8(byte_order_mark::without(body));
    let text = text.map_err(|_| DomainError::Malformed("请求主体不是UTF-8".into()))?.trim_start();
    // Clients send JSON under a form's content type and the other way round; the first character tells them apart.
    if text.starts_with(['{', '[', '"']) {
        serde_json::from_str(text).map_err(|_| DomainError::Malformed("请求主体不是JSON对象".into()))
    } else {
        form(text.as_bytes())
    }
}

fn form(text: &[u8]) -> Result<Map<String, Value>, DomainError> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(text).map_err(|_| DomainError::Malformed("请求参数无法解析".into()))?;
    let mut members = Map::new();
    for (name, value) in pairs {
        match name.strip_suffix("[]") {
            None => {
                members.insert(name, Value::String(value));
            }
            Some(list) => {
                let items = members.entry(list).or_insert_with(|| Value::Array(Vec::new()));
                match items {
                    Value::Array(items) => items.push(Value::String(value)),
                    _ => return Err(DomainError::Malformed("请求参数重复".into())),
                }
            }
        }
    }
    Ok(members)
}

impl FromRequest for Params {
    type Error = H5Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, H5Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let most = if bodies::is_caller_known(&request) { MAX_BYTES } else { bodies::OF_STRANGERS };
            let body = bodies::read(&request, payload, most).await.map_err(|error| match error {
                DomainError::Malformed(_) => DomainError::Malformed("请求主体无法读取".into()),
                other => other,
            })?;
            Ok(Self::read(request.query_string(), &body)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(query: &str, body: &str) -> Result<Value, DomainError> {
        Params::read(query, body.as_bytes()).map(|params| Value::Object(params.0))
    }

    #[test]
    fn json_forms_and_queries_are_one() {
        assert_eq!(read("", ""), Ok(json!({})));
        assert_eq!(read("page=1&_=17", "{\"size\": 3}"), Ok(json!({"page": "1", "_": "17", "size": 3})));
        assert_eq!(read("", "\u{feff} {\"size\": 3}"), Ok(json!({"size": 3})));
        assert_eq!(read("", "\u{feff}size=3"), Ok(json!({"size": "3"})));
        assert_eq!(read("a=query", "a=%E4%B8%AD+b&c="), Ok(json!({"a": "中 b", "c": ""})));
        assert_eq!(read("", "code[]=a&code%5B%5D=b&tags=1"), Ok(json!({"code": ["a", "b"], "tags": "1"})));
    }

    #[test]
    fn what_cannot_be_read_or_names_a_user_is_refused() {
        for body in [
            "{",
            "[1]",
            "\"text\"",
            "{\"a\":1}x",
            "{\"uid\":1}",
            "{\"user_id\":null}",
            "userid=3",
            "uid=",
            "uid[]=3",
            "a=1&a[]=2",
        ] {
            assert!(matches!(read("", body), Err(DomainError::Malformed(_))), "{body}");
        }
        let deep = "[".repeat(100_000);
        assert!(read("", &format!("{{\"a\":{deep}")).is_err());
        assert!(Params::read("", b"a=\xff").is_err());
        assert_eq!(read("uid=3", ""), Ok(json!({"uid": "3"})));
    }

    #[test]
    fn numbers_are_positive_and_whole() {
        let params = Params::read("", br#"{"a":7,"b":"7","c":"0","d":-1,"e":1.5,"f":"x","g":[7],"h":""}"#).unwrap();
        assert_eq!((params.number("a"), params.required("b")), (Ok(Some(7)), Ok(7)));
        for wrong in ["c", "d", "e", "f", "g"] {
            assert!(params.number(wrong).is_err(), "{wrong}");
        }
        assert_eq!(params.number("h"), Ok(None));
        assert!(params.required("h").is_err() && params.required("missing").is_err());
    }

    #[test]
    fn lists_hold_texts() {
        let params = Params::read("", br#"{"a":[" x ","y"],"b":"x","c":[1],"d":[""],"e":[]}"#).unwrap();
        assert_eq!(params.list("a"), Ok(Some(vec!["x".to_owned(), "y".to_owned()])));
        assert_eq!((params.list("b"), params.list("missing")), (Ok(None), Ok(None)));
        assert_eq!(params.list("e"), Ok(Some(Vec::new())));
        assert!(params.list("c").is_err() && params.list("d").is_err());
    }

    #[test]
    fn texts_are_trimmed_and_lists_are_not_texts() {
        let params = Params::read("", br#"{"a":" x ","b":7,"c":"  ","d":null,"e":[1],"f":true}"#).unwrap();
        assert_eq!(params.text("a"), Ok(Some("x".to_owned())));
        assert_eq!(params.text("b"), Ok(Some("7".to_owned())));
        for empty in ["c", "d", "missing"] {
            assert_eq!(params.text(empty), Ok(None), "{empty}");
        }
        for wrong in ["e", "f"] {
            assert!(params.text(wrong).is_err(), "{wrong}");
        }
    }
}
