//! The parameters outside the sealed part, from the query and from a form in the body; of one name the last counts, and
//! the body's before the query's.

use std::collections::HashMap;

use actix_web::HttpRequest;
use actors::error::DomainError;

use super::Body;
use crate::byte_order_mark;
use crate::service::sso::Refusal;

/// The common parameters of every call, all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    pub app_id: i64,
    pub app_key: String,
    pub code: String,
    pub sign: String,
}

/// Errors: `TooLarge`, `Malformed`, `Busy`, `Missing` for the first that is.
pub fn read(request: &HttpRequest, body: Body) -> Result<Common, Refusal> {
    let body = body.map_err(|error| match error {
        DomainError::Malformed(_) => DomainError::Malformed("请求主体无法读取".into()),
        other => other,
    })?;
    parse(request.query_string().as_bytes(), &body)
}

fn parse(query: &[u8], body: &[u8]) -> Result<Common, Refusal> {
    let mut params = HashMap::new();
    for text in [query, byte_order_mark::without(body)] {
        let unreadable = || DomainError::Malformed("请求参数无法解析".into());
        let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).map_err(|_| unreadable())?;
        params.extend(pairs);
    }
    let mut take =
        |name: &str, shown| params.remove(name).filter(|text| !text.is_empty()).ok_or(Refusal::Missing(shown));
    let app_id = take("app_id", "App ID").and_then(|text| positive(&text).ok_or(Refusal::Missing("App ID")))?;
    Ok(Common {
        app_id,
        app_key: take("app_key", "App Key 通信密钥")?,
        sign: take("sign", "签名")?,
        code: take("code", "加密参数")?,
    })
}

/// Digits only, 1..=i64::MAX.
pub fn positive(text: &str) -> Option<i64> {
    let digits = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_form_are_one_and_the_form_wins() {
        let common = parse(b"app_id=1&app_key=q&sign=s&app_key=k", b"code=c%2B&sign=t&type=json&x").unwrap();
        let expected = Common { app_id: 1, app_key: "k".to_owned(), code: "c+".to_owned(), sign: "t".to_owned() };
        assert_eq!(common, expected);
        let marked = parse(b"", "\u{feff}app_id=1&app_key=k&code=c%2B&sign=t".as_bytes());
        assert_eq!(marked, Ok(expected));
    }

    #[test]
    fn what_is_missing_is_named_in_its_order() {
        for (query, name) in [
            ("", "App ID"),
            ("app_id=0&app_key=k&code=c&sign=s", "App ID"),
            ("app_id=-1&app_key=k&code=c&sign=s", "App ID"),
            ("app_id=1x&app_key=k&code=c&sign=s", "App ID"),
            ("app_id=99999999999999999999&app_key=k&code=c&sign=s", "App ID"),
            ("app_id=1", "App Key 通信密钥"),
            ("app_id=1&app_key=&code=c&sign=s", "App Key 通信密钥"),
            ("app_id=1&app_key=k&code=c", "签名"),
            ("app_id=1&app_key=k&sign=s", "加密参数"),
        ] {
            assert_eq!(parse(query.as_bytes(), b""), Err(Refusal::Missing(name)), "{query}");
        }
        assert!(matches!(parse(b"", b"a=\xff"), Err(Refusal::Fact(DomainError::Malformed(_)))));
    }
}
