//! What polls read: a line's numbers and lists as one snapshot, and its latest outcomes, published by the actor after
//! each commit. A poll touches neither the mailbox nor the database.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::messages::{Admitted, Committed, Known, Lists, Loaded};
use super::row::{QueueRow, QueueState};
use super::state::{Outcome, Quota};
use super::wait::{Pace, Rates};
use crate::domain::ids::GameId;
use crate::domain::queue::Wait;
use crate::draw::line_order::LineOrder;

/// Outcomes kept in memory per game; older ones are one indexed read away.
pub const RECENT_OUTCOMES: usize = 262_144;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The line is not opened or drawn yet: there is no order to have a place in.
    BeforeOpening,
    /// So many are still to be decided before and including this token; at least 1. `wait`: when there is enough to tell.
    Waiting {
        place: i64,
        wait: Option<Wait>,
    },
    /// On the wait-list, at this place of it.
    WaitListed {
        place: i64,
    },
    Decided(Outcome),
    /// Decided, but not in memory: ask the ledger.
    Forgotten,
    /// No such sequence has been handed out, as far as this node knows.
    Unknown,
}

/// One consistent picture of a line.
struct Snapshot {
    row: QueueRow,
    order: Option<Arc<LineOrder>>,
    /// Positions on the wait-list, ascending.
    wait_listed: Arc<Vec<i64>>,
    /// Positions beyond the head whose owners left, ascending.
    left: Arc<Vec<i64>>,
    /// `list_version` that the lists belong to.
    lists: i64,
}

impl Snapshot {
    fn position_of(&self, sequence: i64) -> i64 {
        self.order.as_ref().map_or(sequence, |order| order.position_of(sequence))
    }

    fn left_up_to(&self, position: i64) -> i64 {
        self.left.partition_point(|left| *left <= position) as i64
    }

    /// Tokens at the head and before and including `position` that are still to be decided.
    fn in_line(&self, position: i64) -> i64 {
        (position - self.row.head).max(0) - (self.left_up_to(position) - self.left_up_to(self.row.head))
    }
}

pub struct QueueView {
    snapshot: ArcSwapOption<Snapshot>,
    /// Writers one after another; readers never take it.
    writing: Mutex<()>,
    recent: RwLock<Recent>,
    notice: ArcSwapOption<(i64, Arc<str>)>,
    decided: AtomicI64,
    pace: Mutex<Pace>,
    rates: ArcSwap<Option<Rates>>,
    present_milli: AtomicI64,
    published: Notify,
}

/// Outcomes by position; None: on the wait-list when it was passed.
#[derive(Default)]
struct Recent {
    /// Position of the first kept outcome.
    first: i64,
    outcomes: VecDeque<Option<Outcome>>,
}

impl Recent {
    fn extend(&mut self, first: i64, outcomes: Vec<Option<Outcome>>) {
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

    fn index(&self, position: i64) -> Option<usize> {
        usize::try_from(position - self.first).ok().filter(|index| *index < self.outcomes.len())
    }

    fn get(&self, position: i64) -> Option<Outcome> {
        self.outcomes[self.index(position)?].clone()
    }

    /// The outcome of a token of the wait-list. An outcome is final.
    fn decide_late(&mut self, position: i64, outcome: Outcome) {
        if let Some(index) = self.index(position)
            && self.outcomes[index].is_none()
        {
            self.outcomes[index] = Some(outcome);
        }
    }
}

/// What a commit did to the lists.
#[derive(Default)]
struct Change {
    wait_listed: Vec<i64>,
    off_wait_list: Vec<i64>,
    left: Vec<i64>,
}

impl QueueView {
    fn new() -> Self {
        Self {
            snapshot: ArcSwapOption::empty(),
            writing: Mutex::new(()),
            recent: RwLock::default(),
            notice: ArcSwapOption::empty(),
            decided: AtomicI64::new(0),
            pace: Mutex::default(),
            rates: ArcSwap::from_pointee(None),
            present_milli: AtomicI64::new(0),
            published: Notify::new(),
        }
    }

    pub fn is_loaded(&self) -> bool {
        self.snapshot.load().is_some()
    }

