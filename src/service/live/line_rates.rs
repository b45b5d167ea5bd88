//! Rates that several sockets on this node share, and that outlive them: how fast an account speaks, how much an address
//! asks.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Instant;

use actors::error::Result;
use actors::user_session::{RATE_WINDOW, Rate};

struct Taken<K> {
    rates: HashMap<K, Rate>,
    swept: Instant,
}

/// Bounded: holds the keys that were taken from within the last two windows, and of each at most its limit.
pub struct SharedRates<K>(Mutex<Taken<K>>);

impl<K: Eq + Hash> SharedRates<K> {
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Taken { rates: HashMap::new(), swept: now }))
    }

    /// Counts one for `key` unless it has `limit` within the window.
    ///
    /// Errors: `RateLimited`.
    pub fn take(&self, key: K, limit: u32, now: Instant) -> Result<()> {
        let mut taken = self.0.lock().unwrap_or_else(|poison| poison.into_inner());
        if now.duration_since(taken.swept) >= RATE_WINDOW {
            taken.rates.retain(|_, rate| !rate.is_idle(now));
            taken.swept = now;
        }
        let rate = taken.rates.entry(key).or_insert_with(|| Rate::new(Some(limit), RATE_WINDOW));
        rate.limit_to(limit);
        rate.take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actors::domain::ids::AccountId;

    use super::*;

    #[test]
    fn accounts_have_their_own_window_and_silent_ones_are_forgotten() {
        let start = Instant::now();
        let rates = SharedRates::new(start);
        let taken = |account, limit, now| rates.take(AccountId(account), limit, now).is_ok();
        assert_eq!((0..30).filter(|_| taken(1, 20, start)).count(), 20);
        assert_eq!((0..200).filter(|_| taken(2, 100, start)).count(), 100);
        for account in 3..1000 {
            assert!(taken(account, 20, start));
        }
        let later = start + RATE_WINDOW - Duration::from_millis(1);
        assert!(!taken(1, 20, later));
        assert!(taken(3, 20, later));
        assert!(taken(1, 20, start + RATE_WINDOW));
        assert_eq!(rates.0.lock().unwrap().rates.len(), 2, "only who spoke lately is kept");
    }
}
