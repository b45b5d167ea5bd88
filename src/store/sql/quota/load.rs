//! Reading a line: its row, its latest outcomes, and who stands apart from its plain order.

use actors::domain::ids::GameId;
use actors::domain::order::OrderNo;
use actors::draw::line_order::LineOrder;
use actors::error::{DomainError, Result};
use actors::quota_queue::messages::{Committed, Known, Lists, Loaded, QueueRow};
use actors::quota_queue::state::Outcome;

use super::super::db::{Db, Row, StoreError, Tx};
use super::{SqlQuotaLedger, lock, row};
use crate::args;

/// A token's state as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    Undecided,
    Decided(Outcome),
}

pub(super) fn stored_from(row: &Row) -> Result<Stored, StoreError> {
    let (state, order_no) = (row.int("state")?, row.opt_text("order_no")?.and_then(|text| OrderNo::parse(&text)));
    if state == 0 {
        return Ok(Stored::Undecided);
    }
    let outcome = Outcome::from_stored(state, order_no);
    outcome.map(Stored::Decided).ok_or_else(|| StoreError::Corrupt(format!("token state {state}")))
}

/// A token's state, for those that are not in memory. None: there is no such token.
pub async fn stored(db: &Db, game: GameId, sequence: i64) -> Result<Option<Stored>> {
    let sql = "SELECT state, order_no FROM queue_tokens WHERE game_id = $1 AND sequence = $2";
    let row = db.fetch_optional(sql, args![game.0, sequence]).await?;
    Ok(row.map(|row| stored_from(&row)).transpose()?)
}

/// Readings of the lists before the row's lock is taken for them.
const PATIENCE: u32 = 4;

const WAIT_LISTED: &str = "SELECT wait_position AS position FROM queue_tokens WHERE game_id = $1 AND wait_position IS NOT NULL ORDER BY wait_position";
/// Who left has been passed by the head sooner or later; a shuffled line is passed out of order.
const LEFT: &str = "SELECT sequence AS position FROM queue_tokens WHERE game_id = $1 AND state = 5 AND sequence > $2";
const NOTICE: &str = "SELECT notice FROM game_queue WHERE game_id = $1";

pub(super) async fn load(ledger: &SqlQuotaLedger, game: GameId, known: Known) -> Result<Loaded> {
    let db = &ledger.db;
    for _ in 0..PATIENCE {
        // The row first: what is decided in between is read again by number, never missed.
        let row = row(db, game).await?;
        let order = ledger.orders.of(db, game, &row).await?;
        let mut lists = None;
        if known.lists != Some(row.list_version) {
            let wait_listed = db.fetch_all(WAIT_LISTED, args![game.0]).await?;
            let left = db.fetch_all(LEFT, args![game.0, left_after(&row)]).await?;
            if super::row::row(db, game).await?.list_version != row.list_version {
                continue;
            }
            lists = Some(lists_from(&row, order.as_deref(), &wait_listed, &left)?);
        }
        let (first, outcomes) = recent(db, game, &row, known.recent).await?;
        let notice = match row.notice_version == known.notice {
            true => None,
            false => Some(db.fetch_one(NOTICE, args![game.0]).await?.text("notice")?),
        };
        return Ok(Loaded { committed: Committed { row, order }, first, outcomes, lists, notice });
    }
    // The lists change faster than they can be read: hold the line for one reading.
    let ledger = ledger.clone();
    db.write(move |tx| Box::pin(async move { load_locked(&ledger, tx, game).await })).await
}

async fn load_locked(ledger: &SqlQuotaLedger, tx: &mut Tx, game: GameId) -> Result<Loaded> {
    let row = lock(tx, game).await?;
    let order = ledger.orders.of_in(tx, game, &row).await?;
    let wait_listed = tx.fetch_all(WAIT_LISTED, args![game.0]).await?;
    let left = tx.fetch_all(LEFT, args![game.0, left_after(&row)]).await?;
    let lists = Some(lists_from(&row, order.as_deref(), &wait_listed, &left)?);
    let notice = Some(tx.fetch_one(NOTICE, args![game.0]).await?.text("notice")?);
    Ok(Loaded { committed: Committed { row, order }, first: row.head + 1, outcomes: Vec::new(), lists, notice })
}

fn left_after(row: &QueueRow) -> i64 {
    if row.shuffled.is_some_and(|count| row.head < count) { 0 } else { row.head }
}

fn lists_from(row: &QueueRow, order: Option<&LineOrder>, wait_listed: &[Row], left: &[Row]) -> Result<Lists> {
    let positions = |rows: &[Row]| rows.iter().map(|row| row.int("position")).collect::<Result<Vec<i64>, _>>();
    let wait_listed = positions(wait_listed)?;
    let mut left = positions(left)?;
    if let Some(order) = order {
        left.iter_mut().for_each(|sequence| *sequence = order.position_of(*sequence));
    }
    left.retain(|position| *position > row.head);
    left.sort_unstable();
    Ok(Lists { wait_listed, left })
}

/// Up to `count` outcomes that end at the head. Positions of a drawn order are left to be asked for one by one.
async fn recent(db: &Db, game: GameId, row: &QueueRow, count: i64) -> Result<(i64, Vec<Option<Outcome>>)> {
    let first = (row.head - count).max(row.shuffled.unwrap_or(0)).max(0) + 1;
    let mut outcomes = Vec::new();
    if count > 0 && row.head >= first {
        let sql = "SELECT state, order_no FROM queue_tokens WHERE game_id = $1 AND sequence >= $2 AND sequence <= $3
                   ORDER BY sequence";
        for token in db.fetch_all(sql, args![game.0, first, row.head]).await? {
            outcomes.push(match stored_from(&token)? {
                Stored::Decided(outcome) => Some(outcome),
                Stored::Undecided => None,
            });
        }
        if outcomes.len() as i64 != row.head - first + 1 {
            tracing::error!(game = game.0, "a token is missing from the line");
            return Err(DomainError::Internal);
        }
    }
    Ok((first, outcomes))
}
