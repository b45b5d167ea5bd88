//! How administrators read and write times and money: `YYYY-MM-DD HH:mm:ss` in Beijing, and yuan.

use actors::domain::money::Fen;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeZone};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub i64);

fn beijing() -> FixedOffset {
    FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| unreachable!("8 h is a valid offset"))
}

/// From 1900 until 3000.
const EARLIEST_MS: i64 = -2_208_988_800_000;
const LATEST_MS: i64 = 32_503_680_000_000;

impl Time {
    /// Whether `parse` would take it.
    pub fn is_usual(self) -> bool {
        (EARLIEST_MS..LATEST_MS).contains(&self.0)
    }

    /// RFC 3339 with an offset, or Beijing time with or without seconds or hours, with a space or a T between; in a year
    /// that a calendar of races may have.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_any(text).filter(|time| time.is_usual())
    }

    fn parse_any(text: &str) -> Option<Self> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(Self(time.timestamp_millis()));
        }
        let plain = text.replacen('T', " ", 1);
        let local = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
            .into_iter()
            .find_map(|format| NaiveDateTime::parse_from_str(&plain, format).ok())
            .or_else(|| NaiveDate::parse_from_str(&plain, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
        Some(Self(beijing().from_local_datetime(&local).single()?.timestamp_millis()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or_default().with_timezone(&beijing());
        to.collect_str(&time.format("%Y-%m-%d %H:%M:%S"))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("times look like 2026-12-31 08:30:00"))
    }
}

/// An amount that is written as yuan, a number or a text with two decimals at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yuan(pub Fen);

impl Yuan {
    pub fn read(written: &serde_json::Value) -> Option<Self> {
        let text = match written {
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::String(text) => text.clone(),
            _ => return None,
        };
        Fen::parse_yuan(&text).map(Self)
    }
}

impl Serialize for Yuan {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.0.yuan())
    }
}

impl<'de> Deserialize<'de> for Yuan {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("prices are yuan with two decimals at most, such as 120 or 99.50");
        let written = serde_json::Value::deserialize(from).map_err(|_| wrong())?;
        Self::read(&written).ok_or_else(wrong)
    }
}

/// For members of a change where null means "none" and absence means "as it is".
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_people_write() {
        let noon = 1_767_240_000_000;
        for text in ["2026-01-01 12:00:00", "2026-01-01T12:00", "2026-01-01T04:00:00Z", "2026-01-01T12:00:00+08:00"] {
            assert_eq!(Time::parse(text), Some(Time(noon)), "{text}");
        }
        assert_eq!(serde_json::to_value(Time(noon)).unwrap(), "2026-01-01 12:00:00");
        for bad in ["", "2026-13-01", "2026-02-30 10:00", "noon", "1767240000000"] {
            assert_eq!(Time::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn money_never_loses_a_fen() {
        let read = |text: &str| serde_json::from_str::<Yuan>(text).map(|yuan| yuan.0.get());
        for (text, fen) in [("120", 12_000), ("120.0", 12_000), ("99.5", 9_950), ("0.29", 29), ("\"80.00\"", 8_000)] {
            assert_eq!(read(text).unwrap(), fen, "{text}");
        }
        for bad in ["-1", "0.001", "true", "null", "\"x\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
