//! An order under its lock, with the places it is about. One way to take both keeps the order of locks: the game's row
//! first, then the order's.

use actors::domain::ids::{GameId, OrderId};
use actors::error::Result;
use actors::quota_queue::history::{Event, OrderPlaces};
use actors::quota_queue::messages::QueueRow;

use crate::store::sql::db::Tx;
use crate::store::sql::payments::{self, PayableOrder, Subject};
use crate::store::sql::quota;

pub struct LockedOrder {
    pub order: PayableOrder,
    /// None: the order is not about places.
    pub places: Option<LockedPlaces>,
}

/// The game's row and how many of its places the order has.
pub struct LockedPlaces {
    pub game: GameId,
    pub count: i64,
    pub row: QueueRow,
}

impl LockedOrder {
    /// `subject` as read before: what it is about never changes.
    pub async fn take(tx: &mut Tx, id: OrderId, subject: Subject) -> Result<Self> {
        let row = match subject {
            Subject::Race { game, .. } => Some((game, quota::lock(tx, game).await?)),
            Subject::Membership { .. } => None,
        };
        let order = payments::lock_order(tx, id).await?;
        // Counted under the lock: a part of the order may have been given back meanwhile.
        let count = order.item_count - order.refunded_count;
        Ok(Self { places: row.map(|(game, row)| LockedPlaces { game, count, row }), order })
    }
}

impl LockedPlaces {
    /// Writes the row after its places were moved, with the event that tells it.
    pub async fn commit(&mut self, tx: &mut Tx, now_ms: i64, event: Event) -> Result<()> {
        quota::commit(tx, self.game, &mut self.row, now_ms, &[event]).await
    }

    /// The order's places as events name them.
    pub fn of(&self, order: &PayableOrder) -> OrderPlaces {
        OrderPlaces { order_no: order.order_no.to_string(), places: self.count }
    }
}
