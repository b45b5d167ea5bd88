//! What polls read: a line's numbers as atomics and its latest outcomes, published by the actor after each commit. A
//! poll touches neither the mailbox nor the database.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex, RwLock};

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::messages::{QueueRow, QueueState};
use super::state::{Outcome, Quota};
use crate::domain::ids::GameId;

/// Outcomes kept in memory per game; older ones are one indexed read away.
pub const RECENT_OUTCOMES: usize = 262_144;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// So many are still to be decided before and including this token; at least 1.
    Waiting {
        place: i64,
    },
    Decided(Outcome),
    /// Decided, but not in memory: ask the ledger.
    Forgotten,
    /// No such sequence has been handed out, as far as this node knows.
    Unknown,
}

pub struct QueueView {
    loaded: AtomicBool,
    head: AtomicI64,
    tail: AtomicI64,
    row: Mutex<Option<QueueRow>>,
    /// Full for everybody: limited, nothing left. Lets a sold-out game answer without the actor.
    exhausted: AtomicBool,
    recent: RwLock<Recent>,
    decided: AtomicI64,
    decided_at_last_tick: AtomicI64,
    /// Tokens decided a second, in thousandths, smoothed.
    rate_milli: AtomicI64,
    published: Notify,
}

#[derive(Default)]
struct Recent {
    /// Sequence of the first kept outcome.
    first: i64,
    outcomes: VecDeque<Outcome>,
}

impl Recent {
    fn extend(&mut self, first: i64, outcomes: Vec<Outcome>) {
        let expected = self.first + self.outcomes.len() as i64;
        if self.outcomes.is_empty() || first != expected {
            if first < expected && !self.outcomes.is_empty() {
                return;
            }
            self.outcomes.clear();
            self.first = first;
        }
        self.outcomes.extend(outcomes);
        while self.outcomes.len() > RECENT_OUTCOMES {
            self.outcomes.pop_front();
            self.first += 1;
        }
    }

    fn get(&self, sequence: i64) -> Option<&Outcome> {
        usize::try_from(sequence - self.first).ok().and_then(|index| self.outcomes.get(index))
    }
}

impl QueueView {
    fn new() -> Self {
        Self {
            loaded: AtomicBool::new(false),
            head: AtomicI64::new(0),
            tail: AtomicI64::new(0),
            row: Mutex::new(None),
            exhausted: AtomicBool::new(false),
            recent: RwLock::default(),
            decided: AtomicI64::new(0),
            decided_at_last_tick: AtomicI64::new(0),
            rate_milli: AtomicI64::new(0),
            published: Notify::new(),
        }
    }

    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Relaxed)
    }

    pub fn place(&self, sequence: i64) -> Place {
        let head = self.head.load(Acquire);
        if sequence > head {
            if sequence > self.tail.load(Relaxed) {
                return Place::Unknown;
            }
            return Place::Waiting { place: sequence - head };
        }
        let recent = self.recent.read().unwrap_or_else(|poison| poison.into_inner());
        recent.get(sequence).map_or(Place::Forgotten, |outcome| Place::Decided(outcome.clone()))
    }

    /// Tokens not decided yet.
    pub fn waiting(&self) -> i64 {
        (self.tail.load(Relaxed) - self.head.load(Relaxed)).max(0)
    }

    pub fn is_exhausted(&self) -> bool {
        self.exhausted.load(Relaxed)
    }

    /// Tokens decided by this node since it started.
    pub fn decided_here(&self) -> i64 {
        self.decided.load(Relaxed)
    }

    /// Takes stock of the last second; to be called once a second.
    pub fn tick(&self) {
        let decided = self.decided.load(Relaxed);
        let fresh_milli = (decided - self.decided_at_last_tick.swap(decided, Relaxed)) * 1_000;
        let smoothed = (self.rate_milli.load(Relaxed) * 3 + fresh_milli) / 4;
        self.rate_milli.store(smoothed, Relaxed);
    }

    /// Tokens this node decides a second, smoothed over some seconds.
    pub fn rate_per_second(&self) -> f64 {
        self.rate_milli.load(Relaxed) as f64 / 1_000.0
    }

    pub fn row(&self) -> Option<QueueRow> {
        *self.row.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    pub fn quota(&self) -> Option<Quota> {
        self.row().map(|row| row.quota)
    }

    /// Outcomes first, numbers after: who sees the new head must find the outcome.
    pub fn publish_outcomes(&self, first: i64, outcomes: Vec<Outcome>) {
        self.decided.fetch_add(outcomes.len() as i64, Relaxed);
        let mut recent = self.recent.write().unwrap_or_else(|poison| poison.into_inner());
        recent.extend(first, outcomes);
    }

    /// Publishes a committed row, unless a newer one was published already. `head` and `tail` never fall.
    pub fn publish_row(&self, row: QueueRow) {
        let mut latest = self.row.lock().unwrap_or_else(|poison| poison.into_inner());
        if latest.is_some_and(|latest| latest.version >= row.version) {
            return;
        }
        *latest = Some(row);
        self.tail.fetch_max(row.tail, Relaxed);
        self.head.fetch_max(row.head, Release);
        let full = !row.quota.is_unlimited() && row.quota.balance == 0 && row.state != QueueState::Closed;
        self.exhausted.store(full, Relaxed);
        self.loaded.store(true, Relaxed);
        drop(latest);
        self.published.notify_waiters();
    }

    /// Ends with the next `publish_row` that is news. Counts from this call on, so take it before looking.
    pub fn next_publication(&self) -> Notified<'_> {
        self.published.notified()
    }
}

