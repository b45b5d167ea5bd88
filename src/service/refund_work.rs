//! Refunds as work of the outbox: the provider is asked until it has taken one, and only then places and books move.
//! Repeating any step is harmless.

use actors::domain::ids::{OrderId, RegistrationId};
use actors::domain::money::Fen;
use actors::domain::order::{OrderNo, OrderStatus};
use actors::error::{DomainError, Entity, Provider, Result};
use serde::{Deserialize, Serialize};

use super::locked_order::LockedOrder;
use super::outbox::REFUND;
use super::payments::{notify_url, places_moved};
use super::refunds::end;
use crate::clients::wechat::pay::{Refund, RefundState};
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::journal::{self, Transfer};
use crate::store::sql::payments::{self as store, PayableOrder, Payment, Subject};
use crate::store::sql::{outbox, refunds};

/// The payload of a refund in the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefundWork {
    order_id: i64,
    order_no: String,
    provider: String,
    transaction_id: String,
    amount_fen: Fen,
    /// 0: the payment, or what is left of it.
    #[serde(default)]
    registration_id: i64,
    /// What was paid in all; none: `amount_fen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total_fen: Option<Fen>,
}

impl RefundWork {
    fn registration(&self) -> Option<RegistrationId> {
        (self.registration_id != 0).then_some(RegistrationId(self.registration_id))
    }

    fn payment(&self) -> Payment {
        Payment {
            order: OrderId(self.order_id),
            provider: self.provider.clone().into(),
            transaction_id: self.transaction_id.clone(),
            amount: self.amount_fen,
        }
    }
}

/// Has a payment given back that could not settle its order.
pub(super) async fn enqueue_late(tx: &mut Tx, order: &PayableOrder, payment: &Payment, now_ms: i64) -> Result<()> {
    refunds::insert(tx, payment, None, now_ms).await?;
    enqueue(tx, order, payment, payment, None, now_ms).await
}

pub(super) async fn enqueue(
    tx: &mut Tx,
    order: &PayableOrder,
    payment: &Payment,
    back: &Payment,
    registration: Option<RegistrationId>,
    now_ms: i64,
) -> Result<()> {
    let work = RefundWork {
        order_id: order.id.0,
        order_no: order.order_no.to_string(),
        provider: payment.provider.to_string(),
        transaction_id: payment.transaction_id.clone(),
        amount_fen: back.amount,
        registration_id: registration.map_or(0, |id| id.0),
        total_fen: Some(payment.amount),
    };
    let mut work_key = format!("{REFUND}:{}:{}", payment.provider, payment.transaction_id);
    if let Some(id) = registration {
        work_key = format!("{work_key}:{id}");
    }
    let work_id = outbox::insert_later(tx, REFUND, &work_key, &work, now_ms, now_ms).await?;
    refunds::set_number(tx, back, registration, &refund_no(order.order_no.as_str(), work_id)).await?;
    Ok(())
}

const NOTIFY_PATH: &str = "/api/v1/pay/refund_notify";

/// Unique at the provider, also if other servers refund through the same merchant: the order's number is.
fn refund_no(order_no: &str, work_id: i64) -> String {
    format!("{order_no}r{work_id}")
}

/// The provider says that a refund moved. What it says is not believed: the refund becomes due, and is asked for.
///
/// Errors: `NotFound(Item)` for a refund that is not one of ours.
pub(super) async fn moved(context: &Context, number: &str) -> Result<()> {
    let unknown = DomainError::NotFound(Entity::Item);
    let (_, id) = number.split_once('r').ok_or(unknown.clone())?;
    let id: i64 = id.parse().map_err(|_| unknown.clone())?;
    let (number, now_ms) = (number.to_owned(), context.db.now_ms());
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let payload = outbox::hasten(tx, id, REFUND, now_ms).await?.ok_or(unknown.clone())?;
                let work: RefundWork = serde_json::from_str(&payload).map_err(|_| DomainError::Internal)?;
                if refund_no(&work.order_no, id) == number { Ok(()) } else { Err(unknown) }
            })
        })
        .await
}

/// Does one refund of the outbox: the provider first, then what it means for payment, order and places, in one
/// transaction with the work's own end.
///
/// Errors: `ProviderFailed(Payment)` and `Busy`, after which it may be tried again.
pub(super) async fn perform(context: &Context, work_id: i64, payload: &str) -> Result<()> {
    let work: RefundWork = serde_json::from_str(payload).map_err(|error| {
        tracing::error!(work_id, %error, "unreadable refund");
        DomainError::Internal
    })?;
    let gateway = &context.outside.payments;
    if gateway.name() != work.provider {
        return Err(DomainError::ProviderFailed(Provider::Payment));
    }
    let request = Refund {
        refund_no: refund_no(&work.order_no, work_id),
        order_no: OrderNo::parse(&work.order_no).ok_or(DomainError::Internal)?,
        transaction_id: work.transaction_id.clone(),
        amount: work.amount_fen,
        total: work.total_fen.unwrap_or(work.amount_fen),
        notify_url: notify_url(context, NOTIFY_PATH),
    };
    match gateway.refund(&request).await? {
        RefundState::Done => {}
        // The money is on its way: the provider tells when it is there, and it is asked again.
        RefundState::Processing => return Err(DomainError::BUSY),
    }
    pass(Failpoint::RefundProviderCalled);
    let order = store::order(&context.db, OrderId(work.order_id)).await?.ok_or(DomainError::NotFound(Entity::Order))?;
    let (db, subject) = (context.db.clone(), order.subject);
    context.db.write(move |tx| Box::pin(async move { finish(&db, tx, subject, &work, work_id).await })).await?;
    places_moved(context, subject);
    Ok(())
}

/// What a refund that the provider has taken means here. False, and nothing changed: it was finished before.
pub async fn finish(db: &Db, tx: &mut Tx, subject: Subject, work: &RefundWork, work_id: i64) -> Result<bool> {
    let mut locked = LockedOrder::take(tx, OrderId(work.order_id), subject).await?;
    let now_ms = db.now_in(tx).await?;
    if !outbox::done(tx, work_id, now_ms).await? {
        return Ok(false);
    }
    pass(Failpoint::RefundWorkDone);
    let (back, registration) = (work.payment(), work.registration());
    let settled_by_it = locked.order.transaction_id.as_deref() == Some(work.transaction_id.as_str());
    let is_live = match locked.order.status {
        OrderStatus::Refunding => true,
        OrderStatus::Paid => registration.is_some(),
        _ => false,
    };
    if is_live && settled_by_it {
        end(tx, &mut locked, &back, registration, now_ms).await?;
    } else {
        // It came too late and never paid the order.
        store::set_payment_refunded(tx, &back).await?;
        pass(Failpoint::RefundLatePaymentMarked);
        journal::post(tx, Transfer::RefundDone, &back, now_ms).await?;
        refunds::done(tx, &back, None, now_ms).await?;
    }
    Ok(true)
}
