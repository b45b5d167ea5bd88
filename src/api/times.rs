//! How times leave: stored milliseconds as the texts of the dialects, in Beijing time.

use chrono::{DateTime, FixedOffset};

fn beijing(ms: i64) -> DateTime<FixedOffset> {
    let offset = FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| unreachable!("8 h is a valid offset"));
    DateTime::from_timestamp_millis(ms).unwrap_or_default().with_timezone(&offset)
}

/// `2026-11-22T11:00:00+08:00`
pub fn rfc3339(ms: i64) -> String {
    beijing(ms).to_rfc3339_opts(chrono::SecondsFormat::Secs, false)
}

/// `2026-11-22 11:00:00`
pub fn seconds(ms: i64) -> String {
    beijing(ms).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-11-22 11:00`
pub fn minutes(ms: i64) -> String {
    beijing(ms).format("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_leave_in_beijing_time() {
        let ms = 1_767_196_800_123;
        assert_eq!(rfc3339(ms), "2026-01-01T00:00:00+08:00");
        assert_eq!(seconds(ms), "2026-01-01 00:00:00");
        assert_eq!(minutes(ms), "2026-01-01 00:00");
    }
}
