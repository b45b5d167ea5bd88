//! Giving an order or one registration of it back: an unpaid order is cancelled, a paid one's money goes back through the
//! outbox and the payment provider. Every step is one transaction that books the money and moves the places together;
//! repeating any is harmless.

use actors::domain::account::Account;
use actors::domain::ids::RegistrationId;
use actors::domain::money::Fen;
use actors::domain::order::{OrderNo, OrderStatus};
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::history::{Event, OrderPlaces};

use super::inquiries;
use super::locked_order::LockedOrder;
use super::payments::places_moved;
use super::refund_work::enqueue;
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::journal::{self, Transfer};
use crate::store::sql::payments::{self as store, FREE, OFFLINE, PayableOrder, Payment, Subject};
use crate::store::sql::{quota, refunds, registrations};

/// WeChat takes 50 refunds of one payment: so many single ones, and one for all that is left.
const MOST_SINGLE: i64 = 49;

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
    give_back_own(context, account, order_no, None).await
}

/// Gives one registration of an own race order back; the order keeps the others.
///
/// Errors: those of `ask`; `NotFound(Registration)` for one that is not the order's; `InvalidField` while the order is
/// unpaid and has others.
pub async fn ask_one(
    context: &Context,
    account: &Account,
    order_no: &OrderNo,
    registration: RegistrationId,
) -> Result<()> {
    give_back_own(context, account, order_no, Some(registration)).await
}

async fn give_back_own(
    context: &Context,
    account: &Account,
    order_no: &OrderNo,
    registration: Option<RegistrationId>,
) -> Result<()> {
    context.limits.payment_call(account.id).await?;
    let order = store::order_by_no(&context.db, order_no)
        .await?
        .filter(|order| order.account == account.id && matches!(order.subject, Subject::Race { .. }))
        .ok_or(DomainError::NotFound(Entity::Order))?;
    if registration.is_none() && !matches!(order.status, OrderStatus::Unpaid | OrderStatus::Paid) {
        // Nothing is left to do: the line's lock is not worth a repeated call.
        return Ok(());
    }
    if order.status == OrderStatus::Unpaid && is_whole(&order, registration) {
        inquiries::before_end(context, &order).await?;
    }
    let (db, id, subject) = (context.db.clone(), order.id, order.subject);
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let locked = LockedOrder::take(tx, id, subject).await?;
                give_back_part(&db, tx, locked, registration, Deadline::Kept).await
            })
        })
        .await?;
    places_moved(context, subject);
    Ok(())
}

/// Whether giving this back is giving the whole order back: its only registration is as good as none named.
pub(super) fn is_whole(order: &PayableOrder, registration: Option<RegistrationId>) -> bool {
    registration.is_none() || order.item_count == 1
}

/// `give_back` of an order, or of one registration of it.
///
/// Errors: those of `give_back` and of `give_back_one`.
pub(super) async fn give_back_part(
    db: &Db,
    tx: &mut Tx,
    locked: LockedOrder,
    registration: Option<RegistrationId>,
    deadline: Deadline,
) -> Result<()> {
    match registration {
        None => give_back(db, tx, locked, deadline).await,
        Some(registration) => give_back_one(db, tx, locked, registration, deadline).await,
    }
}

/// Cancels an unpaid order, or starts giving a paid one's money back: what was not asked back before. The places of a paid
/// order stay its own until the provider has taken the refund.
///
/// Errors: `RefundOver`.
pub async fn give_back(db: &Db, tx: &mut Tx, locked: LockedOrder, deadline: Deadline) -> Result<()> {
    let now_ms = db.now_in(tx).await?;
    match locked.order.status {
        OrderStatus::Unpaid => cancel(tx, locked, now_ms).await,
        OrderStatus::Paid => {
            must_be_in_time(tx, &locked, deadline, now_ms).await?;
            let payment = settling(tx, &locked.order).await?;
            let asked = refunds::asked(tx, &payment).await?;
            let back = part_of(&payment, payment.amount.get() - asked.fen)?;
            store::set_refunding(tx, locked.order.id).await?;
            pass(Failpoint::RefundOrderMarked);
            start(tx, locked, &payment, &back, None, deadline, now_ms).await
        }
        OrderStatus::Refunding => match store::settling_payment(tx, locked.order.id).await? {
            Some(payment) if payment.provider == OFFLINE && deadline == Deadline::Waived => {
                end_by_hand(tx, locked, &payment, now_ms).await
            }
            _ => Ok(()),
        },
        OrderStatus::Refunded | OrderStatus::Cancelled | OrderStatus::Expired | OrderStatus::Closed => Ok(()),
    }
}

