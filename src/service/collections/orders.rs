//! What administrators do to orders: giving them back, as a whole or one registration, and looking who is in them.

use actors::domain::ids::{OrderId, RegistrationId};
use actors::domain::order::OrderStatus;
use actors::error::{DomainError, Entity, Result};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::players::{self, masked_name};
use super::{Answer, Change, LINE, OrderRecord, Writer, check_text, in_tx, public, write};
use crate::context::Context;
use crate::service::inquiries;
use crate::service::locked_order::LockedOrder;
use crate::service::payments::{OrderRef, places_moved};
use crate::service::refunds::{Deadline, give_back_part, is_whole};
use crate::store::sql::payments::{self, PayableOrder};
use crate::store::sql::registrations::{self, Registration};

/// What of an order is given back and why; kept in the audit trail.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefundReason {
    /// One registration of it; without the member: the order. Null is refused, because a client that lost the number does
    /// not mean the whole order.
    #[serde(deserialize_with = "number")]
    pub reg_id: Option<i64>,
    /// 200 characters at most; may be empty.
    pub reason: String,
}

fn number<'de, D: serde::Deserializer<'de>>(given: D) -> std::result::Result<Option<i64>, D::Error> {
    i64::deserialize(given).map(Some)
}

/// One registration of an order.
#[derive(Debug, Serialize)]
pub struct OrderRegistration {
    pub reg_id: i64,
    pub game_id: i64,
    pub player_id: i64,
    /// Masked; null when it cannot be read.
    pub player_name: Option<String>,
    /// As an order's, of this registration.
    pub status: i64,
}

/// The registrations of an order by id, also those that are over.
///
/// Errors: `NotFound(Order)`.
pub async fn registrations(context: &Context, order: &OrderRef) -> Result<Vec<OrderRegistration>> {
    let order = find(context, order).await?;
    let found = registrations::of_order(&context.db, order.id).await?;
    let row = |it: Registration| OrderRegistration {
        reg_id: it.id.0,
        game_id: it.game.0,
        player_id: it.player.0,
        player_name: players::open(&context.vault, it.player.0, &it.player_sealed)
            .map(|player| masked_name(&player.name)),
        status: order.status.of_registration(it.live, it.refunded.is_some()).code(),
    };
    Ok(found.into_iter().map(row).collect())
}

async fn find(context: &Context, order: &OrderRef) -> Result<PayableOrder> {
    let found = match order {
        OrderRef::Id(id) => payments::order(&context.db, *id).await?,
        OrderRef::No(order_no) => payments::order_by_no(&context.db, order_no).await?,
    };
    found.ok_or(DomainError::NotFound(Entity::Order))
}

/// Gives an order back, or one registration of it, whatever the refund deadline: see `refunds::give_back` and
/// `refunds::give_back_one`.
///
/// Errors: `NotFound(Order)`, `NotFound(Registration)`, `InvalidField`; `ProviderFailed(Payment)` and `Busy` while it is not known whether an unpaid
/// one was paid.
pub async fn refund(context: &Context, writer: Writer, order: &OrderRef, reason: RefundReason) -> Result<Answer> {
    let RefundReason { reason, reg_id } = reason;
    check_text("reason", &reason, LINE)?;
    let registration = reg_id.map(RegistrationId);
    let order = find(context, order).await?;
    if order.status == OrderStatus::Unpaid && is_whole(&order, registration) {
        inquiries::before_end(context, &order).await?;
    }
    let (db, subject, id) = (context.db.clone(), order.subject, order.id.0);
    let answer = write(context, writer, move |tx, _| {
        Box::pin(async move {
            let locked = LockedOrder::take(tx, OrderId(id), subject).await?;
            let before: OrderRecord = in_tx(tx, id, Entity::Order).await?;
            give_back_part(&db, tx, locked, registration, Deadline::Waived).await?;
            let after: OrderRecord = in_tx(tx, id, Entity::Order).await?;
            let mut after = public(&after);
            if let Some(Value::Object(members)) = &mut after {
                if !reason.is_empty() {
                    members.insert("refund_reason".to_owned(), reason.into());
                }
                if let Some(reg_id) = reg_id {
                    members.insert("refund_reg_id".to_owned(), reg_id.into());
                }
            }
            Ok(Change { action: "refund", entity: "orders", id, before: public(&before), after })
        })
    })
    .await?;
    places_moved(context, subject);
    Ok(answer)
}