    /// What this view has, for a load that brings the rest.
    pub fn known(&self, recent: i64) -> Known {
        let notice = self.notice.load().as_ref().map_or(0, |notice| notice.0);
        Known { recent, lists: self.snapshot.load().as_ref().map(|snapshot| snapshot.lists), notice }
    }

    pub fn place(&self, sequence: i64) -> Place {
        let snapshot = self.snapshot.load();
        let Some(snapshot) = snapshot.as_deref() else { return Place::Unknown };
        if sequence > snapshot.row.tail || sequence < 1 {
            return Place::Unknown;
        }
        let position = snapshot.position_of(sequence);
        if position > snapshot.row.head {
            if snapshot.left.binary_search(&position).is_ok() {
                return Place::Decided(Outcome::Left);
            }
            if !snapshot.row.is_ordered() {
                return Place::BeforeOpening;
            }
            let in_line = snapshot.in_line(position);
            let wait = match **self.rates.load() {
                Some(rates) if snapshot.row.admits() => Some(rates.wait(in_line)),
                _ => None,
            };
            return Place::Waiting { place: snapshot.wait_listed.len() as i64 + in_line, wait };
        }
        if let Ok(index) = snapshot.wait_listed.binary_search(&position) {
            return Place::WaitListed { place: index as i64 + 1 };
        }
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        recent.get(position).map_or(Place::Forgotten, Place::Decided)
    }

    /// Where a sequence is decided in the order of the line.
    pub fn position_of(&self, sequence: i64) -> i64 {
        self.snapshot.load().as_ref().map_or(sequence, |snapshot| snapshot.position_of(sequence))
    }

    /// Tokens not decided yet, those on the wait-list included.
    pub fn waiting(&self) -> i64 {
        self.snapshot.load().as_ref().map_or(0, |it| it.in_line(it.row.tail) + it.wait_listed.len() as i64)
    }

    /// Whether an admission could decide anything: somebody is in line, or on the wait-list.
    pub fn has_work(&self) -> bool {
        self.row().is_some_and(|row| row.tail > row.head || row.wait_listed > 0)
    }

    /// Full for everybody: lets a sold-out game answer without the actor.
    pub fn is_exhausted(&self) -> bool {
        self.row().is_some_and(|row| row.is_exhausted() && row.state != QueueState::Closed)
    }

    /// Tokens decided by this node since it started.
    pub fn decided_here(&self) -> i64 {
        self.decided.load(Relaxed)
    }

    /// The message to those who wait.
    pub fn notice(&self) -> Option<Arc<str>> {
        self.notice.load().as_ref().map(|notice| notice.1.clone()).filter(|notice| !notice.is_empty())
    }

    /// Takes stock of the last second; to be called once a second.
    pub fn tick(&self) {
        let Some(row) = self.row() else { return };
        let mut pace = lock(&self.pace);
        pace.tick(row.head, row.admits() && row.tail > row.head);
        self.present_milli.store(pace.present_milli(), Relaxed);
        self.rates.store(Arc::new(pace.rates()));
    }

    /// Tokens the line decides a second, on all nodes: the mean of the last seconds in which somebody waited.
    pub fn rate_per_second(&self) -> f64 {
        self.present_milli.load(Relaxed) as f64 / 1_000.0
    }

    pub fn row(&self) -> Option<QueueRow> {
        self.snapshot.load().as_ref().map(|snapshot| snapshot.row)
    }

    pub fn quota(&self) -> Option<Quota> {
        self.row().map(|row| row.quota)
    }

    /// Publishes what was read. Its outcomes count only if none are in memory.
    pub fn publish_loaded(&self, loaded: Loaded) {
        let Loaded { committed, first, outcomes, lists, notice } = loaded;
        if !outcomes.is_empty() {
            let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
            recent.extend(first, outcomes);
        }
        if let Some(notice) = notice {
            self.notice.store(Some(Arc::new((committed.row.notice_version, notice.into()))));
        }
        let _writing = lock(&self.writing);
        self.publish(committed, lists, Change::default());
    }

