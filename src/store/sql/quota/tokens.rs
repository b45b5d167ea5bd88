//! One token as administrators see it: no player in it, the account by number.

use actors::domain::ids::GameId;

use super::super::db::{Db, StoreError};
use crate::args;

/// Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    pub sequence: i64,
    pub account_id: i64,
    pub group_size: i64,
    /// 0 undecided, else `Outcome::code`.
    pub state: i64,
    pub is_wait_listed: bool,
    pub order_no: Option<String>,
    pub created_at: i64,
    pub decided_at: Option<i64>,
}

pub async fn token(db: &Db, game: GameId, sequence: i64) -> Result<Option<TokenRecord>, StoreError> {
    let sql = "SELECT sequence, account_id, group_size, state, wait_position, order_no, created_at, decided_at
               FROM queue_tokens WHERE game_id = $1 AND sequence = $2";
    let row = db.fetch_optional(sql, args![game.0, sequence]).await?;
    row.map(|row| {
        Ok(TokenRecord {
            sequence: row.int("sequence")?,
            account_id: row.int("account_id")?,
            group_size: row.int("group_size")?,
            state: row.int("state")?,
            is_wait_listed: row.opt_int("wait_position")?.is_some(),
            order_no: row.opt_text("order_no")?,
            created_at: row.int("created_at")?,
            decided_at: row.opt_int("decided_at")?,
        })
    })
    .transpose()
}
