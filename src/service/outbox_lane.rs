//! One lane of the outbox: so many pieces at once, refilled as they end, so that nobody waits for the slowest; and of one
//! party never more than its share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use super::outbox::attempt;
use crate::context::Context;
use crate::store::sql::outbox::{self as store, Lane, Work};

/// Outside services answer slowly, and the end of many payment windows comes at once.
const AT_ONCE: usize = 8;
const NOTICES_AT_ONCE: usize = 16;
const AT_ONE_PARTY: usize = 2;
/// Between two looks for what is due.
const IDLE: Duration = Duration::from_secs(1);

/// What is under way: each task's piece and the piece's party.
#[derive(Default)]
struct UnderWay(HashMap<Id, (i64, String)>);

impl UnderWay {
    /// Whether the piece may begin now.
    fn admits(&self, work: &Work) -> bool {
        let others = self.0.values();
        // One that was begun a moment ago is due until its claim is stored.
        let begun = others.clone().any(|(id, _)| *id == work.id);
        let crowded = !work.party.is_empty() && others.filter(|(_, it)| *it == work.party).count() >= AT_ONE_PARTY;
        !begun && !crowded
    }

    fn begins(&mut self, task: Id, work: (i64, String)) {
        self.0.insert(task, work);
    }

    fn ended(&mut self, task: Id) {
        self.0.remove(&task);
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
                            let (context, piece) = (context.clone(), (work.id, work.party.clone()));
                            let task = running.spawn(async move { attempt(&context, work).await });
                            under_way.begins(task.id(), piece);
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
            Some(ended) = running.join_next_with_id() => Some(ended),
            () = tokio::time::sleep(IDLE) => None,
        };
        match ended {
            Some(Ok((task, outcome))) => {
                under_way.ended(task);
                if let Err(error) = outcome {
                    tracing::warn!(%error, ?lane, "outbox");
                    failed = true;
                }
            }
            Some(Err(error)) => {
                // Its claim lets it be tried again.
                tracing::error!(%error, ?lane, "a piece of the outbox panicked");
                under_way.ended(error.id());
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

    #[actix_web::test]
    async fn one_party_gets_its_share_and_no_piece_begins_twice() {
        let work = |id, party: &str| Work {
            id,
            kind: String::new(),
            party: party.to_owned(),
            payload: String::new(),
            attempts: 0,
            created_at: 0,
        };
        let mut under_way = UnderWay::default();
        let mut tasks = JoinSet::new();
        let mut admitted = Vec::new();
        for (id, party) in [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (4, "b"), (5, ""), (6, ""), (7, "")] {
            if under_way.admits(&work(id, party)) {
                // The first panics: its place is free again all the same.
                let task = tasks.spawn(async move { assert_ne!(id, 1) });
                under_way.begins(task.id(), (id, party.to_owned()));
                admitted.push(id);
            }
        }
        assert_eq!(admitted, [1, 2, 4, 5, 6, 7]);
        while let Some(ended) = tasks.join_next_with_id().await {
            if let Err(panicked) = ended {
                under_way.ended(panicked.id());
            }
        }
        assert!(under_way.admits(&work(3, "a")));
        assert!(!under_way.admits(&work(2, "a")));
    }
}
