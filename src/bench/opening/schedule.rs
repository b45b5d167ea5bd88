//! What is to be done, by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::person::Act;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    pub at: Instant,
    /// Index of the person.
    pub person: usize,
    pub act: Act,
}

/// Holds at most a few entries a person: what somebody does next is only known when the last thing is done.
#[derive(Debug, Default)]
pub struct Schedule(BinaryHeap<Reverse<Due>>);

impl Schedule {
    pub fn add(&mut self, due: Due) {
        self.0.push(Reverse(due));
    }

    pub fn next_at(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse(due)| due.at)
    }

    /// The earliest entry whose time has come.
    pub fn take(&mut self, now: Instant) -> Option<Due> {
        if self.next_at()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(due)| due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_comes_first_and_none_before_its_time() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        for (milliseconds, person) in [(30, 3), (10, 1), (20, 2)] {
            schedule.add(Due { at: start + Duration::from_millis(milliseconds), person, act: Act::Poll });
        }
        assert_eq!(schedule.take(start), None);
        assert_eq!(schedule.next_at(), Some(start + Duration::from_millis(10)));
        let later = start + Duration::from_millis(25);
        let taken: Vec<usize> = std::iter::from_fn(|| schedule.take(later)).map(|due| due.person).collect();
        assert_eq!(taken, [1, 2]);
    }
}