/// Starts giving the price of one registration back; the last one that an order keeps takes what is left of the money
/// with it, and the order becomes one that is refunded. A registration that is on its way back, or an order that is over,
/// is left as it is.
///
/// Errors: `NotFound(Registration)` for one that is not the order's; `InvalidField` while the order is unpaid and has
/// others, and when the provider takes no more refunds of a payment; `RefundOver`.
pub async fn give_back_one(
    db: &Db,
    tx: &mut Tx,
    locked: LockedOrder,
    registration: RegistrationId,
    deadline: Deadline,
) -> Result<()> {
    let order = &locked.order;
    let found = registrations::lock(tx, registration).await?.filter(|it| it.order == order.id);
    let found = found.ok_or(DomainError::NotFound(Entity::Registration))?;
    let now_ms = db.now_in(tx).await?;
    match order.status {
        OrderStatus::Unpaid if is_whole(order, Some(registration)) => cancel(tx, locked, now_ms).await,
        // The payment dialogue may be open with the old amount.
        OrderStatus::Unpaid => Err(DomainError::field(
            "reg_id",
            "the order is not paid: cancel it as a whole and register the others again, or give one back after payment",
        )),
        OrderStatus::Paid | OrderStatus::Refunding if found.refunded == Some(false) => {
            let payment = settling(tx, order).await?;
            if payment.provider == OFFLINE && deadline == Deadline::Waived {
                let mut locked = locked;
                let of_it = refunds::under_way(tx, &payment).await?;
                for part in of_it.into_iter().filter(|it| it.registration == Some(registration)) {
                    let back = part_of(&payment, part.amount.get())?;
                    end(tx, &mut locked, &back, part.registration, now_ms).await?;
                }
            }
            Ok(())
        }
        OrderStatus::Paid if found.refunded.is_none() => {
            must_be_in_time(tx, &locked, deadline, now_ms).await?;
            let payment = settling(tx, order).await?;
            let asked = refunds::asked(tx, &payment).await?;
            let is_last = asked.registrations + 1 == order.item_count;
            let is_asked_for = payment.provider != FREE && payment.provider != OFFLINE;
            if is_asked_for && !is_last && asked.registrations >= MOST_SINGLE {
                let reason =
                    format!("{MOST_SINGLE} of this order were given back one by one: give back the rest at once");
                return Err(DomainError::field("reg_id", reason));
            }
            let fen = if is_last {
                payment.amount.get() - asked.fen
            } else {
                // What is over when a total cannot be divided stays with the last.
                payment.amount.get() / order.item_count
            };
            let back = part_of(&payment, fen)?;
            if is_last {
                store::set_refunding(tx, order.id).await?;
            }
            pass(Failpoint::RefundPartMarked);
            start(tx, locked, &payment, &back, Some(registration), deadline, now_ms).await
        }
        _ => Ok(()),
    }
}

/// Registrants have a deadline.
///
/// Errors: `RefundOver`.
async fn must_be_in_time(tx: &mut Tx, locked: &LockedOrder, deadline: Deadline, now_ms: i64) -> Result<()> {
    match &locked.places {
        Some(places) if deadline == Deadline::Kept && now_ms >= store::refund_deadline(tx, places.game).await? => {
            Err(DomainError::RefundOver)
        }
        _ => Ok(()),
    }
}

/// The payment of a paid order.
async fn settling(tx: &mut Tx, order: &PayableOrder) -> Result<Payment> {
    match store::settling_payment(tx, order.id).await? {
        Some(payment) => Ok(payment),
        None if order.total == Fen::ZERO => Ok(Payment::free(order)),
        None => {
            tracing::error!(order_id = order.id.0, "a paid order without a payment");
            Err(DomainError::Internal)
        }
    }
}

