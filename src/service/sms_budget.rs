//! The budget of code messages of everybody together, by the minute and by the day: what a flood from many addresses can
//! cost. The counts are rows in SQL beside those of each phone; here is the alarm.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A budget that can be used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    Minute,
    Day,
}

impl Budget {
    pub const ALL: [Self; 2] = [Self::Minute, Self::Day];

    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
        }
    }
}

/// Raises an alarm once per window whose budget is used up.
#[derive(Clone, Default)]
pub struct SmsBudget(Arc<[Alarm; 2]>);

#[derive(Default)]
struct Alarm {
    refused: AtomicU64,
    /// The last window that was reported.
    window: AtomicI64,
}

impl SmsBudget {
    /// Counts a message that was refused in a window. Returns whether it is the first one there, which is logged.
    pub fn refuse(&self, budget: Budget, window: i64, most: i64) -> bool {
        let alarm = self.of(budget);
        alarm.refused.fetch_add(1, Ordering::Relaxed);
        let first = alarm.window.swap(window, Ordering::AcqRel) != window;
        if first {
            tracing::error!(budget = budget.name(), most, "the budget of code messages is used up: codes are refused");
        }
        first
    }

    /// Messages that this node refused since its start.
    pub fn refused(&self, budget: Budget) -> u64 {
        self.of(budget).refused.load(Ordering::Relaxed)
    }

    fn of(&self, budget: Budget) -> &Alarm {
        match budget {
            Budget::Minute => &self.0[0],
            Budget::Day => &self.0[1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_raises_one_alarm() {
        let budget = SmsBudget::default();
        assert!(budget.refuse(Budget::Minute, 7, 1));
        assert!(!budget.refuse(Budget::Minute, 7, 1));
        assert!(budget.refuse(Budget::Day, 7, 1), "each budget by itself");
        assert!(budget.refuse(Budget::Minute, 8, 1));
        assert_eq!(Budget::ALL.map(|each| budget.refused(each)), [3, 1]);
    }
}
