//! The ledger's row of a line and the rules an administrator sets for it. Plain values; the decisions are in `state`.

use serde::{Deserialize, Serialize};

use super::state::Quota;

/// Whether a line takes new tokens and decides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueState {
    /// Takes no new tokens; those that wait are still decided.
    Closed,
    #[default]
    Open,
    /// Takes new tokens, decides none.
    Paused,
}

impl QueueState {
    pub fn code(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::Open => 1,
            Self::Paused => 2,
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        [Self::Closed, Self::Open, Self::Paused].into_iter().find(|state| state.code() == code)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Paused => "paused",
        }
    }
}

/// Whether places are drawn by lot, and how far the draw is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lottery {
    #[default]
    None,
    /// Entries are taken and nobody is admitted.
    Entries,
    /// The order is drawn; admission follows it.
    Drawn,
}

impl Lottery {
    pub fn code(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Entries => 1,
            Self::Drawn => 2,
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        [Self::None, Self::Entries, Self::Drawn].into_iter().find(|lottery| lottery.code() == code)
    }
}

/// What an administrator sets for a line. All zero or none: places go to who comes first, at once, without a wait-list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LineRules {
    /// Tokens that may wait for places which may still come free; 0 = no wait-list.
    pub wait_list: i64,
    /// Keeps them waiting for refunds too, not only for unpaid orders that may end.
    pub wait_for_refunds: bool,
    /// How long an order made from the wait-list may stay unpaid; 0 = the payment window.
    pub offer_seconds: i64,
    /// Orders made a minute; 0 = as fast as can be.
    pub orders_per_minute: i64,
    /// Orders that may be unpaid at the same time; 0 = any number.
    pub most_unpaid: i64,
    /// Milliseconds since 1970: from then on people may come before the opening. None: nobody may.
    pub pre_queue_at: Option<i64>,
    /// Milliseconds since 1970: nobody is admitted before; who came before is shuffled then. None: open from the start.
    pub opening_at: Option<i64>,
}

/// The largest of the rules' numbers.
pub const MOST_WAIT_LISTED: i64 = 100_000;
pub const MOST_OFFER_SECONDS: i64 = 7 * 24 * 3600;
pub const MOST_ORDERS_PER_MINUTE: i64 = 1_000_000;

/// What is left of the rate of admission: a bucket that fills with time and holds a second's worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateCredit {
    /// In 1/60,000 of an order, so that a rate a minute needs no fractions.
    pub credit: i64,
    /// Milliseconds since 1970 of the last refill.
    pub at: i64,
}

const ORDER: i64 = 60_000;

impl RateCredit {
    /// Adds what has come since the last refill; the number of orders that may be made now.
    pub fn refill(&mut self, now_ms: i64, per_minute: i64) -> i64 {
        if per_minute == 0 {
            return i64::MAX;
        }
        let most = ORDER.max(per_minute * 1_000);
        // More than a minute fills any bucket; the bound keeps the product small.
        let elapsed = (now_ms - self.at).clamp(0, 60_000);
        self.credit = (self.credit + elapsed * per_minute).clamp(0, most);
        self.at = self.at.max(now_ms);
        self.credit / ORDER
    }

    /// Takes the credit of orders that were made.
    pub fn spend(&mut self, orders: i64, per_minute: i64) {
        if per_minute > 0 {
            self.credit -= orders * ORDER;
        }
    }

    /// Milliseconds until another order may be made.
    pub fn next_in_ms(self, per_minute: i64) -> i64 {
        if per_minute == 0 { 0 } else { ((ORDER - self.credit).max(0) + per_minute - 1) / per_minute }
    }
}

/// The end of a game's event log: how many events there are, and the hash that chains them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogTip {
    pub count: i64,
    pub hash: [u8; 32],
}

/// The ledger's row of a line, as it was at a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueRow {
    /// Grows with every change of the row, so that a late answer cannot overwrite a newer one.
    pub version: i64,
    pub state: QueueState,
    /// The last sequence number handed out.
    pub tail: i64,
    /// The last position decided or put on the wait-list.
    pub head: i64,
    /// Tokens on the wait-list.
    pub wait_listed: i64,
    /// Grows with every change of who is on the wait-list or has left the line.
    pub list_version: i64,
    pub quota: Quota,
    pub rules: LineRules,
    pub lottery: Lottery,
    pub rate: RateCredit,
    /// So many first sequences are taken in a drawn order; none: nothing was drawn.
    pub shuffled: Option<i64>,
    /// Grows with every new message to those who wait.
    pub notice_version: i64,
    pub log: LogTip,
}

