//! Giving an order back: an unpaid one is cancelled, a paid one's money goes back through the outbox and the payment
//! provider. Every step is one transaction that books the money and moves the places together; repeating any is harmless.

use actors::domain::account::Account;
use actors::domain::ids::OrderId;
use actors::domain::money::Fen;
use actors::domain::order::{OrderNo, OrderStatus};
use actors::error::{DomainError, Entity, Provider, Result};
use actors::quota_queue::history::Event;
use serde::{Deserialize, Serialize};

use super::inquiries;
use super::locked_order::LockedOrder;
use super::outbox::REFUND;
use super::payments::{notify_url, places_moved};
use crate::clients::wechat::pay::{Refund, RefundState};
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::journal::{self, Transfer};
use crate::store::sql::payments::{self as store, FREE, OFFLINE, PayableOrder, Payment, Subject};
use crate::store::sql::{outbox, quota};

/// Whether the game's refund deadline binds who asks: registrants, not administrators. It never binds the cancelling of
/// an unpaid order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    Kept,
    Waived,
}

/// Gives an own race order back. An order that is over or on its way back already is left as it is.
///
/// Errors: `RateLimited`; `NotFound(Order)`, also for somebody else's order; `RefundOver` for a paid one; `ProviderFailed(Payment)` and
/// `Busy` while it is not known whether the order was paid.
pub async fn ask(context: &Context, account: &Account, order_no: &OrderNo) -> Result<()> {
    context.limits.payment_call(account.id).await?;
    let order = store::order_by_no(&context.db, order_no)
        .await?
        .filter(|order| order.account == account.id && matches!(order.subject, Subject::Race { .. }))
        .ok_or(DomainError::NotFound(Entity::Order))?;
    if !matches!(order.status, OrderStatus::Unpaid | OrderStatus::Paid) {
        // Nothing is left to do: the line's lock is not worth a repeated call.
        return Ok(());
    }
    if order.status == OrderStatus::Unpaid {
        inquiries::before_end(context, &order).await?;
    }
    let (db, id, subject) = (context.db.clone(), order.id, order.subject);
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let locked = LockedOrder::take(tx, id, subject).await?;
                give_back(&db, tx, locked, Deadline::Kept).await
            })
        })
        .await?;
    places_moved(context, subject);
    Ok(())
}

/// Cancels an unpaid order, or starts giving a paid one's money back. The places of a paid order stay its own until the
/// provider has taken the refund.
///
/// Errors: `RefundOver`.
pub async fn give_back(db: &Db, tx: &mut Tx, locked: LockedOrder, deadline: Deadline) -> Result<()> {
    let now_ms = db.now_in(tx).await?;
    match locked.order.status {
        OrderStatus::Unpaid => cancel(tx, locked, now_ms).await,
        OrderStatus::Paid => {
            if let Some(places) = locked.places.as_ref().filter(|_| deadline == Deadline::Kept)
                && now_ms >= store::refund_deadline(tx, places.game).await?
            {
                return Err(DomainError::RefundOver);
            }
            let payment = match store::settling_payment(tx, locked.order.id).await? {
                Some(payment) => payment,
                None if locked.order.total == Fen::ZERO => Payment::free(&locked.order),
                None => {
                    tracing::error!(order_id = locked.order.id.0, "a paid order without a payment");
                    return Err(DomainError::Internal);
                }
            };
            store::set_refunding(tx, locked.order.id).await?;
            pass(Failpoint::RefundOrderMarked);
            journal::post(tx, Transfer::RefundRequested, &payment, now_ms).await?;
            pass(Failpoint::RefundBooked);
            match payment.provider.as_ref() {
                FREE => end(tx, locked, &payment, now_ms).await,
                OFFLINE => end_by_hand(tx, locked, &payment, deadline, now_ms).await,
                _ => enqueue(tx, &locked.order, &payment, now_ms).await,
            }
        }
        OrderStatus::Refunding => match store::settling_payment(tx, locked.order.id).await? {
            Some(payment) if payment.provider == OFFLINE => end_by_hand(tx, locked, &payment, deadline, now_ms).await,
            _ => Ok(()),
        },
        OrderStatus::Refunded | OrderStatus::Cancelled | OrderStatus::Expired | OrderStatus::Closed => Ok(()),
    }
}

