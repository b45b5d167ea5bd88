//! Lists in pages, `?page=1&size=15`. Quirk: an empty page has neither `per_page` nor `last_page`.

use actors::error::DomainError;
use serde::Serialize;
use serde_json::{Value, json};

use super::body::Params;

const DEFAULT_SIZE: i64 = 15;
/// Larger pages are answered with this many rows; `per_page` says so.
const LARGEST_SIZE: i64 = 100;

/// Which page is asked for. `number` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf {
    pub number: i64,
    pub size: i64,
}

impl PageOf {
    /// Errors: `InvalidField` for anything but positive whole numbers.
    pub fn read(params: &Params) -> Result<Self, DomainError> {
        let positive = |name: &'static str, default: i64| match params.text(name)? {
            None => Ok(default),
            Some(text) => positive(&text).ok_or_else(|| DomainError::field(name, "必须是正整数")),
        };
        Ok(Self { number: positive("page", 1)?, size: positive("size", DEFAULT_SIZE)?.min(LARGEST_SIZE) })
    }

    pub fn answer(self, total: i64, rows: &[impl Serialize]) -> Value {
        if rows.is_empty() {
            return json!({"current_page": self.number, "total": total, "data": []});
        }
        json!({
            "total": total,
            "per_page": self.size,
            "current_page": self.number,
            "last_page": total / self.size + i64::from(total % self.size > 0),
            "data": rows,
        })
    }
}

fn positive(text: &str) -> Option<i64> {
    let digits = text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_where_the_rows_end() {
        let page = PageOf { number: 2, size: 15 };
        assert_eq!(page.answer(30, &[1])["last_page"], 2);
        assert_eq!(page.answer(31, &[1])["last_page"], 3);
        assert_eq!(page.answer(0, &[0; 0]), json!({"current_page": 2, "total": 0, "data": []}));
    }

    #[test]
    fn only_positive_whole_numbers_name_a_page() {
        assert_eq!(positive("7"), Some(7));
        for bad in ["0", "-1", "+1", "1.5", "x", "9999999999999999999"] {
            assert_eq!(positive(bad), None, "{bad}");
        }
    }
}