impl QueueRow {
    /// Whether those who wait stand in an order: not before the opening of a shuffled line, nor before a draw.
    pub fn is_ordered(&self) -> bool {
        self.shuffled.is_some() || (self.rules.opening_at.is_none() && self.lottery == Lottery::None)
    }

    /// Whether the opening's time has come and nobody has opened yet.
    pub fn opening_is_due(&self, now_ms: i64) -> bool {
        self.shuffled.is_none() && self.lottery == Lottery::None && self.rules.opening_at.is_some_and(|at| at <= now_ms)
    }

    /// Whether tokens may be decided now.
    pub fn admits(&self) -> bool {
        self.state != QueueState::Paused && self.is_ordered()
    }

    /// The largest group that is to wait for places which may still come free; 0 = none.
    pub fn largest_that_waits(&self) -> i64 {
        if self.rules.wait_list > 0 { self.quota.most_that_may_fit(self.rules.wait_for_refunds) } else { 0 }
    }

    /// Whether a group that does not fit now is to wait for places that may still come free.
    pub fn may_still_fit(&self, places: i64) -> bool {
        places <= self.largest_that_waits()
    }

    /// Whether a newcomer can be told that the game is full without looking any further.
    pub fn is_exhausted(&self) -> bool {
        self.is_full_for(1)
    }

    /// Whether nothing is left, and no group of this size is to wait for what may come free.
    pub fn is_full_for(&self, places: i64) -> bool {
        let room = self.wait_listed < self.rules.wait_list && self.may_still_fit(places);
        self.is_ordered() && !self.quota.is_unlimited() && self.quota.balance == 0 && !room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_lets_exactly_so_many_a_minute_and_no_more_than_a_second_at_once() {
        let mut rate = RateCredit::default();
        let mut made = 0;
        for ms in (0..60_000).step_by(7) {
            let allowed = rate.refill(1_000_000 + ms, 90);
            assert!(allowed <= 1, "a second's worth of 90 a minute is one");
            rate.spend(allowed, 90);
            made += allowed;
        }
        assert!((89..=91).contains(&made), "{made}");
        assert_eq!(rate.refill(9_000_000, 6_000), 100, "after a pause a second's worth");
        rate.spend(100, 6_000);
        assert_eq!(rate.refill(9_000_000, 6_000), 0);
        assert_eq!(rate.next_in_ms(6_000), 10);
        assert_eq!(rate.refill(9_000_010, 6_000), 1);
        assert_eq!(rate.refill(8_000_000, 6_000), 1, "a clock that steps back gives nothing");
        assert_eq!(RateCredit::default().refill(5, 0), i64::MAX, "no rate, no bound");
    }

    #[test]
    fn line_with_an_opening_admits_only_when_it_was_opened() {
        let mut row = QueueRow::default();
        assert!(row.admits() && !row.opening_is_due(100));
        row.rules.opening_at = Some(50);
        assert!(!row.admits() && !row.opening_is_due(49) && row.opening_is_due(50));
        row.shuffled = Some(0);
        assert!(row.admits() && !row.opening_is_due(50));
        row.state = QueueState::Paused;
        assert!(!row.admits());
        let drawn = QueueRow { lottery: Lottery::Entries, ..QueueRow::default() };
        assert!(!drawn.admits() && !drawn.opening_is_due(i64::MAX), "a lottery is opened by its draw");
    }

    #[test]
    fn full_game_takes_more_only_while_something_may_come_free() {
        let mut row = QueueRow::default();
        row.quota.set(2, None);
        assert!(!row.is_exhausted());
        assert!(row.quota.hold(2));
        assert!(row.is_exhausted(), "no wait-list");
        row.rules.wait_list = 1;
        assert!(!row.is_exhausted(), "two unpaid places may come free");
        row.wait_listed = 1;
        assert!(row.is_exhausted(), "the wait-list is full");
        row.wait_listed = 0;
        row.quota.settle_held(2);
        assert!(row.is_exhausted(), "all paid");
        row.rules.wait_for_refunds = true;
        assert!(!row.is_exhausted(), "but a refund may come");
    }
}
