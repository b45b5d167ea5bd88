//! Limits on how often something may be tried: the rule, its arithmetic, and the port behind which the counts live.
//!
//! A rule is a bucket of `most` tries that refills evenly within `window_seconds` (GCRA). One number per key holds the
//! whole state: the moment at which the bucket is full again. A key whose moment has passed needs no memory.

use std::fmt;

use async_trait::async_trait;

/// A limit by its name. The name is part of the stored key, so that two limits never share a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub name: &'static str,
    pub most: u32,
    pub window_seconds: u32,
}

impl Rule {
    pub const fn new(name: &'static str, most: u32, window_seconds: u32) -> Self {
        Self { name, most, window_seconds }
    }

    pub const fn per_minute(name: &'static str, most: u32) -> Self {
        Self::new(name, most, 60)
    }

    /// Microseconds in which an empty bucket fills.
    pub fn window_us(self) -> i64 {
        i64::from(self.window_seconds.max(1)) * 1_000_000
    }

    /// Microseconds in which one try comes back.
    pub fn interval_us(self) -> i64 {
        (self.window_us() / i64::from(self.most.max(1))).max(1)
    }

    /// Whether a bucket that is full again at `full_at` has a try left. Errors: the microseconds to wait.
    pub fn admits(self, full_at: i64, now_us: i64) -> Result<(), i64> {
        let wait = self.bounded(full_at, now_us) - now_us - (self.window_us() - self.interval_us());
        if wait <= 0 { Ok(()) } else { Err(wait) }
    }

    /// `full_at` after one more try.
    pub fn taken(self, full_at: i64, now_us: i64) -> i64 {
        self.bounded(full_at, now_us) + self.interval_us()
    }

    /// `full_at` after one try was given back.
    pub fn given_back(self, full_at: i64, now_us: i64) -> i64 {
        (self.bounded(full_at, now_us) - self.interval_us()).max(now_us)
    }

    /// A clock that was set back, or a rule that became stricter, never costs more than one window.
    fn bounded(self, full_at: i64, now_us: i64) -> i64 {
        full_at.clamp(now_us, now_us + self.window_us())
    }
}

/// What is counted, as a keyed hash: stores see nothing personal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountKey(pub [u8; 16]);

impl fmt::Display for CountKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for CountKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// One count that a decision looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub rule: Rule,
    pub key: CountKey,
    /// Shared by many keys: an unknown key is counted under it while the table of keys is full.
    pub wide_key: CountKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Counts one try in every count, or in none of them when one refuses.
    Take,
    /// Changes nothing.
    Look,
    /// Returns a try that turned out not to count. Never refused.
    GiveBack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Admitted,
    Refused {
        /// Index of the first count that refused.
        by: usize,
        wait_us: i64,
    },
}

/// How the counts are shared with other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharing {
    /// False while this process counts alone because the shared store is away.
    pub shared: bool,
    /// How often that changed.
    pub changes: u64,
}

/// Counts of tries. A decision is one step: no other decision over the same counts comes between.
#[async_trait]
pub trait Counts: Send + Sync {
    /// All counts of one decision. `group` names the decision: a store that spreads keys over machines keeps the keys of
    /// one group together. `now_ms` is this process's clock; a store with a clock of its own uses that.
    async fn decide(&self, act: Act, group: &'static str, counts: &[Count], now_ms: i64) -> Verdict;

    /// Forgets keys that no longer count.
    fn tidy(&self, now_ms: i64);

    /// `None`: counts of this process alone, by choice.
    fn sharing(&self) -> Option<Sharing> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000_000;

    /// Tries that are admitted one after another at `now`; `full_at` moves along.
    fn burst(rule: Rule, full_at: &mut i64, now: i64) -> u32 {
        let mut admitted = 0;
        while admitted < 10_000 && rule.admits(*full_at, now).is_ok() {
            *full_at = rule.taken(*full_at, now);
            admitted += 1;
        }
        admitted
    }

    #[test]
    fn a_bucket_holds_its_tries_and_refills_evenly() {
        for most in [1, 2, 3, 7, 30, 600, 6_000] {
            let (rule, mut full_at) = (Rule::per_minute("x", most), 0);
            assert_eq!(burst(rule, &mut full_at, NOW), most);
            let wait = rule.admits(full_at, NOW).unwrap_err();
            assert!((1..=60_000_000 / i64::from(most)).contains(&wait), "{most}: {wait}");
            assert!(rule.admits(full_at, NOW + wait).is_ok(), "{most}: worth waiting for");
            assert_eq!(burst(rule, &mut full_at, NOW + 60_000_000), most, "all are back");
        }
    }

    #[test]
    fn a_try_that_was_given_back_can_be_taken_again() {
        let (rule, mut full_at) = (Rule::per_minute("x", 3), 0);
        burst(rule, &mut full_at, NOW);
        full_at = rule.given_back(full_at, NOW);
        assert_eq!(burst(rule, &mut full_at, NOW), 1);
        assert_eq!(rule.given_back(0, NOW), NOW, "never more than the bucket holds");
    }

    #[test]
    fn a_clock_that_was_set_back_costs_one_window_at_most() {
        let rule = Rule::per_minute("x", 3);
        let full_at = rule.taken(0, NOW + 3_600_000_000);
        assert!(rule.admits(full_at, NOW).unwrap_err() <= 60_000_000);
    }
}
