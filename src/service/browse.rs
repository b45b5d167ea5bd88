//! How often videos and lives were opened. Openings are counted in memory and added to the rows in batches: every
//! `h5.browse_flush_seconds`, and when the server stops. A crash loses what came since the last batch, nothing else does.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use actors::error::{DomainError, Result};
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::MissedTickBehavior;

use crate::context::Context;
use crate::store::sql::content::browse as store;
use crate::store::sql::db::Db;

pub use crate::store::sql::content::browse::Watched;

/// Different videos and lives between two batches.
const MOST_WATCHED: usize = 100_000;

#[derive(Default)]
pub struct BrowseCounts {
    pending: Mutex<HashMap<Watched, i64>>,
    /// Held alone while a batch is being added, so that a reader takes each opening either from the row or from here.
    adding: RwLock<()>,
}

/// What is counted and not added yet, to be put on top of rows that are read while this is held.
pub struct Reading<'a> {
    counts: &'a BrowseCounts,
    _not_adding: RwLockReadGuard<'a, ()>,
}

impl Reading<'_> {
    /// `stored` and what is not in it yet.
    pub fn total(&self, watched: Watched, stored: i64) -> i64 {
        stored.saturating_add(self.counts.pending().get(&watched).copied().unwrap_or(0))
    }
}

impl BrowseCounts {
    fn pending(&self) -> MutexGuard<'_, HashMap<Watched, i64>> {
        self.pending.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    /// One opening. Errors: `Busy` with very many different ones in one interval.
    pub fn count(&self, watched: Watched) -> Result<()> {
        let mut pending = self.pending();
        if pending.len() >= MOST_WATCHED && !pending.contains_key(&watched) {
            return Err(DomainError::BUSY);
        }
        *pending.entry(watched).or_default() += 1;
        Ok(())
    }

    /// To be held from before the rows are read.
    pub async fn reading(&self) -> Reading<'_> {
        let not_adding = self.adding.read().await;
        Reading { counts: self, _not_adding: not_adding }
    }

    /// Adds what is counted to the rows. After an error it is still counted.
    pub async fn flush(&self, db: &Db) -> Result<()> {
        let _alone = self.adding.write().await;
        let batch = std::mem::take(&mut *self.pending());
        if batch.is_empty() {
            return Ok(());
        }
        let rows: Vec<(Watched, i64)> = batch.iter().map(|(watched, count)| (*watched, *count)).collect();
        let outcome = db.write(move |tx| Box::pin(async move { Ok(store::add(tx, &rows).await?) })).await;
        if outcome.is_err() {
            let mut pending = self.pending();
            for (watched, count) in batch {
                *pending.entry(watched).or_default() += count;
            }
        }
        outcome
    }
}

/// Adds a batch every interval.
pub async fn run(context: &Context) {
    let mut ticks = tokio::time::interval(Duration::from_secs(context.config.h5.browse_flush_seconds));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        flush(context).await;
    }
}

/// What is left at the stop, when nobody can count any more.
pub async fn flush(context: &Context) {
    if let Err(error) = context.browse.flush(&context.db).await {
        tracing::warn!(%error, "openings of videos and lives wait for the next try");
    }
}
