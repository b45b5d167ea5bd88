//! Reading a command's members: numbers or digit strings for ids and enumerations, errors that name the member.

use actors::domain::ids::{CompetitionId, GameId};
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity, Result};
use serde_json::{Map, Value};

/// A text; absent or null is `None`.
pub(super) fn optional_text<'a>(members: &'a Map<String, Value>, name: &str, path: &str) -> Result<Option<&'a str>> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(DomainError::field(format!("{path}{name}"), "must be a string")),
    }
}

/// A whole number, or a string of digits; absent or null is `None`.
pub(super) fn optional_int(members: &Map<String, Value>, name: &str, path: &str) -> Result<Option<i64>> {
    let number = match members.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if well_formed { text.parse().ok() } else { None }
        }
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| DomainError::field(format!("{path}{name}"), "must be a whole number"))
}

pub(super) fn int(members: &Map<String, Value>, name: &str, path: &str) -> Result<i64> {
    optional_int(members, name, path)?.ok_or_else(|| DomainError::field(format!("{path}{name}"), "is required"))
}

/// A member that is there and not null.
pub(super) fn present<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// The 22 digits of an order number, which only a string can hold. Errors: `MalformedOrderNo`.
pub(super) fn order_no(members: &Map<String, Value>) -> Result<OrderNo> {
    let text = members.get("order_no").and_then(Value::as_str);
    text.and_then(OrderNo::parse).ok_or(DomainError::MalformedOrderNo)
}

/// The digits of an id. Anything that cannot name a row is `None`: an ill-formed id counts as unknown.
pub(super) fn id(members: &Map<String, Value>, name: &str) -> Option<String> {
    match members.get(name)? {
        Value::Number(number) => number.as_i64().map(|number| number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

pub(super) fn game_id(members: &Map<String, Value>) -> Result<GameId> {
    id(members, "game_id").and_then(|digits| GameId::parse(&digits)).ok_or(DomainError::NotFound(Entity::Game))
}

pub(super) fn party_id(members: &Map<String, Value>) -> Result<CompetitionId> {
    id(members, "party_id")
        .and_then(|digits| CompetitionId::parse(&digits))
        .ok_or(DomainError::NotFound(Entity::Competition))
}

/// `user_id` if it was given; `Err` when it cannot name an account.
pub(super) fn user_id(members: &Map<String, Value>) -> Result<Option<String>> {
    match members.get("user_id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(_) => id(members, "user_id")
            .map(Some)
            .ok_or_else(|| DomainError::field("user_id", "must be a number or a string of digits")),
    }
}
