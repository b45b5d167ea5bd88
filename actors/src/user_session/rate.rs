//! How often something may happen: an exact sliding window. Time is passed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::error::{DomainError, Result};

/// The span of the line rate and of the requests'.
pub const RATE_WINDOW: Duration = Duration::from_secs(30);

/// At most so many in any window, exactly.
pub struct Rate {
    limit: Option<u32>,
    window: Duration,
    taken: VecDeque<Instant>,
}

impl Rate {
    pub fn new(limit: Option<u32>, window: Duration) -> Self {
        Self { limit, window, taken: VecDeque::new() }
    }

    /// From now on; what was taken before counts.
    pub fn limit_to(&mut self, limit: u32) {
        self.limit = Some(limit);
    }

    /// Nothing was taken in the last window: a new rate would answer the same.
    pub fn is_idle(&self, now: Instant) -> bool {
        self.taken.back().is_none_or(|last| now.duration_since(*last) >= self.window)
    }

    /// Errors: `RateLimited` with the time until the next one passes; it is not counted.
    pub fn take(&mut self, now: Instant) -> Result<()> {
        let Some(limit) = self.limit else {
            return Ok(());
        };
        while let Some(oldest) = self.taken.front()
            && now.duration_since(*oldest) >= self.window
        {
            self.taken.pop_front();
        }
        if self.taken.len() < limit as usize {
            self.taken.push_back(now);
            return Ok(());
        }
        // After the limit fell there may be more than it.
        let blocking = self.taken.get(self.taken.len() - limit as usize);
        let wait = blocking.map_or(self.window, |taken| self.window.saturating_sub(now.duration_since(*taken)));
        Err(DomainError::RateLimited { retry_after_seconds: wait.as_millis().div_ceil(1000).max(1) as u32 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_raised_limit_that_falls_again_counts_what_was_taken() {
        let now = Instant::now();
        let mut rate = Rate::new(Some(100), RATE_WINDOW);
        assert_eq!((0..101).filter(|_| rate.take(now).is_ok()).count(), 100);
        rate.limit_to(20);
        let later = now + Duration::from_secs(1);
        assert_eq!(rate.take(later), Err(DomainError::RateLimited { retry_after_seconds: 29 }));
        assert!(!rate.is_idle(later));
        assert!(rate.is_idle(now + RATE_WINDOW));
        rate.take(now + RATE_WINDOW).unwrap();
    }

    proptest! {
        #[test]
        fn no_thirty_seconds_ever_hold_more_than_the_limit(
            gaps in proptest::collection::vec(0u64..4000, 1..200), limit in 1u32..25
        ) {
            let mut now = Instant::now();
            let mut rate = Rate::new(Some(limit), RATE_WINDOW);
            let mut passed: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                let recent = passed.iter().filter(|at| now.duration_since(**at) < RATE_WINDOW).count();
                let allowed = rate.take(now).is_ok();
                prop_assert_eq!(allowed, recent < limit as usize);
                prop_assert!(rate.taken.len() <= limit as usize);
                if allowed {
                    passed.push(now);
                }
            }
        }
    }

    #[test]
    fn without_limits_anything_passes() {
        let now = Instant::now();
        let mut rate = Rate::new(None, RATE_WINDOW);
        assert!((0..1000).all(|_| rate.take(now).is_ok()));
        assert!(rate.taken.is_empty());
    }
}
