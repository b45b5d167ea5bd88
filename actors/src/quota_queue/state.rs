//! The pure part of a game's line: where places go and how tokens are decided. No clock, no database, no randomness:
//! the ledger calls it between reading under the row's lock and writing in the same transaction.

use std::collections::HashMap;

use super::row::QueueRow;
use crate::domain::ids::AccountId;
use crate::domain::order::OrderNo;

/// Where the places of a game are. With `limitation` 0 the game is unlimited and `balance` stays 0; otherwise
/// `limitation = sold + held + withheld + balance`, where `withheld` may be negative after the limit was lowered below
/// what had been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    pub limitation: i64,
    /// Places that can be taken now.
    pub balance: i64,
    /// Places of paid orders.
    pub sold: i64,
    /// Places of orders that wait for their payment.
    pub held: i64,
}

/// The largest number of places an administrator may set.
pub const MOST_PLACES: i64 = i32::MAX as i64;

impl Quota {
    pub fn is_unlimited(self) -> bool {
        self.limitation == 0
    }

    /// Places kept back by an administrator; negative: places given beyond a limit that was lowered later.
    pub fn withheld(self) -> i64 {
        if self.is_unlimited() { 0 } else { self.limitation - self.sold - self.held - self.balance }
    }

    pub fn fits(self, places: i64) -> bool {
        self.is_unlimited() || places <= self.balance
    }

    /// So many places could come together once every unpaid order has ended (`refunds`: every paid one too).
    pub fn most_that_may_fit(self, refunds: bool) -> i64 {
        if self.is_unlimited() {
            return i64::MAX;
        }
        let over = (-self.withheld()).max(0);
        let coming = self.held + if refunds { self.sold } else { 0 };
        self.balance + (coming - over).max(0)
    }

    /// free → held. False, and nothing changed, when they do not fit.
    #[must_use]
    pub fn hold(&mut self, places: i64) -> bool {
        if !self.take(places) {
            return false;
        }
        self.held += places;
        true
    }

    /// free → sold, for a payment that comes after its hold ended.
    #[must_use]
    pub fn take_sold(&mut self, places: i64) -> bool {
        if !self.take(places) {
            return false;
        }
        self.sold += places;
        true
    }

    fn take(&mut self, places: i64) -> bool {
        if !self.fits(places) {
            return false;
        }
        if !self.is_unlimited() {
            self.balance -= places;
        }
        true
    }

    /// held → sold.
    pub fn settle_held(&mut self, places: i64) {
        self.held -= places;
        self.sold += places;
    }

    /// held → free.
    pub fn give_back_held(&mut self, places: i64) {
        let withheld = self.withheld();
        self.held -= places;
        self.free(places, withheld);
    }

    /// sold → free.
    pub fn give_back_sold(&mut self, places: i64) {
        let withheld = self.withheld();
        self.sold -= places;
        self.free(places, withheld);
    }

    /// Places that were given beyond the limit are absorbed first.
    fn free(&mut self, places: i64, withheld: i64) {
        if !self.is_unlimited() {
            let absorbed = places.min((-withheld).max(0));
            self.balance += places - absorbed;
        }
    }

    /// Sets the places. A `balance` that is missing or larger than fits becomes all that is free, so that an oversell
    /// cannot be configured; a smaller one withholds the rest.
    pub fn set(&mut self, limitation: i64, balance: Option<i64>) {
        self.limitation = limitation;
        if self.is_unlimited() {
            self.balance = 0;
            return;
        }
        let free = (limitation - self.sold - self.held).max(0);
        self.balance = balance.unwrap_or(free).clamp(0, free);
    }
}

/// One token that is not decided yet, as read from the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub sequence: i64,
    pub account: AccountId,
    /// Keyed hashes of the players' certificates; one place each. Empty: the stored players cannot be read.
    pub certificates: Vec<String>,
    /// Its owner left; the line only has to pass it.
    pub left: bool,
}

impl Waiting {
    fn places(&self) -> i64 {
        i64::try_from(self.certificates.len()).unwrap_or(i64::MAX)
    }
}

/// Who holds a certificate's place in the game already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub order_no: OrderNo,
    pub account: AccountId,
}

/// What a token came to. Every token gets exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An order was made and its places are held.
    Ordered(OrderNo),
    /// The group does not fit into what is left.
    Full,
    /// The request could not be processed.
    Failed,
    /// Its owner left the line.
    Left,
    /// A player is registered in this game already. The earlier order is named only when it is the same account's.
    AlreadyRegistered(Option<OrderNo>),
}

impl Outcome {
    /// The stored number of `Ordered`.
    pub const ORDERED: i64 = 1;

    /// The stored number; up to 4 the command dialect's queue states.
    pub fn code(&self) -> i64 {
        match self {
            Self::Ordered(_) => Self::ORDERED,
            Self::Full => 2,
            Self::Failed => 3,
            Self::AlreadyRegistered(_) => 4,
            Self::Left => 5,
        }
    }

    pub fn order_no(&self) -> Option<&OrderNo> {
        match self {
            Self::Ordered(order_no) => Some(order_no),
            Self::AlreadyRegistered(earlier) => earlier.as_ref(),
            Self::Full | Self::Failed | Self::Left => None,
        }
    }

