//! The pure part of a game's line: where places go and how tokens are decided. No clock, no database, no randomness:
//! the ledger calls it between reading under the row's lock and writing in the same transaction.

use std::collections::HashMap;

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
    /// A player is registered in this game already. The earlier order is named only when it is the same account's.
    AlreadyRegistered(Option<OrderNo>),
}

impl Outcome {
    /// The stored number; the same as the command dialect's queue states.
    pub fn code(&self) -> i64 {
        match self {
            Self::Ordered(_) => 1,
            Self::Full => 2,
            Self::Failed => 3,
            Self::AlreadyRegistered(_) => 4,
        }
    }

    pub fn order_no(&self) -> Option<&OrderNo> {
        match self {
            Self::Ordered(order_no) => Some(order_no),
            Self::AlreadyRegistered(earlier) => earlier.as_ref(),
            Self::Full | Self::Failed => None,
        }
    }

    pub fn from_stored(code: i64, order_no: Option<OrderNo>) -> Option<Self> {
        match (code, order_no) {
            (1, Some(order_no)) => Some(Self::Ordered(order_no)),
            (2, _) => Some(Self::Full),
            (3, _) => Some(Self::Failed),
            (4, earlier) => Some(Self::AlreadyRegistered(earlier)),
            _ => None,
        }
    }
}

/// Decides tokens in their order. `taken` holds the certificates that have a live registration in the game and grows
/// with every order made; `order_number` gives a new number for a sequence.
pub fn decide(
    quota: &mut Quota,
    taken: &mut HashMap<String, Holder>,
    waiting: &[Waiting],
    order_number: impl Fn(i64) -> OrderNo,
) -> Vec<Outcome> {
    waiting
        .iter()
        .map(|token| {
            if token.certificates.is_empty() {
                return Outcome::Failed;
            }
            if let Some(holder) = token.certificates.iter().find_map(|certificate| taken.get(certificate)) {
                let own = holder.account == token.account;
                return Outcome::AlreadyRegistered(own.then(|| holder.order_no.clone()));
            }
            let places = i64::try_from(token.certificates.len()).unwrap_or(i64::MAX);
            if !quota.hold(places) {
                return Outcome::Full;
            }
            let order_no = order_number(token.sequence);
            for certificate in &token.certificates {
                let holder = Holder { order_no: order_no.clone(), account: token.account };
                taken.insert(certificate.clone(), holder);
            }
            Outcome::Ordered(order_no)
        })
        .collect()
}

/// The tail of an order number: no two sequences of a game, and no two of a thousand games, share one. The
/// multiplication only keeps neighbours from looking like a count of sales; it is not a secret.
pub fn order_tail(game: i64, sequence: i64) -> u64 {
    const SPREAD: u128 = 7_368_787_253;
    let plain = (game.rem_euclid(1000) as u128) * 10_000_000 + (sequence.rem_euclid(10_000_000) as u128);
    (plain * SPREAD % 10_000_000_000) as u64
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