/// A payment of which only so much goes back.
fn part_of(payment: &Payment, fen: i64) -> Result<Payment> {
    let amount = Fen::new(fen).ok_or_else(|| {
        tracing::error!(order_id = payment.order.0, fen, "more was given back than was paid");
        DomainError::Internal
    })?;
    Ok(Payment { amount, ..payment.clone() })
}

/// Books that a part of a payment is to go back, and has the provider do it. No registration: the rest of it.
async fn start(
    tx: &mut Tx,
    mut locked: LockedOrder,
    payment: &Payment,
    back: &Payment,
    registration: Option<RegistrationId>,
    deadline: Deadline,
    now_ms: i64,
) -> Result<()> {
    refunds::insert(tx, back, registration, now_ms).await?;
    journal::post_part(tx, Transfer::RefundRequested, back, registration, now_ms).await?;
    pass(Failpoint::RefundBooked);
    match payment.provider.as_ref() {
        // An administrator has given the money back by hand.
        OFFLINE if deadline == Deadline::Waived && registration.is_none() => {
            end_by_hand(tx, locked, payment, now_ms).await
        }
        OFFLINE if deadline == Deadline::Waived => end(tx, &mut locked, back, registration, now_ms).await,
        // Nothing is owed for what cost nothing, and no provider gives nothing back.
        _ if back.amount == Fen::ZERO => end(tx, &mut locked, back, registration, now_ms).await,
        FREE => end(tx, &mut locked, back, registration, now_ms).await,
        // No provider can be asked for money that was taken offline: it waits for an administrator.
        OFFLINE => Ok(()),
        _ => enqueue(tx, &locked.order, payment, back, registration, now_ms).await,
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

/// Ends all that is on its way back of a payment that was taken offline.
async fn end_by_hand(tx: &mut Tx, mut locked: LockedOrder, payment: &Payment, now_ms: i64) -> Result<()> {
    for part in refunds::under_way(tx, payment).await? {
        let back = part_of(payment, part.amount.get())?;
        end(tx, &mut locked, &back, part.registration, now_ms).await?;
    }
    Ok(())
}

/// The money is back: so are the places it was for. With the last of them the order is refunded.
pub(super) async fn end(
    tx: &mut Tx,
    locked: &mut LockedOrder,
    back: &Payment,
    registration: Option<RegistrationId>,
    now_ms: i64,
) -> Result<()> {
    let order = &locked.order;
    if !refunds::done(tx, back, registration, now_ms).await? {
        tracing::error!(order_id = order.id.0, ?registration, "a refund ends that is not under way");
        return Err(DomainError::Internal);
    }
    pass(Failpoint::RefundPartEnded);
    journal::post_part(tx, Transfer::RefundDone, back, registration, now_ms).await?;
    pass(Failpoint::RefundDoneBooked);
    let count = match registration {
        Some(_) => 1,
        None => order.item_count - refunds::asked(tx, back).await?.registrations,
    };
    let is_over = store::add_refunded(tx, order.id, count, back.amount).await? == 0;
    if is_over {
        store::set_payment_refunded(tx, back).await?;
        pass(Failpoint::RefundPaymentMarked);
        store::set_refunded(tx, order.id, now_ms).await?;
        pass(Failpoint::RefundOrderEnded);
    }
    let Some(places) = &mut locked.places else { return Ok(()) };
    places.row.quota.give_back_sold(count);
    let order_no = order.order_no.to_string();
    let event = if is_over {
        Event::Refunded(OrderPlaces { order_no, places: count })
    } else {
        Event::PartRefunded { order_no, registration: registration.map_or(0, |id| id.0), places: count }
    };
    places.commit(tx, now_ms, event).await?;
    places.count -= count;
    pass(Failpoint::RefundPlacesGivenBack);
    refunds::end_registrations(tx, order.id, registration).await?;
    if is_over {
        quota::end_registrations(tx, &[quota::OrderKey { id: order.id.0 }]).await?;
    }
    Ok(())
}
