//! How many places of one game a single account may keep from everybody else without paying. Pure: the ledger counts
//! under the row's lock and asks here before a token is made.

use crate::error::OverLimit;

/// Multiple of its limit that an account may request within `WINDOW_MS` without paying. Orders can be cancelled and taken
/// again, and tokens left and made again, so a bound on open places alone would neither end the holding nor bound the
/// stored players. Five rounds leave room for changed minds and expired payments.
pub const ROUNDS: i64 = 5;
pub const WINDOW_MS: i64 = 24 * 3_600_000;

/// An account's unpaid places of a game, as counted under the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenPlaces {
    /// The most that may be open at once.
    pub limit: i64,
    /// Players that wait and places of orders nobody paid money for.
    pub open: i64,
    /// Places of the tokens made within the window that led to no payment.
    pub unpaid_in_window: i64,
}

impl OpenPlaces {
    /// Counts a new token of so many places, or says which limit it would pass and counts nothing.
    pub fn take(&mut self, places: i64) -> Result<(), OverLimit> {
        let most_in_window = self.limit * ROUNDS;
        if self.open + places > self.limit {
            return Err(OverLimit::Open { limit: self.limit, open: self.open });
        }
        if self.unpaid_in_window + places > most_in_window {
            return Err(OverLimit::Window { limit: most_in_window, requested: self.unpaid_in_window });
        }
        self.open += places;
        self.unpaid_in_window += places;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_places_end_at_the_limit_and_a_refusal_counts_nothing() {
        let mut places = OpenPlaces { limit: 10, ..OpenPlaces::default() };
        assert_eq!(places.take(11), Err(OverLimit::Open { limit: 10, open: 0 }));
        assert_eq!(places.take(7), Ok(()));
        assert_eq!(places.take(4), Err(OverLimit::Open { limit: 10, open: 7 }));
        assert_eq!(places.take(3), Ok(()));
        assert_eq!(places, OpenPlaces { limit: 10, open: 10, unpaid_in_window: 10 });
    }

    #[test]
    fn what_is_taken_and_released_again_and_again_ends_within_the_window() {
        let mut places = OpenPlaces { limit: 2, ..OpenPlaces::default() };
        for _ in 0..ROUNDS {
            assert_eq!(places.take(2), Ok(()));
            places.open = 0;
        }
        assert_eq!(places.take(1), Err(OverLimit::Window { limit: 10, requested: 10 }));
        places.unpaid_in_window = 8;
        assert_eq!(places.take(2), Ok(()), "a payment or the window's end makes room");
    }
}
