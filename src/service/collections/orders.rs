//! What administrators do to orders: giving them back.

use actors::domain::ids::OrderId;
use actors::domain::order::OrderStatus;
use actors::error::{DomainError, Entity, Result};

use super::{Answer, Change, OrderRecord, Writer, in_tx, public, write};
use crate::context::Context;
use crate::service::inquiries;
use crate::service::locked_order::LockedOrder;
use crate::service::payments::places_moved;
use crate::service::refunds::{Deadline, give_back};
use crate::store::sql::payments;

/// Gives an order back whatever its refund deadline: see `refunds::give_back`.
///
/// Errors: `NotFound(Order)`; `ProviderFailed(Payment)` and `Busy` while it is not known whether an unpaid one was paid.
pub async fn refund(context: &Context, writer: Writer, id: i64) -> Result<Answer> {
    let order = payments::order(&context.db, OrderId(id)).await?.ok_or(DomainError::NotFound(Entity::Order))?;
    if order.status == OrderStatus::Unpaid {
        inquiries::before_end(context, &order).await?;
    }
    let (db, subject) = (context.db.clone(), order.subject);
    let answer = write(context, writer, move |tx, _| {
        Box::pin(async move {
            let locked = LockedOrder::take(tx, OrderId(id), subject).await?;
            let before: OrderRecord = in_tx(tx, id, Entity::Order).await?;
            give_back(&db, tx, locked, Deadline::Waived).await?;
            let after: OrderRecord = in_tx(tx, id, Entity::Order).await?;
            Ok(Change { action: "refund", entity: "orders", id, before: public(&before), after: public(&after) })
        })
    })
    .await?;
    places_moved(context, subject);
    Ok(answer)
}
