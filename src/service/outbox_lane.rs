//! One lane of the outbox: so many pieces at once, refilled as they end, so that nobody waits for the slowest; and of one
//! party never more than its share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::outbox::attempt;
use crate::context::Context;
use crate::store::sql::outbox::{self as store, Lane, Work};

/// Outside services answer slowly, and the end of many payment windows comes at once.
const AT_ONCE: usize = 8;
const NOTICES_AT_ONCE: usize = 16;
const AT_ONE_PARTY: usize = 2;
/// Between two looks for what is due.
const IDLE: Duration = Duration::from_secs(1);

/// What is under way: pieces with their parties.
#[derive(Default)]
struct UnderWay(HashMap<i64, String>);

impl UnderWay {
    /// Whether the piece may begin now; notes that it did.
    fn admits(&mut self, work: &Work) -> bool {
        let crowded = !work.party.is_empty() && self.0.values().filter(|it| **it == work.party).count() >= AT_ONE_PARTY;
        // One that was begun a moment ago is due until its claim is stored.
        let admitted = !crowded && !self.0.contains_key(&work.id);
        if admitted {
            self.0.insert(work.id, work.party.clone());
        }
        admitted
    }
}

/// Runs until it is dropped. Pieces are tasks: one that waits for the database must go on while this looks for more.
pub(super) async fn run(context: Arc<Context>, lane: Lane) {
    let places = if lane == Lane::Notices { NOTICES_AT_ONCE } else { AT_ONCE };
    let mut under_way = UnderWay::default();
    let mut running = JoinSet::new();
    loop {
        let mut failed = false;
        if running.len() < places {
            // More than there is room for: some of it is under way.
            let limit = i64::try_from(places * 2).unwrap_or(i64::MAX);
            match store::due(&context.db, lane, context.db.now_ms(), limit).await {
                Ok(due) => {
                    for work in due {
                        if running.len() < places && under_way.admits(&work) {
                            let id = work.id;
                            let context = context.clone();
                            running.spawn(async move { (id, attempt(&context, work).await) });
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, ?lane, "outbox");
                    failed = true;
                }
            }
        }
        let ended = tokio::select! {
            Some(ended) = running.join_next() => Some(ended),
            () = tokio::time::sleep(IDLE) => None,
        };
        match ended {
            Some(Ok((id, outcome))) => {
                under_way.0.remove(&id);
                if let Err(error) = outcome {
                    tracing::warn!(%error, ?lane, "outbox");
                    failed = true;
                }
            }
            Some(Err(error)) => {
                // Whose it was is not told: nothing else is under way for longer than it takes to end.
                tracing::error!(%error, ?lane, "a piece of the outbox panicked");
                if running.is_empty() {
                    under_way.0.clear();
                }
            }
            None => {}
        }
        if failed {
            // A database that is away would be asked without end.
            tokio::time::sleep(IDLE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_party_gets_its_share_and_no_piece_begins_twice() {
        let work = |id, party: &str| Work {
            id,
            kind: String::new(),
            party: party.to_owned(),
            payload: String::new(),
            attempts: 0,
            created_at: 0,
        };
        let mut under_way = UnderWay::default();
        let admitted: Vec<i64> = [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (4, "b"), (5, ""), (6, ""), (7, "")]
            .into_iter()
            .filter(|(id, party)| under_way.admits(&work(*id, party)))
            .map(|(id, _)| id)
            .collect();
        assert_eq!(admitted, [1, 2, 4, 5, 6, 7]);
        under_way.0.remove(&1);
        assert!(under_way.admits(&work(3, "a")));
    }
}
