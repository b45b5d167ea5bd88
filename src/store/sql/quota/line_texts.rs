//! The texts of a line's row, read and written apart from its numbers: the message to those who wait, the opening's seed.

use actors::domain::ids::GameId;

use super::super::db::{Db, StoreError, Tx};
use crate::args;

/// Only under the row's lock. The same transaction raises `notice_version`.
pub async fn set_notice(tx: &mut Tx, game: GameId, notice: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE game_queue SET notice = $2 WHERE game_id = $1", args![game.0, notice]).await.map(drop)
}

pub async fn notice_in(tx: &mut Tx, game: GameId) -> Result<String, StoreError> {
    tx.fetch_one("SELECT notice FROM game_queue WHERE game_id = $1", args![game.0]).await?.text("notice")
}

/// Sets the seed (64 hex) of the opening, once.
pub async fn set_seed(tx: &mut Tx, game: GameId, seed: &str) -> Result<(), StoreError> {
    let sql = "UPDATE game_queue SET shuffle_seed = $2 WHERE game_id = $1 AND shuffle_seed IS NULL";
    tx.execute(sql, args![game.0, seed]).await.map(drop)
}

pub async fn seed(db: &Db, game: GameId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT shuffle_seed FROM game_queue WHERE game_id = $1 AND opening_at IS NOT NULL";
    db.fetch_optional(sql, args![game.0]).await?.map_or(Ok(None), |row| row.opt_text("shuffle_seed"))
}
