//! Counts of one process, in bounded memory. While a limit's table of keys is full, an unknown key is counted in a bucket
//! that it shares with others: nobody passes uncounted.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actors::counts::{Act, Count, CountKey, Counts, Verdict};
use async_trait::async_trait;

/// Keys that one limit remembers, about 4 MB.
const MOST_KEYS: usize = 100_000;
/// Shared buckets of one limit, made when its table is full for the first time.
const SHARED: usize = 1 << 16;
/// A full table is searched for keys that no longer count once in this time, or each request of a flood would pay for it.
const TIDY_PAUSE_MS: i64 = 1_000;

pub struct MemoryCounts {
    most_keys: usize,
    tables: Mutex<HashMap<&'static str, Table>>,
}

impl Default for MemoryCounts {
    fn default() -> Self {
        Self::with_room_for(MOST_KEYS)
    }
}

#[derive(Default)]
struct Table {
    /// When the bucket of each key is full again, in microseconds since 1970.
    keys: HashMap<CountKey, i64>,
    shared: Vec<i64>,
    tidied_at_ms: i64,
}

impl Table {
    /// Whether the key is counted in a shared bucket now.
    fn shares(&self, key: CountKey, most_keys: usize) -> bool {
        self.keys.len() >= most_keys && !self.keys.contains_key(&key)
    }

    /// When the count's bucket is full again. Makes room for an unknown key if it can, and stores nothing.
    fn full_at(&mut self, count: &Count, most_keys: usize, now_ms: i64) -> i64 {
        if self.shares(count.key, most_keys) && (now_ms - self.tidied_at_ms).abs() >= TIDY_PAUSE_MS {
            self.tidy(now_ms);
        }
        if self.shares(count.key, most_keys) {
            return self.shared.get(slot(count.wide_key)).copied().unwrap_or_default();
        }
        self.keys.get(&count.key).copied().unwrap_or_default()
    }

    fn set(&mut self, count: &Count, most_keys: usize, full_at: i64) {
        if !self.shares(count.key, most_keys) {
            self.keys.insert(count.key, full_at);
            return;
        }
        if self.shared.is_empty() {
            self.shared = vec![0; SHARED];
        }
        self.shared[slot(count.wide_key)] = full_at;
    }

    fn tidy(&mut self, now_ms: i64) {
        self.tidied_at_ms = now_ms;
        self.keys.retain(|_, full_at| *full_at > now_ms * 1000);
        if self.keys.capacity() > self.keys.len().saturating_mul(4).max(1_024) {
            self.keys.shrink_to_fit();
        }
    }
}

/// The key is a keyed hash: nobody can choose the bucket.
fn slot(key: CountKey) -> usize {
    usize::from(u16::from_le_bytes([key.0[0], key.0[1]]))
}

impl MemoryCounts {
    fn with_room_for(most_keys: usize) -> Self {
        Self { most_keys, tables: Mutex::default() }
    }

    /// As `Counts::decide`.
    pub(in crate::store) fn decide_now(&self, act: Act, counts: &[Count], now_ms: i64) -> Verdict {
        let now_us = now_ms * 1000;
        let mut tables = self.tables();
        let mut read =
            |count: &Count| tables.entry(count.rule.name).or_default().full_at(count, self.most_keys, now_ms);
        let found: Vec<i64> = counts.iter().map(&mut read).collect();
        if act != Act::GiveBack {
            for (by, (count, full_at)) in counts.iter().zip(&found).enumerate() {
                if let Err(wait_us) = count.rule.admits(*full_at, now_us) {
                    return Verdict::Refused { by, wait_us };
                }
            }
        }
        for (count, full_at) in counts.iter().zip(found) {
            let next = match act {
                Act::Look => continue,
                Act::Take => count.rule.taken(full_at, now_us),
                Act::GiveBack => count.rule.given_back(full_at, now_us),
            };
            tables.entry(count.rule.name).or_default().set(count, self.most_keys, next);
        }
        Verdict::Admitted
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<&'static str, Table>> {
        // The numbers are whole after every step; a panic elsewhere leaves nothing half done.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Counts for MemoryCounts {
    async fn decide(&self, act: Act, _group: &'static str, counts: &[Count], now_ms: i64) -> Verdict {
        self.decide_now(act, counts, now_ms)
    }

    fn tidy(&self, now_ms: i64) {
        let names: Vec<&'static str> = self.tables().keys().copied().collect();
        for name in names {
            // One table at a time, so that requests come between.
            if let Some(table) = self.tables().get_mut(name) {
                table.tidy(now_ms);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actors::counts::Rule;

    use super::*;

    const RULE: Rule = Rule::per_minute("x", 2);
    const NOW: i64 = 1_700_000_000_000;

    fn key(number: u32) -> CountKey {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        CountKey(bytes)
    }

    fn count(number: u32, wide: u32) -> Count {
        Count { rule: RULE, key: key(number), wide_key: key(wide) }
    }

    fn takes(counts: &MemoryCounts, count: Count, now_ms: i64) -> bool {
        counts.decide_now(Act::Take, &[count], now_ms) == Verdict::Admitted
    }

    #[test]
    fn a_full_table_counts_unknown_keys_together_and_lets_nobody_pass_uncounted() {
        let counts = MemoryCounts::with_room_for(3);
        for known in 0..3 {
            assert!(takes(&counts, count(known, 9), NOW));
        }
        // Two networks of unknown keys: each network has two tries in all.
        let admitted = (100..200).filter(|unknown| takes(&counts, count(*unknown, 7), NOW)).count();
        assert_eq!(admitted, 2);
        assert!(takes(&counts, count(300, 8), NOW), "another network has a bucket of its own");
        assert!(takes(&counts, count(0, 9), NOW), "known keys keep their own count");
        assert!(!takes(&counts, count(0, 9), NOW));
        assert_eq!(counts.tables()["x"].keys.len(), 3);
        assert!(takes(&counts, count(100, 7), NOW + 60_000), "keys that no longer count make room");
    }

    #[test]
    fn all_counts_of_a_decision_are_taken_or_none() {
        let counts = MemoryCounts::default();
        let (mine, shared) = (count(1, 1), Count { rule: Rule::per_minute("y", 1), ..count(2, 2) });
        assert_eq!(counts.decide_now(Act::Take, &[mine, shared], NOW), Verdict::Admitted);
        let refused = counts.decide_now(Act::Take, &[mine, shared], NOW);
        assert!(matches!(refused, Verdict::Refused { by: 1, wait_us: 1..=60_000_000 }), "{refused:?}");
        assert!(takes(&counts, mine, NOW), "the refused decision took nothing from the first count");
        assert!(!takes(&counts, mine, NOW));
        assert_eq!(counts.decide_now(Act::GiveBack, &[mine, shared], NOW), Verdict::Admitted);
        for _ in 0..3 {
            assert_eq!(counts.decide_now(Act::Look, &[mine, shared], NOW), Verdict::Admitted, "a look takes nothing");
        }
        assert!(takes(&counts, mine, NOW));
    }

    #[test]
    fn tidying_forgets_what_no_longer_counts() {
        let counts = MemoryCounts::default();
        takes(&counts, count(1, 1), NOW);
        takes(&counts, count(2, 2), NOW + 29_000);
        counts.tidy(NOW + 31_000);
        assert_eq!(counts.tables()["x"].keys.len(), 1);
    }
}
