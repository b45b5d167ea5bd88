//! The drawn order of a line, kept in memory once it is known: it never changes.

use std::sync::Arc;

use actors::domain::ids::GameId;
use actors::draw::line_order::LineOrder;
use actors::error::{DomainError, Result};
use actors::quota_queue::messages::{Lottery, QueueRow};
use quick_cache::sync::Cache;

use super::super::db::{Db, Row, StoreError, Tx};
use crate::args;

/// Games whose order is kept: 8 bytes a token each.
const MOST_ORDERS: usize = 64;

#[derive(Clone)]
pub struct OrderCache(Arc<Cache<(i64, i64), Arc<LineOrder>>>);

impl Default for OrderCache {
    fn default() -> Self {
        Self(Arc::new(Cache::new(MOST_ORDERS)))
    }
}

const SEED: &str = "SELECT shuffle_seed AS stored FROM game_queue WHERE game_id = $1";
const DRAWN: &str = "SELECT sequences AS stored FROM line_orders WHERE game_id = $1";

fn statement(row: &QueueRow) -> &'static str {
    if row.lottery == Lottery::Drawn { DRAWN } else { SEED }
}

impl OrderCache {
    /// The order of a line that was shuffled or drawn; none for all others.
    pub async fn of(&self, db: &Db, game: GameId, row: &QueueRow) -> Result<Option<Arc<LineOrder>>> {
        let Some(count) = row.shuffled else { return Ok(None) };
        if let Some(order) = self.0.get(&(game.0, count)) {
            return Ok(Some(order));
        }
        let stored = db.fetch_optional(statement(row), args![game.0]).await?;
        self.keep(game, row, count, stored.as_ref()).map(Some)
    }

    /// As `of`, inside a transaction.
    pub async fn of_in(&self, tx: &mut Tx, game: GameId, row: &QueueRow) -> Result<Option<Arc<LineOrder>>> {
        let Some(count) = row.shuffled else { return Ok(None) };
        if let Some(order) = self.0.get(&(game.0, count)) {
            return Ok(Some(order));
        }
        let stored = tx.fetch_optional(statement(row), args![game.0]).await?;
        self.keep(game, row, count, stored.as_ref()).map(Some)
    }

    fn keep(&self, game: GameId, row: &QueueRow, count: i64, stored: Option<&Row>) -> Result<Arc<LineOrder>> {
        let text = stored.map(|row| row.text("stored")).transpose()?.unwrap_or_default();
        let order = if row.lottery == Lottery::Drawn { from_list(&text) } else { from_seed(&text, count) };
        let order = order.filter(|order| order.count() == count).map(Arc::new).ok_or_else(|| {
            DomainError::from(StoreError::Corrupt(format!("the order of game {game} with {count} tokens")))
        })?;
        self.0.insert((game.0, count), order.clone());
        Ok(order)
    }
}

fn from_list(json: &str) -> Option<LineOrder> {
    LineOrder::from_sequences(serde_json::from_str(json).ok()?)
}

fn from_seed(seed_hex: &str, count: i64) -> Option<LineOrder> {
    let mut seed = [0; 32];
    hex::decode_to_slice(seed_hex, &mut seed).ok()?;
    Some(LineOrder::from_seed(&seed, usize::try_from(count).ok()?))
}
