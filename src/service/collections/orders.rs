//! What administrators do to orders: giving them back.

use actors::domain::ids::OrderId;
use actors::domain::order::OrderStatus;
use actors::error::{DomainError, Entity, Result};

use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Change, LINE, OrderRecord, Writer, check_text, in_tx, public, write};
use crate::context::Context;
use crate::service::inquiries;
use crate::service::locked_order::LockedOrder;
use crate::service::payments::{OrderRef, places_moved};
use crate::service::refunds::{Deadline, give_back};
use crate::store::sql::payments;

/// Why an order is given back; kept in the audit trail.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefundReason {
    /// 200 characters at most; may be empty.
    pub reason: String,
}

/// Gives an order back whatever its refund deadline: see `refunds::give_back`.
///
/// Errors: `NotFound(Order)`, `InvalidField`; `ProviderFailed(Payment)` and `Busy` while it is not known whether an unpaid
/// one was paid.
pub async fn refund(context: &Context, writer: Writer, order: &OrderRef, reason: RefundReason) -> Result<Answer> {
    let RefundReason { reason } = reason;
    check_text("reason", &reason, LINE)?;
    let order = match order {
        OrderRef::Id(id) => payments::order(&context.db, *id).await?,
        OrderRef::No(order_no) => payments::order_by_no(&context.db, order_no).await?,
    };
    let order = order.ok_or(DomainError::NotFound(Entity::Order))?;
    if order.status == OrderStatus::Unpaid {
        inquiries::before_end(context, &order).await?;
    }
    let (db, subject, id) = (context.db.clone(), order.subject, order.id.0);
    let answer = write(context, writer, move |tx, _| {
        Box::pin(async move {
            let locked = LockedOrder::take(tx, OrderId(id), subject).await?;
            let before: OrderRecord = in_tx(tx, id, Entity::Order).await?;
            give_back(&db, tx, locked, Deadline::Waived).await?;
            let after: OrderRecord = in_tx(tx, id, Entity::Order).await?;
            let mut after = public(&after);
            if let Some(Value::Object(members)) = &mut after
                && !reason.is_empty()
            {
                members.insert("refund_reason".to_owned(), reason.into());
            }
            Ok(Change { action: "refund", entity: "orders", id, before: public(&before), after })
        })
    })
    .await?;
    places_moved(context, subject);
    Ok(answer)
}
