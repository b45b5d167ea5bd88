//! A call behind its checks: parameters, application, sign, time. What is inside comes out as texts.

use actix_web::HttpRequest;
use actors::domain::caller_address::CallerAddress;
use actors::error::DomainError;
use serde_json::{Map, Value};

use super::{Body, params};
use crate::api::client_address::ClientAddress;
use crate::byte_order_mark;
use crate::context::Context;
use crate::service::sso::{self, Caller, Refusal};
use crate::sso_wire::cipher;

pub struct OpenCall {
    pub caller: Caller,
    pub address: CallerAddress,
    pub call: sso::Call,
    pub members: Members,
}

/// Opens a call; each check in the order in which the document lists them.
///
/// Errors: `TooLarge`, `Malformed`, `Missing`, those of the application, `BadSign`, `NoTimestamp`, `TimestampOff`.
pub async fn open(context: &Context, request: &HttpRequest, body: Body) -> Result<OpenCall, Refusal> {
    let common = params::read(request, body)?;
    let ClientAddress(address) = ClientAddress::of(request);
    let caller = sso::find_caller(context, common.app_id, &common.app_key, address).await?;
    let plain = cipher::open(&caller.pair, &common.code, &common.sign).ok_or(Refusal::BadSign)?;
    let members = Members::read(&plain);
    let timestamp = members.timestamp().ok_or(Refusal::NoTimestamp)?;
    sso::check_time(context, timestamp)?;
    Ok(OpenCall { caller, address, call: sso::Call { sign: common.sign, timestamp }, members })
}

/// The members of the sealed JSON. Numbers are as good as their texts.
pub struct Members(Map<String, Value>);

impl Members {
    /// What is no object has no members.
    fn read(plain: &[u8]) -> Self {
        Self(serde_json::from_slice(byte_order_mark::without(plain)).unwrap_or_default())
    }

    fn timestamp(&self) -> Option<i64> {
        match self.0.get("timestamp")? {
            Value::String(text) => params::positive(text),
            Value::Number(number) => number.as_i64().filter(|number| *number > 0),
            _ => None,
        }
    }

    /// `None`: missing, null, empty, or the empty list that the original writes for nothing.
    ///
    /// Errors: `InvalidField` for what is no text and no number.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, DomainError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Array(items)) if items.is_empty() => Ok(None),
            Some(_) => Err(DomainError::field(name, format!("{name} 必须是字符串"))),
        }
    }

    /// As `text`; an object or a list comes as its JSON.
    ///
    /// Errors: `InvalidField` for true and false.
    pub fn document(&self, name: &'static str) -> Result<Option<String>, DomainError> {
        match self.0.get(name) {
            Some(Value::Object(members)) if members.is_empty() => Ok(None),
            Some(value @ Value::Object(_)) => Ok(Some(value.to_string())),
            Some(value @ Value::Array(items)) if !items.is_empty() => Ok(Some(value.to_string())),
            _ => self.text(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_texts_whatever_they_were() {
        let members = Members::read(
            r#"{"a":"x","b":7,"c":"","d":null,"e":[],"f":[1],"g":{"k":"值/"},"h":true,"i":{}}"#.as_bytes(),
        );
        for (name, text) in [("a", Some("x")), ("b", Some("7")), ("c", None), ("d", None), ("e", None), ("z", None)] {
            assert_eq!(members.text(name), Ok(text.map(str::to_owned)), "{name}");
            assert_eq!(members.document(name), members.text(name), "{name}");
        }
        for (name, text) in [("f", Some("[1]")), ("g", Some("{\"k\":\"值/\"}")), ("i", None)] {
            assert!(members.text(name).is_err());
            assert_eq!(members.document(name), Ok(text.map(str::to_owned)), "{name}");
        }
        assert!(members.document("h").is_err());
    }

    #[test]
    fn a_timestamp_is_a_positive_number_or_its_text() {
        let of = |json: &str| Members::read(json.as_bytes()).timestamp();
        for json in [r#"{"timestamp":17}"#, r#"{"timestamp":"17"}"#, "\u{feff}{\"timestamp\":17}"] {
            assert_eq!(of(json), Some(17));
        }
        let deep = "[".repeat(10_000);
        for json in [
            "",
            "17",
            "[17]",
            "{",
            "{}",
            r#"{"timestamp":0}"#,
            r#"{"timestamp":-1}"#,
            r#"{"timestamp":1.5}"#,
            r#"{"timestamp":"now"}"#,
            r#"{"timestamp":[17]}"#,
            r#"{"timestamp":1e99}"#,
            &deep,
        ] {
            assert_eq!(of(json), None, "{json:.40}");
        }
        assert_eq!(Members::read(b"\xff{}").timestamp(), None);
    }
}