/// The views of all games, found without a lock.
#[derive(Default)]
pub struct Views {
    map: ArcSwap<HashMap<GameId, Arc<QueueView>>>,
}

impl Views {
    pub fn get(&self, game: GameId) -> Option<Arc<QueueView>> {
        self.map.load().get(&game).cloned()
    }

    /// The view of a game that exists; bounded by the number of games.
    pub fn get_or_create(&self, game: GameId) -> Arc<QueueView> {
        if let Some(view) = self.get(game) {
            return view;
        }
        let fresh = Arc::new(QueueView::new());
        self.map.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.entry(game).or_insert_with(|| fresh.clone());
            map
        });
        self.get(game).unwrap_or(fresh)
    }

    pub fn all(&self) -> Vec<(GameId, Arc<QueueView>)> {
        self.map.load().iter().map(|(game, view)| (*game, view.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(version: i64, head: i64, tail: i64) -> QueueRow {
        QueueRow { version, state: QueueState::Open, tail, head, quota: Quota::default() }
    }

    #[test]
    fn place_falls_with_the_head_and_never_rises() {
        let view = QueueView::new();
        view.publish_row(row(1, 0, 10));
        assert_eq!(view.place(7), Place::Waiting { place: 7 });
        view.publish_outcomes(1, vec![Outcome::Full; 4]);
        view.publish_row(row(3, 4, 12));
        assert_eq!(view.place(7), Place::Waiting { place: 3 });
        view.publish_row(row(2, 0, 11));
        assert_eq!(view.place(7), Place::Waiting { place: 3 }, "a late answer changes nothing");
        assert_eq!(view.place(2), Place::Decided(Outcome::Full));
        assert_eq!(view.place(13), Place::Unknown);
    }

    #[test]
    fn rate_follows_the_decisions_of_the_last_seconds() {
        let view = QueueView::new();
        for second in 0..30 {
            view.publish_outcomes(1 + second * 100, vec![Outcome::Full; 100]);
            view.tick();
        }
        assert!((view.rate_per_second() - 100.0).abs() < 1.0, "{}", view.rate_per_second());
        (0..60).for_each(|_| view.tick());
        assert!(view.rate_per_second() < 1.0);
    }

    #[test]
    fn outcomes_are_bounded_and_a_gap_forgets() {
        let view = QueueView::new();
        for batch in 0..270 {
            view.publish_outcomes(1 + batch * 1_000, vec![Outcome::Full; 1_000]);
        }
        view.publish_row(row(1, 270_000, 270_000));
        assert_eq!(view.place(1), Place::Forgotten);
        assert_eq!(view.place(270_000), Place::Decided(Outcome::Full));
        view.publish_outcomes(280_001, vec![Outcome::Failed]);
        view.publish_row(row(2, 280_001, 280_001));
        assert_eq!(view.place(270_000), Place::Forgotten);
        assert_eq!(view.place(280_001), Place::Decided(Outcome::Failed));
        view.publish_outcomes(280_001, vec![Outcome::Full]);
        assert_eq!(view.place(280_001), Place::Decided(Outcome::Failed), "an outcome is final");
    }
}