    pub fn from_stored(code: i64, order_no: Option<OrderNo>) -> Option<Self> {
        match (code, order_no) {
            (1, Some(order_no)) => Some(Self::Ordered(order_no)),
            (2, _) => Some(Self::Full),
            (3, _) => Some(Self::Failed),
            (4, earlier) => Some(Self::AlreadyRegistered(earlier)),
            (5, _) => Some(Self::Left),
            _ => None,
        }
    }
}

/// One transaction's admission: the row, what is taken, and how many orders may be made.
pub struct Admission<'a, N> {
    pub row: &'a mut QueueRow,
    /// Certificates that have a live registration in the game; grows with every order made.
    pub taken: &'a mut HashMap<String, Holder>,
    /// Orders that rate and unpaid cap still allow.
    pub orders_left: i64,
    /// An order costs nothing and is paid as soon as it is made.
    pub free_of_charge: bool,
    /// The race has begun: nobody gets a place any more.
    pub over: bool,
    /// Registration has closed: nobody is put on the wait-list, and those on it get nothing any more. The line itself is
    /// still decided, for its tokens came in time.
    pub wait_list_over: bool,
    /// A new order number for a sequence.
    pub order_number: N,
}

/// What happens to a token in this admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Decided(Outcome),
    /// Waits on for places that may come free.
    WaitListed,
    /// Rate or cap allow no further order now; nobody behind it may pass.
    NotNow,
}

impl<N: Fn(i64) -> OrderNo> Admission<'_, N> {
    /// Offers free places to tokens of the wait-list, in their order. Verdicts end at the first `NotNow`.
    pub fn offer(&mut self, wait_listed: &[Waiting]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(wait_listed.len());
        for token in wait_listed {
            let verdict = self.judge(token, self.over || self.wait_list_over);
            let stays = !self.wait_list_over && self.row.may_still_fit(token.places());
            let verdict =
                if verdict == Verdict::Decided(Outcome::Full) && stays { Verdict::WaitListed } else { verdict };
            if matches!(verdict, Verdict::Decided(_)) {
                self.row.wait_listed -= 1;
            }
            let stop = verdict == Verdict::NotNow;
            verdicts.push(verdict);
            if stop {
                break;
            }
        }
        verdicts
    }

    /// Decides tokens at the line's head, in their order, and moves the head. Verdicts end before the first `NotNow`.
    pub fn decide(&mut self, waiting: &[Waiting]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(waiting.len());
        for token in waiting {
            let mut verdict = self.judge(token, self.over);
            let room = !self.wait_list_over && self.row.wait_listed < self.row.rules.wait_list;
            if verdict == Verdict::Decided(Outcome::Full) && room && self.row.may_still_fit(token.places()) {
                verdict = Verdict::WaitListed;
                self.row.wait_listed += 1;
            }
            if verdict == Verdict::NotNow {
                break;
            }
            self.row.head += 1;
            verdicts.push(verdict);
        }
        verdicts
    }

    /// `over`: no place is given any more.
    fn judge(&mut self, token: &Waiting, over: bool) -> Verdict {
        if token.left {
            return Verdict::Decided(Outcome::Left);
        }
        if token.certificates.is_empty() {
            return Verdict::Decided(Outcome::Failed);
        }
        if let Some(holder) = token.certificates.iter().find_map(|certificate| self.taken.get(certificate)) {
            let own = holder.account == token.account;
            return Verdict::Decided(Outcome::AlreadyRegistered(own.then(|| holder.order_no.clone())));
        }
        let places = token.places();
        if over || !self.row.quota.fits(places) {
            return Verdict::Decided(Outcome::Full);
        }
        if self.orders_left < 1 {
            return Verdict::NotNow;
        }
        let quota = &mut self.row.quota;
        let given = if self.free_of_charge { quota.take_sold(places) } else { quota.hold(places) };
        if !given {
            return Verdict::Decided(Outcome::Full);
        }
        self.orders_left -= 1;
        let order_no = (self.order_number)(token.sequence);
        for certificate in &token.certificates {
            let holder = Holder { order_no: order_no.clone(), account: token.account };
            self.taken.insert(certificate.clone(), holder);
        }
        Verdict::Decided(Outcome::Ordered(order_no))
    }
}

/// The tail of an order number: no two sequences of a game, and no two of a thousand games, share one. `key` is the
/// installation's own: another one puts its numbers into another order, because installations that share a merchant
/// share the provider's numbers as well. That neighbours do not look like a count of sales is welcome; it is not a secret.
pub fn order_tail(key: u64, game: i64, sequence: i64) -> u64 {
    const HALF: u64 = 100_000;
    const ROUNDS: u64 = 6;
    let plain = (game.rem_euclid(1000) as u64) * 10_000_000 + sequence.rem_euclid(10_000_000) as u64;
    // A Feistel network over two halves of five digits: whatever `mixed` answers, no two numbers become one.
    let (mut left, mut right) = (plain / HALF, plain % HALF);
    for round in 0..ROUNDS {
        (left, right) = (right, (left + mixed(key, round, right) % HALF) % HALF);
    }
    left * HALF + right
}

/// The finish of SplitMix64: each bit of what goes in changes half of what comes out.
fn mixed(key: u64, round: u64, half: u64) -> u64 {
    let mut word = (key ^ ((round << 32) | half)).wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round + 1));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Seconds a client should wait before it asks again, by how many wait ahead of it.
pub fn poll_interval_seconds(ahead: i64) -> u32 {
    match ahead {
        ..10 => 1,
        10..100 => 3,
        100..5_000 => 5,
        5_000..20_000 => 10,
        20_000..60_000 => 20,
        _ => 30,
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
