//! A game's tokens and orders in pages, for comparing them with its log.

use actors::domain::ids::GameId;
use actors::domain::order::OrderStatus;

use super::super::db::{Db, StoreError};
use crate::args;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub sequence: i64,
    /// As stored: 0 undecided, else `Outcome::code`.
    pub state: i64,
    pub is_wait_listed: bool,
}

/// Up to `limit` tokens behind sequence `after`, in order.
pub async fn tokens(db: &Db, game: GameId, after: i64, limit: i64) -> Result<Vec<Token>, StoreError> {
    let sql = "SELECT sequence, state, wait_position FROM queue_tokens WHERE game_id = $1 AND sequence > $2
               ORDER BY sequence LIMIT $3";
    let rows = db.fetch_all(sql, args![game.0, after, limit]).await?;
    rows.iter()
        .map(|row| {
            let is_wait_listed = row.opt_int("wait_position")?.is_some();
            Ok(Token { sequence: row.int("sequence")?, state: row.int("state")?, is_wait_listed })
        })
        .collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: i64,
    pub order_no: String,
    pub status: OrderStatus,
    /// Places that came back.
    pub given_back: i64,
}

/// Up to `limit` orders of the game behind id `after`, in order.
pub async fn orders(db: &Db, game: GameId, after: i64, limit: i64) -> Result<Vec<Order>, StoreError> {
    let sql = "SELECT id, order_no, status, refunded_count FROM orders WHERE game_id = $1 AND id > $2 AND kind = 0 ORDER BY id LIMIT $3";
    let rows = db.fetch_all(sql, args![game.0, after, limit]).await?;
    rows.iter()
        .map(|row| {
            let status = row.int("status")?;
            let status =
                OrderStatus::from_code(status).ok_or_else(|| StoreError::Corrupt(format!("order status {status}")))?;
            Ok(Order {
                id: row.int("id")?,
                order_no: row.text("order_no")?,
                status,
                given_back: row.int("refunded_count")?,
            })
        })
        .collect()
}