    /// Publishes a committed row that changed no list. False: the lists here are of another version; load them.
    #[must_use]
    pub fn publish_row(&self, committed: Committed) -> bool {
        let _writing = lock(&self.writing);
        self.publish(committed, None, Change::default())
    }

    /// Publishes an admission. False: as `publish_row`.
    #[must_use]
    pub fn publish_admitted(&self, admitted: Admitted) -> bool {
        let Admitted { committed, first, outcomes, late, .. } = admitted;
        let wait_listed =
            (first..).zip(&outcomes).filter(|(_, it)| it.is_none()).map(|(position, _)| position).collect();
        let off_wait_list = late.iter().map(|(position, _)| *position).collect();
        let decided = outcomes.iter().filter(|it| it.is_some()).count() + late.len();
        self.decided.fetch_add(decided as i64, Relaxed);
        {
            // Outcomes first, numbers after: who sees the new head must find the outcome.
            let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
            if !outcomes.is_empty() {
                recent.extend(first, outcomes);
            }
            for (position, outcome) in late {
                recent.decide_late(position, outcome);
            }
        }
        let _writing = lock(&self.writing);
        self.publish(committed, None, Change { wait_listed, off_wait_list, left: Vec::new() })
    }

    /// Publishes that tokens left. False: as `publish_row`.
    #[must_use]
    pub fn publish_left(&self, committed: Committed, sequences: &[i64]) -> bool {
        let _writing = lock(&self.writing);
        let Some(snapshot) = self.snapshot.load_full() else { return false };
        let mut change = Change::default();
        for sequence in sequences {
            let position = snapshot.position_of(*sequence);
            if position > snapshot.row.head {
                change.left.push(position);
            } else {
                change.off_wait_list.push(position);
                self.recent.write().unwrap_or_else(PoisonError::into_inner).decide_late(position, Outcome::Left);
            }
        }
        self.publish(committed, None, change)
    }

    /// A row is taken only if it is newer than the one here, so that a late answer cannot turn a number back; a change of
    /// the lists only if it is the very next.
    fn publish(&self, committed: Committed, lists: Option<Lists>, change: Change) -> bool {
        let Committed { row, order } = committed;
        let before = self.snapshot.load_full();
        if before.as_ref().is_some_and(|before| before.row.version >= row.version) {
            return true;
        }
        let (mut wait_listed, mut left) = match (lists, &before) {
            (Some(lists), _) => (Arc::new(lists.wait_listed), Arc::new(lists.left)),
            (None, Some(before)) => {
                let changed =
                    !(change.wait_listed.is_empty() && change.off_wait_list.is_empty() && change.left.is_empty());
                if row.list_version != before.lists + i64::from(changed) {
                    return false;
                }
                (change.apply(&before.wait_listed, true), change.apply(&before.left, false))
            }
            (None, None) => return false,
        };
        if left.first().is_some_and(|first| *first <= row.head) {
            let passed = left.partition_point(|position| *position <= row.head);
            left = Arc::new(left[passed..].to_vec());
        }
        if wait_listed.is_empty() && wait_listed.capacity() > 0 {
            wait_listed = Arc::default();
        }
        let order = order.or_else(|| before.as_ref().and_then(|before| before.order.clone()));
        self.snapshot.store(Some(Arc::new(Snapshot { row, order, wait_listed, left, lists: row.list_version })));
        self.published.notify_waiters();
        true
    }

    /// Ends with the next picture that is published. Counts from this call on, so take it before looking.
    pub fn next_publication(&self) -> Notified<'_> {
        self.published.notified()
    }
}

impl Change {
    fn apply(&self, list: &Arc<Vec<i64>>, is_wait_list: bool) -> Arc<Vec<i64>> {
        let none = Vec::new();
        let (on, off) = if is_wait_list { (&self.wait_listed, &self.off_wait_list) } else { (&self.left, &none) };
        if on.is_empty() && off.is_empty() {
            return list.clone();
        }
        let mut off = off.clone();
        off.sort_unstable();
        let mut changed: Vec<i64> = list.iter().chain(on).copied().collect();
        changed.retain(|position| off.binary_search(position).is_err());
        changed.sort_unstable();
        Arc::new(changed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
#[path = "view_tests.rs"]
mod tests;
