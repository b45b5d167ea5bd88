//! Times as this dialect writes them: Beijing's clock, texts without a zone.

use chrono::{DateTime, FixedOffset};

/// `YYYY-MM-DD HH:mm:ss` of milliseconds since 1970; empty when unset, because the client splits it at the space.
pub fn to_second(at_ms: Option<i64>) -> String {
    let beijing = FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| unreachable!("8 h is a valid offset"));
    at_ms
        .and_then(DateTime::from_timestamp_millis)
        .map(|at| at.with_timezone(&beijing).format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beijing_time_or_nothing() {
        assert_eq!(to_second(Some(0)), "1970-01-01 08:00:00");
        assert_eq!(to_second(Some(1_700_000_000_999)), "2023-11-15 06:13:20");
        assert_eq!(to_second(None), "");
    }
}
