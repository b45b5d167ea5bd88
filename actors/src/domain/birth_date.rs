//! Birth dates of people who can be alive.

use chrono::{Datelike, NaiveDate};

/// Nobody alive was born before.
const EARLIEST_YEAR: i32 = 1900;

/// A birth date as `YYYY-MM-DD`, or that with a time behind it; `today` is the day in China.
///
/// Errors: the reason. Years of two digits are named, also where a spreadsheet put zeros before them.
pub fn birth_date(text: &str, today: NaiveDate) -> Result<NaiveDate, &'static str> {
    let digits = text.trim().bytes().take_while(u8::is_ascii_digit).count();
    let next = text.trim().as_bytes().get(digits);
    if digits == 2 && matches!(next, Some(b'-' | b'/' | b'.')) {
        return Err("the year must have four digits");
    }
    let day = parse_date(text).ok_or("must be a date, YYYY-MM-DD")?;
    match day.year() {
        ..100 => Err("the year must have four digits"),
        100..EARLIEST_YEAR => Err("must not be before 1900-01-01"),
        _ if day >= today => Err("must be in the past"),
        _ => Ok(day),
    }
}

/// `YYYY-MM-DD`, or that with a time behind it.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let day = text.get(..10)?;
    let rest = &text[10..];
    let time_is_well_formed = rest.is_empty()
        || chrono::NaiveTime::parse_from_str(rest.trim_start_matches([' ', 'T']), "%H:%M:%S").is_ok()
        || chrono::DateTime::parse_from_rfc3339(text).is_ok();
    if !time_is_well_formed || !day.as_bytes()[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_alive_were_born_since_1900_and_before_today() {
        let today = "2026-11-22".parse().unwrap();
        let born = |text: &str| birth_date(text, today);
        for good in ["1900-01-01", "2026-11-21", "1990-05-01 08:30:00", " 1990-05-01 "] {
            assert!(born(good).is_ok(), "{good}");
        }
        for early in ["1899-12-31", "0190-01-01"] {
            assert_eq!(born(early), Err("must not be before 1900-01-01"), "{early}");
        }
        for late in ["2026-11-22", "2026-11-23", "9999-12-31"] {
            assert_eq!(born(late), Err("must be in the past"), "{late}");
        }
        for short in ["0027-05-01", "0090-05-01", "90-05-01", "27/5/1", "90.5.1"] {
            assert_eq!(born(short), Err("the year must have four digits"), "{short}");
        }
        for other in ["", "31", "1990", "1990/05/01", "1990-02-30", "31 May"] {
            assert_eq!(born(other), Err("must be a date, YYYY-MM-DD"), "{other}");
        }
    }

    #[test]
    fn dates_with_odd_bytes_are_refused_without_a_panic() {
        for bad in ["", "1949", "１９４９-12-31", "1949-12-3é", "1949-13-01", "1949/12/31", "1949-12-31x", "-949-12-31"]
        {
            assert_eq!(parse_date(bad), None, "{bad:?}");
        }
    }
}