async fn cancel(tx: &mut Tx, mut locked: LockedOrder, now_ms: i64) -> Result<()> {
    store::set_cancelled(tx, locked.order.id, now_ms).await?;
    pass(Failpoint::CancelOrderCancelled);
    if let Some(places) = &mut locked.places {
        places.row.quota.give_back_held(places.count);
        places.commit(tx, now_ms, Event::Cancelled(places.of(&locked.order))).await?;
        quota::end_registrations(tx, &[quota::OrderKey { id: locked.order.id.0 }]).await?;
    }
    Ok(())
}

/// No provider can be asked for money that was taken offline: an administrator who says "refund" has given it back. Until
/// then the order waits as one that is being refunded.
async fn end_by_hand(
    tx: &mut Tx,
    locked: LockedOrder,
    payment: &Payment,
    deadline: Deadline,
    now_ms: i64,
) -> Result<()> {
    match deadline {
        // Nothing is owed for what cost nothing.
        Deadline::Kept if payment.amount == Fen::ZERO => end(tx, locked, payment, now_ms).await,
        Deadline::Waived => end(tx, locked, payment, now_ms).await,
        Deadline::Kept => Ok(()),
    }
}

/// The money is back: so are the places.
async fn end(tx: &mut Tx, mut locked: LockedOrder, payment: &Payment, now_ms: i64) -> Result<()> {
    store::set_payment_refunded(tx, payment).await?;
    pass(Failpoint::RefundPaymentMarked);
    journal::post(tx, Transfer::RefundDone, payment, now_ms).await?;
    pass(Failpoint::RefundDoneBooked);
    store::set_refunded(tx, locked.order.id, now_ms).await?;
    pass(Failpoint::RefundOrderEnded);
    if let Some(places) = &mut locked.places {
        places.row.quota.give_back_sold(places.count);
        places.commit(tx, now_ms, Event::Refunded(places.of(&locked.order))).await?;
        pass(Failpoint::RefundPlacesGivenBack);
        quota::end_registrations(tx, &[quota::OrderKey { id: locked.order.id.0 }]).await?;
    }
    Ok(())
}

/// The payload of a refund in the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefundWork {
    order_id: i64,
    order_no: String,
    provider: String,
    transaction_id: String,
    amount_fen: Fen,
}

impl RefundWork {
    fn payment(&self) -> Payment {
        Payment {
            order: OrderId(self.order_id),
            provider: self.provider.clone().into(),
            transaction_id: self.transaction_id.clone(),
            amount: self.amount_fen,
        }
    }
}

pub(super) async fn enqueue(tx: &mut Tx, order: &PayableOrder, payment: &Payment, now_ms: i64) -> Result<()> {
    let work = RefundWork {
        order_id: order.id.0,
        order_no: order.order_no.to_string(),
        provider: payment.provider.to_string(),
        transaction_id: payment.transaction_id.clone(),
        amount_fen: payment.amount,
    };
    let work_key = format!("{REFUND}:{}:{}", payment.provider, payment.transaction_id);
    outbox::insert(tx, REFUND, &work_key, &work, now_ms).await?;
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
    let locked = LockedOrder::take(tx, OrderId(work.order_id), subject).await?;
    let now_ms = db.now_in(tx).await?;
    if !outbox::done(tx, work_id, now_ms).await? {
        return Ok(false);
    }
    pass(Failpoint::RefundWorkDone);
    let payment = work.payment();
    let settled_by_it = locked.order.transaction_id.as_deref() == Some(work.transaction_id.as_str());
    if locked.order.status == OrderStatus::Refunding && settled_by_it {
        end(tx, locked, &payment, now_ms).await?;
    } else {
        // It came too late and never paid the order.
        store::set_payment_refunded(tx, &payment).await?;
        pass(Failpoint::RefundLatePaymentMarked);
        journal::post(tx, Transfer::RefundDone, &payment, now_ms).await?;
    }
    Ok(true)
}
