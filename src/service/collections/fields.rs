//! From JSON to a stored cell and back, by the kind of its column.

use actors::domain::game::beijing_date;
use actors::domain::money::Fen;
use actors::domain::phone;
use actors::domain::registration::birth_date;
use actors::error::{DomainError, Result};
use serde_json::Value as Json;

use super::{LINE, check_length, check_line, check_range, check_text};
use crate::store::sql::collections::table::{Column, Kind};
use crate::store::sql::collections::wire::{Time, Yuan};
use crate::store::sql::db::Value;
use crate::vault::Vault;

/// Characters of rich text and bytes of an address.
const MOST_RICH: usize = 60_000;
const MOST_ADDRESS: usize = 1_000;
const MOST_CODE: usize = 64;

/// What a new row has where nothing is given.
pub fn unset(kind: Kind, now: i64) -> Value {
    match kind {
        Kind::Line
        | Kind::Text(_)
        | Kind::Rich
        | Kind::Address
        | Kind::Day
        | Kind::Code
        | Kind::Stream
        | Kind::Note => "".into(),
        Kind::Int(_, _, unset) => unset.into(),
        Kind::Yuan | Kind::Number => 0_i64.into(),
        Kind::Time | Kind::Created | Kind::Updated => now.into(),
        Kind::OptTime | Kind::Ref(..) | Kind::Joined => None::<i64>.into(),
        Kind::Phone | Kind::PhoneKey | Kind::OptNote => None::<String>.into(),
    }
}

/// A given member, checked. A phone is sealed; `phone_key` finds it.
///
/// Errors: `InvalidField`.
pub fn parse(vault: &Vault, field: &'static str, kind: Kind, given: &Json, now: i64) -> Result<Value> {
    let wrong = |reason: &'static str| DomainError::field(field, reason);
    let text = || given.as_str().map(str::trim).ok_or_else(|| wrong("must be a text"));
    match kind {
        Kind::Line => {
            check_line(field, text()?)?;
            Ok(text()?.into())
        }
        Kind::Text(most) => {
            check_text(field, text()?, most)?;
            Ok(text()?.into())
        }
        Kind::Rich => {
            // Already clean: `table` cleans rich texts before the transaction.
            Ok(text()?.into())
        }
        Kind::Address => {
            let address = text()?;
            if !is_address(address) {
                return Err(wrong("must be a path that begins with / or an address of http, https or rtmp"));
            }
            Ok(address.into())
        }
        Kind::Day => {
            let day = text()?;
            if day.is_empty() {
                return Ok("".into());
            }
            let born = birth_date(day, beijing_date(now)).map_err(wrong)?;
            Ok(born.to_string().into())
        }
        Kind::Code => {
            let code = text()?;
            let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if !(1..=MOST_CODE).contains(&code.len()) || !code.bytes().all(known) {
                return Err(wrong("must be 1 to 64 letters, digits or _"));
            }
            Ok(code.into())
        }
        Kind::Stream => {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if text()?.len() > LINE || !text()?.bytes().all(known) {
                return Err(wrong("must have letters, digits, - and _ only"));
            }
            Ok(text()?.into())
        }
        Kind::Int(least, most, _) => {
            let number = given.as_i64().ok_or_else(|| wrong("must be a whole number"))?;
            check_range(field, number, least..=most)?;
            Ok(number.into())
        }
        Kind::Yuan => {
            let Yuan(fen) = Yuan::read(given)
                .ok_or_else(|| wrong("prices are yuan with two decimals at most, such as 120 or 99.50"))?;
            Ok(fen.get().into())
        }
        Kind::Time => time(given).map(Value::from).ok_or_else(|| wrong("times look like 2026-12-31 08:30:00")),
        Kind::OptTime if given.is_null() => Ok(None::<i64>.into()),
        Kind::OptTime => time(given).map(Value::from).ok_or_else(|| wrong("times look like 2026-12-31 08:30:00")),
        Kind::Ref(..) if given.is_null() => Ok(None::<i64>.into()),
        Kind::Ref(..) => {
            let id = given.as_i64().filter(|id| *id > 0);
            id.map(Value::from).ok_or_else(|| wrong("must be the id of a row, or null"))
        }
        Kind::Phone => Ok(number(field, given)?.map(|number| vault.seal(&number)).into()),
        Kind::PhoneKey => Ok(number(field, given)?.map(|number| vault.mobile_key(&number)).into()),
        Kind::Joined | Kind::Number | Kind::Note | Kind::OptNote | Kind::Created | Kind::Updated => {
            Err(wrong("is written by the server"))
        }
    }
}

