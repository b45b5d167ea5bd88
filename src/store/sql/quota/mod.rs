//! The ledger of lines, places, tokens and the orders they become: `QuotaLedger` over SQL. Every change is one
//! transaction that locks the game's row first and writes what happened into the game's event log; the decisions are
//! the pure ones of `quota_queue::state`.

mod admit;
mod enqueue;
pub mod events;
pub mod holdings;
mod leave;
pub mod line_texts;
mod load;
mod open_places;
mod order;
mod orders;
mod release;
mod row;
pub mod tokens;

use actors::domain::ids::GameId;
use actors::error::Result;
use actors::quota_queue::messages::{
    Admitted, Committed, EnqueueRequest, Enqueued, Known, Leaving, Loaded, QuotaLedger,
};
use async_trait::async_trait;
use serde::Serialize;

pub use self::load::{Stored, stored};
pub use self::order::OrderCache;
pub use self::release::{OrderKey, PROVIDER_GRACE_MS, end_registrations};
pub(super) use self::row::row_columns;
pub use self::row::{commit, games_with_work, live_token, lock, queue_row, row};
use super::db::{BatchSql, Db};
use super::installation;

#[derive(Clone)]
pub struct SqlQuotaLedger {
    db: Db,
    payment_window_ms: i64,
    /// Places of a game that an account may have open; none: any number.
    open_places: Option<i64>,
    orders: OrderCache,
    order_key: installation::OrderKey,
}

impl SqlQuotaLedger {
    pub fn new(db: Db, payment_window_seconds: u64) -> Self {
        let payment_window_ms = i64::try_from(payment_window_seconds.saturating_mul(1000)).unwrap_or(i64::MAX / 2);
        let (orders, order_key) = (OrderCache::default(), installation::OrderKey::default());
        Self { db, payment_window_ms, open_places: None, orders, order_key }
    }

    /// With a limit on the places of a game that an account may have open: waiting, or ordered and unpaid.
    pub fn with_open_places(self, most: i64) -> Self {
        Self { open_places: Some(most), ..self }
    }
}

/// The game comes with every row, although it is one: were it a parameter, SQLite would walk all of the game's rows and
/// look for each among the batch instead of the other way round.
#[derive(Serialize)]
struct KeyRow<'a> {
    game: i64,
    k: &'a str,
}

#[derive(Serialize)]
struct SequenceRow {
    game: i64,
    sequence: i64,
}

/// Every statement that takes a batch, with its name; for the test of their plans.
pub fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    let mut statements = enqueue::batch_statements();
    statements.extend(admit::batch_statements());
    statements.extend(release::batch_statements());
    statements.extend(leave::batch_statements());
    statements.extend(open_places::batch_statements());
    statements
}

#[async_trait]
impl QuotaLedger for SqlQuotaLedger {
    async fn load(&self, game: GameId, known: Known) -> Result<Loaded> {
        load::load(self, game, known).await
    }

    async fn enqueue(&self, game: GameId, requests: Vec<EnqueueRequest>) -> Result<(Committed, Vec<Enqueued>)> {
        let ledger = self.clone();
        self.db.write(move |tx| Box::pin(async move { enqueue::enqueue(&ledger, tx, game, &requests).await })).await
    }

    async fn admit(&self, game: GameId, limit: usize) -> Result<Admitted> {
        let ledger = self.clone();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.write(move |tx| Box::pin(async move { admit::admit(&ledger, tx, game, limit).await })).await
    }

    async fn give_up_next(&self, game: GameId) -> Result<Admitted> {
        let ledger = self.clone();
        self.db.write(move |tx| Box::pin(async move { admit::give_up_next(&ledger, tx, game).await })).await
    }

    async fn release_due(&self, game: GameId, limit: usize) -> Result<(Committed, u64)> {
        let ledger = self.clone();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.write(move |tx| Box::pin(async move { release::release_due(&ledger, tx, game, limit).await })).await
    }

    async fn leave(&self, game: GameId, sequences: Vec<i64>) -> Result<(Committed, Vec<Leaving>)> {
        let ledger = self.clone();
        self.db.write(move |tx| Box::pin(async move { leave::leave(&ledger, tx, game, &sequences).await })).await
    }
}
