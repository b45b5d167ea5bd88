//! Money as whole fen (1/100 yuan). Never a float until it leaves as a JSON number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in fen, zero or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(i64);

impl Fen {
    pub const ZERO: Self = Self(0);
    /// 10^13 yuan: every sum of such amounts that we form still fits an i64 and, as yuan, an exact f64.
    const MAX: i64 = 1_000_000_000_000_000;

    pub fn new(fen: i64) -> Option<Self> {
        (0..=Self::MAX).contains(&fen).then_some(Self(fen))
    }

    pub fn get(self) -> i64 {
        self.0
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0.checked_add(other.0)?)
    }

    pub fn times(self, count: u32) -> Option<Self> {
        Self::new(self.0.checked_mul(i64::from(count))?)
    }

    /// Yuan for a JSON number. The nearest f64 of a value with two decimals prints with at most two decimals.
    pub fn yuan(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// `"120"`, `"99.5"`, `"0.01"` → fen; more than two decimals, signs and exponents are refused.
    pub fn parse_yuan(text: &str) -> Option<Self> {
        let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 13 || cents.len() > 2 || !digits(whole) || !digits(cents) {
            return None;
        }
        if text.ends_with('.') {
            return None;
        }
        let cents: i64 = format!("{cents:0<2}").parse().ok()?;
        Self::new(whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?)
    }
}

impl fmt::Display for Fen {
    /// Yuan with two decimals, `120.00`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_text_round_trips() {
        for fen in [0, 1, 9, 10, 99, 100, 12_000, 9_900, 123_456_789] {
            let money = Fen::new(fen).unwrap();
            assert_eq!(Fen::parse_yuan(&money.to_string()), Some(money));
            let json = serde_json::to_string(&money.yuan()).unwrap();
            assert!(json.split_once('.').is_none_or(|(_, cents)| cents.len() <= 2), "{json}");
        }
        for bad in ["", ".", "1.", ".5", "-1", "1.234", "1e3", "١", "99999999999999"] {
            assert_eq!(Fen::parse_yuan(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn sums_do_not_wrap() {
        let most = Fen::new(Fen::MAX).unwrap();
        assert_eq!(most.checked_add(Fen::new(1).unwrap()), None);
        assert_eq!(most.times(u32::MAX), None);
        assert_eq!(Fen::new(-1), None);
    }
}