/// Whether columns that have an order are in it. `value`: a column's number, `given`: whether the request names it.
///
/// Errors: `InvalidField` for the later one, or for the earlier one where only that was given.
pub fn check_order(
    columns: &[Column],
    value: impl Fn(&'static str) -> Option<i64>,
    given: impl Fn(&'static str) -> bool,
) -> Result<()> {
    let number = |name: &'static str| {
        let unset = columns.iter().find(|it| it.name == name).and_then(|it| match it.kind {
            Kind::Int(_, _, unset) => Some(unset),
            _ => None,
        });
        value(name).filter(|number| Some(*number) != unset)
    };
    for column in columns.iter().filter(|it| !it.not_before.is_empty()) {
        let (earlier, later) = (column.not_before, column.name);
        if !given(earlier) && !given(later) {
            // An old row whose other members are changed.
            continue;
        }
        let (Some(low), Some(high)) = (number(earlier), number(later)) else { continue };
        if low <= high {
            continue;
        }
        let (below, above) =
            if matches!(column.kind, Kind::Int(..)) { ("be below", "be above") } else { ("be before", "be after") };
        return Err(match given(earlier) && !given(later) {
            true => DomainError::field(earlier, format!("must not {above} {later}")),
            false => DomainError::field(later, format!("must not {below} {earlier}")),
        });
    }
    Ok(())
}

/// Errors: `InvalidField`.
pub fn check_rich(field: &'static str, html: &str) -> Result<()> {
    if html.contains('\0') {
        return Err(DomainError::field(field, "must not have the character U+0000"));
    }
    check_length(field, html, MOST_RICH)
}

/// The longest text of a kind, in characters (bytes of an address or a stream's name); `None` for what is no free text.
pub fn most_characters(kind: Kind) -> Option<usize> {
    match kind {
        Kind::Line | Kind::Stream => Some(LINE),
        Kind::Text(most) => Some(most),
        Kind::Rich => Some(MOST_RICH),
        Kind::Address => Some(MOST_ADDRESS),
        Kind::Code => Some(MOST_CODE),
        _ => None,
    }
}

fn time(given: &Json) -> Option<i64> {
    Time::parse(given.as_str()?).map(|time| time.0)
}

fn number(field: &'static str, given: &Json) -> Result<Option<String>> {
    let wrong = || DomainError::field(field, "must be a mobile number such as 13800000001, or null");
    match given {
        Json::Null => Ok(None),
        Json::String(typed) if typed.trim().is_empty() => Ok(None),
        Json::String(typed) => phone::mainland_mobile(typed).map(Some).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// Empty, a path here, or an absolute address; nothing that could leave an attribute or run.
fn is_address(text: &str) -> bool {
    let known = text.is_empty()
        || (text.starts_with('/') && !text.starts_with("//"))
        || ["http://", "https://", "rtmp://"].iter().any(|scheme| text.starts_with(scheme));
    let marks =
        |letter: char| letter.is_whitespace() || letter.is_control() || matches!(letter, '<' | '>' | '"' | '\'' | '\\');
    known && text.len() <= MOST_ADDRESS && !text.contains(marks)
}

/// A cell as administrators see it; `None` is not shown. Phones in full or masked.
pub fn shown(vault: &Vault, kind: Kind, cell: &Value, in_full: bool) -> Option<Json> {
    Some(match (kind, cell) {
        (Kind::PhoneKey, _) => return None,
        (_, Value::Int(None) | Value::Text(None)) => Json::Null,
        (Kind::Phone, Value::Text(Some(sealed))) => match vault.open(sealed) {
            Ok(number) if in_full => number.into(),
            Ok(number) => phone::masked(&number).into(),
            // Feeds without a phone have an empty text.
            Err(_) => Json::Null,
        },
        (Kind::Yuan, Value::Int(Some(fen))) => Fen::new(*fen).unwrap_or(Fen::ZERO).yuan().into(),
        (Kind::Time | Kind::OptTime | Kind::Created | Kind::Updated, Value::Int(Some(at))) => {
            serde_json::to_value(Time(*at)).unwrap_or_default()
        }
        (_, Value::Int(Some(number))) => (*number).into(),
        (_, Value::Text(Some(text))) => text.as_str().into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-11-22 in Beijing.
    const NOW: i64 = 1_795_300_000_000;

    #[test]
    fn what_is_wrong_is_refused_by_name() {
        let vault = Vault::new(&[1; 32], &[2; 32]);
        for (kind, given) in [
            (Kind::Line, json!(" ")),
            (Kind::Line, json!("x".repeat(LINE + 1))),
            (Kind::Line, json!(7)),
            (Kind::Text(3), json!("four")),
            (Kind::Text(3), json!(null)),
            (Kind::Rich, json!(7)),
            (Kind::Address, json!("javascript:alert(1)")),
            (Kind::Address, json!("//evil.example/x")),
            (Kind::Address, json!("/a\"b")),
            (Kind::Address, json!("a.jpg")),
            (Kind::Day, json!("2026-02-30")),
            (Kind::Day, json!("2026-2-3")),
            (Kind::Day, json!("0027-05-01")),
            (Kind::Day, json!("1899-12-31")),
            (Kind::Day, json!("2026-11-23")),
            (Kind::Line, json!("\u{200b}")),
            (Kind::Line, json!("\u{3164}")),
            (Kind::Line, json!("武\u{202e}汉")),
            (Kind::Line, json!("武\n汉")),
            (Kind::Text(30), json!("武\u{2066}汉")),
            (Kind::Phone, json!("------")),
            (Kind::Code, json!("a b")),
            (Kind::Stream, json!("a/b")),
            (Kind::Code, json!("")),
            (Kind::Int(0, 1, 0), json!(2)),
            (Kind::Int(0, 1, 0), json!("1")),
            (Kind::Int(0, 1, 0), json!(0.5)),
            (Kind::Yuan, json!(-1)),
            (Kind::Yuan, json!("1.234")),
            (Kind::Time, json!(null)),
            (Kind::Time, json!("noon")),
            (Kind::OptTime, json!(17)),
            (Kind::Ref("", actors::error::Entity::Team), json!(0)),
            (Kind::Phone, json!("12800000001")),
            (Kind::Phone, json!("1380000000")),
            (Kind::Number, json!(1)),
        ] {
            let refused = parse(&vault, "it", kind, &given, NOW);
            assert!(matches!(refused, Err(DomainError::InvalidField { ref field, .. }) if field == "it"), "{given}");
        }
    }

    #[test]
    fn what_is_stored_is_shown_again() {
        let vault = Vault::new(&[1; 32], &[2; 32]);
        for (kind, given) in [
            (Kind::Line, json!("一行")),
            (Kind::Line, json!("❤\u{fe0f}\u{200d}🔥")),
            (Kind::Text(9), json!("两\n行")),
            (Kind::Address, json!("")),
            (Kind::Address, json!("/static/a.svg")),
            (Kind::Address, json!("rtmp://live.example/app/one")),
            (Kind::Day, json!("1994-03-12")),
            (Kind::Int(1, 3, 0), json!(3)),
            (Kind::Yuan, json!(99.5)),
            (Kind::Time, json!("2026-12-31 08:30:00")),
            (Kind::OptTime, json!(null)),
            (Kind::Phone, json!("13800000001")),
            (Kind::Phone, json!(null)),
        ] {
            let cell = parse(&vault, "it", kind, &given, NOW).unwrap();
            assert_eq!(shown(&vault, kind, &cell, true), Some(given));
        }
        let phone = parse(&vault, "it", Kind::Phone, &json!("+86 138-0000-0001"), NOW).unwrap();
        assert_eq!(shown(&vault, Kind::Phone, &phone, false), Some(json!("138****0001")));
    }
}
