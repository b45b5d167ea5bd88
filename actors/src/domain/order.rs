//! Orders: their number, their states and which change may follow which.

use std::fmt;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// 22 digits: `yyMMddHHmmss` in Beijing time, then 10 digits that make it unique. It is WeChat's `out_trade_no`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct OrderNo(String);

impl OrderNo {
    pub const DIGITS: usize = 22;

    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == Self::DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(text.to_owned()))
    }

    /// `tail` must be unique among the orders of one second; only its last ten digits are used.
    pub fn compose(now_ms: i64, tail: u64) -> Self {
        let beijing = FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| unreachable!("8 h is a valid offset"));
        let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default().with_timezone(&beijing);
        Self(format!("{}{:010}", now.format("%y%m%d%H%M%S"), tail % 10_000_000_000))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderKind {
    Race,
    Membership,
}

impl OrderKind {
    pub fn code(self) -> i64 {
        match self {
            Self::Race => 0,
            Self::Membership => 1,
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        [Self::Race, Self::Membership].into_iter().find(|kind| kind.code() == code)
    }
}

/// An order's state; the stored number is the one of the H5 dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderStatus {
    Closed,
    Unpaid,
    Paid,
    /// The payment window passed.
    Expired,
    Refunding,
    Refunded,
    Cancelled,
}

impl OrderStatus {
    pub const ALL: [Self; 7] =
        [Self::Closed, Self::Unpaid, Self::Paid, Self::Expired, Self::Refunding, Self::Refunded, Self::Cancelled];

    pub fn code(self) -> i64 {
        match self {
            Self::Closed => -1,
            Self::Unpaid => 0,
            Self::Paid => 1,
            Self::Expired => 2,
            Self::Refunding => 3,
            Self::Refunded => 4,
            Self::Cancelled => 5,
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// Whether the order holds or owns places.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Unpaid | Self::Paid | Self::Refunding)
    }

    /// How one registration of an order of this state stands: whether it is live, and whether its own money was asked back.
    pub fn of_registration(self, live: bool, asked_back: bool) -> Self {
        match self {
            Self::Paid | Self::Refunding if !live => Self::Refunded,
            Self::Paid if asked_back => Self::Refunding,
            status => status,
        }
    }

    /// The order state machine. A late payment may revive an expired or cancelled order if its places are still free.
    pub fn may_become(self, next: Self) -> bool {
        use OrderStatus::*;
        matches!(
            (self, next),
            (Unpaid, Paid | Expired | Cancelled | Closed)
                | (Expired | Cancelled, Paid | Closed)
                | (Paid, Refunding)
                | (Refunding, Refunded | Paid)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_number_is_22_digits_of_beijing_time() {
        let number = OrderNo::compose(1_446_003_088_000, 5_335_281_083_827);
        assert_eq!(number.as_str(), "1510281131285281083827");
        assert_eq!(OrderNo::parse(number.as_str()), Some(number));
        for bad in
            ["", "151028141133528108382", "15102814113352810838277", "15102814113352810838２", "151028141133528108382x"]
        {
            assert_eq!(OrderNo::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn codes_round_trip() {
        for status in OrderStatus::ALL {
            assert_eq!(OrderStatus::from_code(status.code()), Some(status));
            assert!(!status.may_become(status));
        }
        assert_eq!(OrderStatus::from_code(9), None);
    }

    #[test]
    fn a_registration_stands_as_its_order_unless_it_went_back_alone() {
        use OrderStatus::*;
        let stands = |status: OrderStatus| {
            [(true, false), (true, true), (false, true), (false, false)]
                .map(|(live, asked)| status.of_registration(live, asked))
        };
        assert_eq!(stands(Paid), [Paid, Refunding, Refunded, Refunded]);
        assert_eq!(stands(Refunding), [Refunding, Refunding, Refunded, Refunded]);
        for status in [Unpaid, Expired, Cancelled, Closed, Refunded] {
            assert_eq!(stands(status), [status; 4]);
        }
    }

    #[test]
    fn nothing_follows_a_refund_or_a_closed_order() {
        for status in OrderStatus::ALL {
            assert!(!OrderStatus::Refunded.may_become(status));
            assert!(!OrderStatus::Closed.may_become(status));
        }
    }
}
