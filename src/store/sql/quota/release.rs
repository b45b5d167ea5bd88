//! Places that come back: holds whose payment window has passed, and the end of what hangs on an order.

use std::sync::LazyLock;

use actors::domain::ids::GameId;
use actors::error::Result;
use actors::quota_queue::history::{Event, OrderPlaces};
use actors::quota_queue::messages::Committed;
use serde::Serialize;

use super::super::db::{BatchSql, ColumnKind, Tx, json_rows};
use super::{SqlQuotaLedger, commit, lock};
use crate::args;
use crate::failpoints::{Failpoint, pass};

/// How long an order that may have been paid keeps its places past its window while the payment provider cannot be asked.
/// Long enough for a usual outage, short enough that a place is not lost for the day.
pub const PROVIDER_GRACE_MS: i64 = 15 * 60 * 1_000;

/// An order that the provider knows (it has a prepay id) waits until it was asked for and closed there.
const EXPIRE: &str = "
UPDATE orders SET status = 2, cancelled_at = $2, version = version + 1 WHERE id IN (
    SELECT id FROM orders WHERE game_id = $1 AND status = 0 AND kind = 0 AND expires_at <= $2
      AND (prepay_id IS NULL OR provider_closed_at IS NOT NULL OR expires_at <= $4)
    ORDER BY expires_at, id LIMIT $3)
AND status = 0 RETURNING id, order_no, item_count";

pub(super) async fn release_due(
    ledger: &SqlQuotaLedger,
    tx: &mut Tx,
    game: GameId,
    limit: i64,
) -> Result<(Committed, u64)> {
    let mut row = lock(tx, game).await?;
    let now = ledger.db.now_in(tx).await?;
    let mut keys = Vec::new();
    let mut expired = Vec::new();
    for order in tx.fetch_all(EXPIRE, args![game.0, now, limit, now - PROVIDER_GRACE_MS]).await? {
        let places = order.int("item_count")?;
        row.quota.give_back_held(places);
        keys.push(OrderKey { id: order.int("id")? });
        expired.push(OrderPlaces { order_no: order.text("order_no")?, places });
    }
    let count = keys.len() as u64;
    if count > 0 {
        pass(Failpoint::ReleaseOrdersExpired);
        end_registrations(tx, &keys).await?;
        commit(tx, game, &mut row, now, &[Event::Expired { orders: expired }]).await?;
    }
    let order = ledger.orders.of_in(tx, game, &row).await?;
    Ok((Committed { row, order }, count))
}

/// An order by its id, as a batch's row.
#[derive(Serialize)]
pub struct OrderKey {
    pub id: i64,
}

static END_REGISTRATIONS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE registrations SET live = 0 FROM {rows} WHERE registrations.order_id = r.id",
        &[("id", ColumnKind::Int)],
    )
});

static END_TOKENS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE queue_tokens SET live = 0 FROM {rows} JOIN orders o ON o.id = r.id
         WHERE queue_tokens.order_no = o.order_no AND queue_tokens.state = 1",
        &[("id", ColumnKind::Int)],
    )
});

pub(super) fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    vec![("end registrations", &END_REGISTRATIONS), ("end tokens", &END_TOKENS)]
}

/// Ends the registrations and tokens of orders that are over, so that their players may register again.
pub async fn end_registrations(tx: &mut Tx, orders: &[OrderKey]) -> Result<()> {
    let rows = json_rows(orders)?;
    tx.execute(END_REGISTRATIONS.text(tx.dialect()), vec![rows.clone()]).await?;
    pass(Failpoint::ReleaseRegistrationsEnded);
    tx.execute(END_TOKENS.text(tx.dialect()), vec![rows]).await?;
    pass(Failpoint::ReleaseTokensEnded);
    Ok(())
}
