//! Unpaid places of accounts in a game, counted under the game's lock. The rows themselves are counted: a counter would
//! change with every payment, cancellation, expiry and refund, and could drift.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use actors::domain::ids::{AccountId, GameId};
use actors::error::Result;
use actors::quota_queue::messages::EnqueueRequest;
use actors::quota_queue::open_places::{OpenPlaces, WINDOW_MS};
use serde::Serialize;

use super::super::db::{BatchSql, ColumnKind, Tx, json_rows};
use crate::args;

#[derive(Serialize)]
struct AccountRow {
    game: i64,
    account: i64,
}

/// An order that cost nothing is paid at once, so nothing but this count bounds how many one account takes: it counts
/// like an unpaid one. Imported orders have no token and do not count; an administrator answers for them.
static OPEN_PLACES: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT a.id AS account, a.open_places_allowance AS allowance,
                CAST(SUM(CASE WHEN t.state = 0 THEN t.group_size
                              WHEN o.status = 0 OR (o.status = 1 AND o.pay_amount_fen = 0) THEN o.item_count - o.refunded_count
                              ELSE 0 END) AS BIGINT) AS open,
                CAST(SUM(CASE WHEN t.created_at > $2 AND COALESCE(o.pay_amount_fen, 0) = 0 THEN t.group_size
                              ELSE 0 END) AS BIGINT) AS unpaid_in_window
         FROM {rows} JOIN accounts a ON a.id = r.account
         LEFT JOIN queue_tokens t ON t.game_id = r.game AND t.account_id = r.account
         LEFT JOIN orders o ON o.order_no = t.order_no AND t.state = 1
         GROUP BY a.id, a.open_places_allowance",
        &[("game", ColumnKind::Int), ("account", ColumnKind::Int)],
    )
});

pub(super) fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    vec![("open places", &OPEN_PLACES)]
}

/// Counts by account. An allowance below the `limit` of everybody changes nothing.
pub(super) async fn count<'r>(
    tx: &mut Tx,
    game: GameId,
    limit: i64,
    requests: impl Iterator<Item = &'r EnqueueRequest>,
    now: i64,
) -> Result<HashMap<AccountId, OpenPlaces>> {
    let accounts: BTreeSet<i64> = requests.map(|request| request.account.0).collect();
    let rows: Vec<AccountRow> = accounts.into_iter().map(|account| AccountRow { game: game.0, account }).collect();
    let mut counted = HashMap::with_capacity(rows.len());
    if rows.is_empty() {
        return Ok(counted);
    }
    for row in tx.fetch_all(OPEN_PLACES.text(tx.dialect()), args![json_rows(&rows)?, now - WINDOW_MS]).await? {
        let places = OpenPlaces {
            limit: row.opt_int("allowance")?.unwrap_or(limit).max(limit),
            open: row.int("open")?,
            unpaid_in_window: row.int("unpaid_in_window")?,
        };
        counted.insert(AccountId(row.int("account")?), places);
    }
    Ok(counted)
}
