//! How fast accounts speak: one window for all sockets of an account on this node, which outlives them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use actors::domain::ids::AccountId;
use actors::error::Result;
use actors::user_session::{RATE_WINDOW, Rate};

struct Spoken {
    rates: HashMap<AccountId, Rate>,
    swept: Instant,
}

/// Bounded: holds the accounts that spoke within the last two windows, and of each at most its limit of lines.
pub struct LineRates(Mutex<Spoken>);

impl LineRates {
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Spoken { rates: HashMap::new(), swept: now }))
    }

    /// Counts a line of `account` unless it has said `limit` within the window.
    ///
    /// Errors: `RateLimited`.
    pub fn take(&self, account: AccountId, limit: u32, now: Instant) -> Result<()> {
        let mut spoken = self.0.lock().unwrap_or_else(|poison| poison.into_inner());
        if now.duration_since(spoken.swept) >= RATE_WINDOW {
            spoken.rates.retain(|_, rate| !rate.is_idle(now));
            spoken.swept = now;
        }
        let rate = spoken.rates.entry(account).or_insert_with(|| Rate::new(Some(limit), RATE_WINDOW));
        rate.limit_to(limit);
        rate.take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn accounts_have_their_own_window_and_silent_ones_are_forgotten() {
        let start = Instant::now();
        let rates = LineRates::new(start);
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
