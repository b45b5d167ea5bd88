//! How long a wait may last, told from what the line did in the last minute. Pure: fed once a second, asked by polls.

use std::collections::VecDeque;

use crate::domain::queue::Wait;

/// Seconds looked back.
const WINDOW: usize = 60;
/// The present is the mean of so many seconds.
const RECENT: usize = 10;
/// Less than this is too little to say anything.
const LEAST_DECIDED: i64 = 20;
const LEAST_SECONDS: usize = 5;

/// The last minute of a line, a number a second.
#[derive(Debug, Default)]
pub struct Pace {
    seconds: VecDeque<i64>,
    head: Option<i64>,
}

/// Tokens decided a second, in thousandths: the slowest and the fastest that the last minute makes likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    pub slow_milli: i64,
    pub fast_milli: i64,
}

impl Pace {
    /// Takes stock of the last second. `moving`: the line was open and somebody waited; seconds in which nothing could
    /// be decided say nothing about how fast it goes.
    pub fn tick(&mut self, head: i64, moving: bool) {
        let decided = self.head.map_or(0, |before| (head - before).max(0));
        if self.head.replace(head).is_some() && (moving || decided > 0) {
            self.seconds.push_back(decided);
            if self.seconds.len() > WINDOW {
                self.seconds.pop_front();
            }
        }
    }

    /// Mean of the last ten seconds, in thousandths a second.
    pub fn present_milli(&self) -> i64 {
        mean_milli(self.seconds.iter().rev().take(RECENT))
    }

    /// None when too little was seen.
    pub fn rates(&self) -> Option<Rates> {
        let total: i64 = self.seconds.iter().sum();
        if total < LEAST_DECIDED || self.seconds.len() < LEAST_SECONDS {
            return None;
        }
        let all = mean_milli(self.seconds.iter());
        let present = self.present_milli();
        let (slow_milli, fast_milli) = (all.min(present), all.max(present));
        (slow_milli > 0).then_some(Rates { slow_milli, fast_milli })
    }
}

fn mean_milli<'a>(seconds: impl Iterator<Item = &'a i64>) -> i64 {
    let (sum, count) = seconds.fold((0, 0), |(sum, count), second| (sum + second, count + 1));
    if count == 0 { 0 } else { sum * 1_000 / count }
}

impl Rates {
    /// Seconds until a token is decided that has so many before and including it in the line. A fifth is allowed for on
    /// both sides.
    pub fn wait(self, in_line: i64) -> Wait {
        let seconds = |milli: i64| (in_line * 1_000 + milli - 1) / milli.max(1);
        let fit = |seconds: i64| u32::try_from(seconds).unwrap_or(u32::MAX);
        Wait { low: fit(seconds(self.fast_milli) * 4 / 5), high: fit(seconds(self.slow_milli) * 6 / 5 + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(seconds: &[i64]) -> Pace {
        let mut pace = Pace::default();
        let mut head = 0;
        pace.tick(head, true);
        for decided in seconds {
            head += decided;
            pace.tick(head, true);
        }
        pace
    }

    #[test]
    fn steady_line_is_told_within_a_fifth() {
        let wait = pace(&[50; 30]).rates().unwrap().wait(1_000);
        assert_eq!(wait, Wait { low: 16, high: 25 });
    }

    #[test]
    fn changing_line_gives_a_wide_range() {
        let mut seconds = [100; 50].to_vec();
        seconds.extend([20; 10]);
        let wait = pace(&seconds).rates().unwrap().wait(1_000);
        assert!(wait.low <= 10 && wait.high >= 50, "{wait:?}");
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(pace(&[]).rates(), None);
        assert_eq!(pace(&[100, 100]).rates(), None, "two seconds");
        assert_eq!(pace(&[1; 10]).rates(), None, "ten tokens");
        let mut stopped = [50; 20].to_vec();
        stopped.extend([0; 10]);
        assert_eq!(pace(&stopped).rates(), None, "it stands still");
    }

    #[test]
    fn seconds_without_anybody_do_not_slow_the_line() {
        let mut pace = pace(&[50; 20]);
        (0..60).for_each(|_| pace.tick(1_000, false));
        assert_eq!(pace.rates(), Some(Rates { slow_milli: 50_000, fast_milli: 50_000 }));
    }
}
