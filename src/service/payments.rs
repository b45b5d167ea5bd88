//! Paying for an order: the page's payment parameters and the provider's notices. The provider is never called inside a
//! transaction; every change of money and places is one transaction under the rows' locks.

use std::net::{IpAddr, Ipv4Addr};

use actors::domain::account::Account;
use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::{AccountId, OrderId};
use actors::domain::money::Fen;
use actors::domain::order::{OrderNo, OrderStatus};
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::history::Event;
use chrono::{DateTime, FixedOffset, Months};

use super::inquiries::{self, Asked};
use super::locked_order::LockedOrder;
use super::refund_work;
use super::registration::places_changed;
use crate::clients::wechat::notice::{NoticeReply, PaidNotice, Told};
use crate::clients::wechat::pay::UnifiedOrder;
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::journal::{self, Transfer};
use crate::store::sql::payments::{self as store, PayableOrder, Payment, PaymentState, Subject};
use crate::store::sql::{accounts, games};

pub use crate::clients::wechat::notice::RawNotice;
pub use crate::clients::wechat::pay::PagePayment;

/// WeChat's prepay ids live two hours; ours are used a little shorter, so that none ends on the way to the payer.
const PREPAY_LIFE_MS: i64 = (2 * 3600 - 60) * 1000;
/// Named to the provider, which wants an address, for a payer without a known one.
const NO_PAYER_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOTIFY_PATH: &str = "/api/v1/pay/notify";

/// How a client names an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderRef {
    Id(OrderId),
    No(OrderNo),
}

/// Registers an own unpaid order with the provider. While its prepay id lives, the same one is used again. An order that
/// costs nothing is paid by this call, which no provider hears of, and answered with `AlreadyPaid`.
///
/// Errors: `RateLimited`, `NotFound(Order)`, `NotOwner`, `AlreadyPaid`, `OrderState` for an order that cannot be paid any more,
/// `InvalidField` for an account without a WeChat identity, `ProviderFailed(Payment)`.
pub async fn pre_order(
    context: &Context,
    account: &Account,
    order: &OrderRef,
    payer_address: CallerAddress,
) -> Result<PagePayment> {
    context.limits.payment_call(account.id).await?;
    let order = find(&context.db, order).await?;
    if order.account != account.id {
        return Err(DomainError::NotOwner);
    }
    if order.total == Fen::ZERO {
        return Err(settle_free(context, order).await?);
    }
    let gateway = &context.outside.payments;
    if let Some(prepay_id) = live_prepay(&order, context.db.now_ms())? {
        return gateway.page_payment(&prepay_id, context.db.now_ms());
    }
    let openid = accounts::openid(&context.db, account.id)
        .await?
        .ok_or_else(|| DomainError::field("openid", "the account has no WeChat identity"))?;
    let request = UnifiedOrder {
        order_no: order.order_no.clone(),
        total: order.total,
        title: order.title.clone(),
        openid,
        notify_url: notify_url(context, NOTIFY_PATH),
        expires_at: order.expires_at,
        payer_address: payer_address.ip().unwrap_or(NO_PAYER_ADDRESS).to_string(),
    };
    let prepay_id = match gateway.unified_order(&request).await {
        Ok(prepay_id) => prepay_id,
        Err(DomainError::AlreadyPaid) => {
            // Its notice was lost or is still on the way.
            return Err(match inquiries::ask(context, &order).await? {
                Asked::Closed => DomainError::OrderState,
                Asked::Paid | Asked::Open => DomainError::AlreadyPaid,
            });
        }
        Err(error) => return Err(error),
    };
    pass(Failpoint::PreOrderRegistered);
    let now_ms = context.db.now_ms();
    let (asked, new) = (order.clone(), prepay_id.clone());
    let kept = context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let kept = store::set_prepay(tx, asked.id, &new, now_ms + PREPAY_LIFE_MS, now_ms).await?;
                pass(Failpoint::PreOrderKept);
                if kept {
                    inquiries::enqueue(tx, &asked, now_ms).await?;
                }
                Ok(kept)
            })
        })
        .await?;
    if kept {
        return gateway.page_payment(&prepay_id, now_ms);
    }
    // Another call was faster, or the order changed while the provider answered.
    let order = find(&context.db, &OrderRef::Id(order.id)).await?;
    let prepay_id = live_prepay(&order, now_ms)?.ok_or(DomainError::BUSY)?;
    gateway.page_payment(&prepay_id, now_ms)
}

/// Pays an order of nothing; answers why there is nothing more to pay.
async fn settle_free(context: &Context, order: PayableOrder) -> Result<DomainError> {
    match live_prepay(&order, context.db.now_ms()) {
        Ok(_) => {}
        Err(reason) => return Ok(reason),
    }
    let payment = Payment::free(&order);
    let db = context.db.clone();
    let subject = order.subject;
    context.db.write(move |tx| Box::pin(async move { settle(&db, tx, subject, payment).await })).await?;
    places_moved(context, subject);
    Ok(DomainError::AlreadyPaid)
}

async fn find(db: &Db, order: &OrderRef) -> Result<PayableOrder> {
    let found = match order {
        OrderRef::Id(id) => store::order(db, *id).await?,
        OrderRef::No(order_no) => store::order_by_no(db, order_no).await?,
    };
    found.ok_or(DomainError::NotFound(Entity::Order))
}

/// The prepay id to use again, or none; an error if the order cannot be paid.
fn live_prepay(order: &PayableOrder, now_ms: i64) -> Result<Option<String>> {
    match order.status {
        OrderStatus::Unpaid if order.expires_at > now_ms && order.provider_closed_at.is_none() => {}
        OrderStatus::Paid | OrderStatus::Refunding | OrderStatus::Refunded => {
            return Err(DomainError::AlreadyPaid);
        }
        OrderStatus::Unpaid | OrderStatus::Expired | OrderStatus::Cancelled | OrderStatus::Closed => {
            return Err(DomainError::OrderState);
        }
    }
    let lives = order.prepay_expires_at.is_some_and(|at| at > now_ms);
    Ok(order.prepay_id.clone().filter(|_| lives))
}

/// Where the provider tells what happened, absolute.
pub(super) fn notify_url(context: &Context, path: &str) -> String {
    let public_url = context.config.server.public_url.trim_end_matches('/');
    match (public_url, context.outside.own_address()) {
        ("", Some(address)) => format!("http://{address}{path}"),
        (origin, _) => format!("{origin}{path}"),
    }
}

/// What a notice of money came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The order is paid.
    Paid,
    /// Told before; nothing changed.
    Duplicate,
    /// The order cannot be paid by it; the money goes back.
    Refund,
    /// A genuine notice of a payment that did not happen.
    NotPaid,
    /// A refund of ours moved; it is asked for next.
    RefundMoved,
}

/// Takes a notice of the provider. `Ok` means that its outcome is durable and the provider need not tell it again.
///
/// Errors, all of which change nothing: `Malformed`, `BadSignature`, `InvalidField` (another merchant or payer, an impossible
/// member), `NotFound(Order)`, `WrongAmount`, `Conflict` for a transaction that paid something else, `Busy`.
/// `ProviderFailed(Payment)` when what proves the notice cannot be had now.
pub async fn notify(context: &Context, notice: &RawNotice) -> Result<Settlement> {
    match context.outside.payments.read_notice(notice).await? {
        Told::Paid(paid) => book(context, paid).await,
        Told::NotPaid => Ok(Settlement::NotPaid),
        Told::Refund { refund_no } => refund_work::moved(context, &refund_no).await.map(|()| Settlement::RefundMoved),
    }
}

/// Books a payment that the provider vouches for, whether it told it by itself or was asked.
///
/// Errors: `NotFound(Order)`, `InvalidField` for another payer than the order's owner, `WrongAmount`, `Conflict` for a
/// transaction that paid something else, `Busy`.
pub(super) async fn book(context: &Context, paid: PaidNotice) -> Result<Settlement> {
    let order = find(&context.db, &OrderRef::No(paid.order_no.clone())).await?;
    if !is_by_owner(context, &order, &paid).await? {
        return Err(DomainError::field("openid", "did not make this order"));
    }
    let PaidNotice { transaction_id, amount, .. } = paid;
    let provider = context.outside.payments.name().into();
    let payment = Payment { order: order.id, provider, transaction_id, amount };
    let known = store::payment(&context.db, &payment.provider, &payment.transaction_id).await?;
    if let Some(known) = known {
        return duplicate_of(&known, &payment);
    }
    let db = context.db.clone();
    let subject = order.subject;
    let settlement =
        context.db.write(move |tx| Box::pin(async move { settle(&db, tx, subject, payment).await })).await?;
    places_moved(context, subject);
    Ok(settlement)
}

/// Whether the order's owner is who paid. Another server that uses the same merchant may have an order of the same number;
/// merchant and application are the same there, but its payer is not ours. The provider's answers do not name the prepay
/// id. A payment of somebody else is not booked: it is logged, and the bill of its day lists it as unknown.
pub(super) async fn is_by_owner(context: &Context, order: &PayableOrder, paid: &PaidNotice) -> Result<bool> {
    let owner = accounts::openid(&context.db, order.account).await?;
    let is_by_owner = owner.is_none_or(|owner| owner == paid.payer);
    if !is_by_owner {
        let (order_no, transaction_id, fen) = (&order.order_no, &paid.transaction_id, paid.amount.get());
        tracing::error!(%order_no, transaction_id, fen, "somebody else paid an order of this number; it is not booked");
    }
    Ok(is_by_owner)
}

/// What the provider is answered.
pub fn reply_to_notice(context: &Context, outcome: &Result<Settlement>) -> NoticeReply {
    context.outside.payments.notice_reply(outcome.as_ref().map(drop))
}

fn duplicate_of(known: &Payment, told: &Payment) -> Result<Settlement> {
    if known == told {
        Ok(Settlement::Duplicate)
    } else {
        Err(DomainError::Conflict { field: "transaction_id".into() })
    }
}

/// Books a payment: it pays its order, or is to be given back. The whole is one transaction's work; `subject` is the
/// order's.
///
/// Errors, which change nothing: `WrongAmount`, `Conflict` for a transaction that paid something else.
pub async fn settle(db: &Db, tx: &mut Tx, subject: Subject, payment: Payment) -> Result<Settlement> {
    let mut locked = LockedOrder::take(tx, payment.order, subject).await?;
    let order = &locked.order;
    let now_ms = db.now_in(tx).await?;
    if let Some(known) = store::payment_in(tx, &payment.provider, &payment.transaction_id).await? {
        return duplicate_of(&known, &payment);
    }
    if payment.amount != order.total {
        return Err(DomainError::WrongAmount);
    }
    pass(Failpoint::SettleLocked);
    // While its first payment is on the way back an order is settled still; another payment goes back as well.
    let payable = order.status.may_become(OrderStatus::Paid) && order.status != OrderStatus::Refunding;
    let accepted = payable
        && match &mut locked.places {
            // The places of an unpaid order are held for it.
            Some(places) if order.status == OrderStatus::Unpaid => {
                places.row.quota.settle_held(places.count);
                places.commit(tx, now_ms, Event::Paid(places.of(order))).await?;
                pass(Failpoint::SettlePlacesSold);
                true
            }
            Some(places) => {
                // The places were given back; the payment came too late but may find them still free.
                let revived = games::game_exists_in(tx, places.game).await?
                    && places.row.quota.take_sold(places.count)
                    && store::revive_registrations(tx, order.id).await?;
                if revived {
                    places.commit(tx, now_ms, Event::PaidLate(places.of(order))).await?;
                    pass(Failpoint::SettlePlacesTakenBack);
                    store::revive_token(tx, places.game, &order.order_no).await?;
                }
                revived
            }
            None => true,
        };
    if accepted {
        store::set_paid(tx, &payment, now_ms).await?;
        pass(Failpoint::SettleOrderPaid);
        keep_payment(tx, &payment, PaymentState::Settled, now_ms).await?;
        pass(Failpoint::SettlePaymentKept);
        journal::post(tx, Transfer::Payment, &payment, now_ms).await?;
        pass(Failpoint::SettleBooked);
        if let Subject::Membership { .. } = subject {
            prolong_membership(tx, order.account, order.id, now_ms).await?;
        }
        return Ok(Settlement::Paid);
    }
    keep_payment(tx, &payment, PaymentState::Refundable, now_ms).await?;
    pass(Failpoint::SettleRefundableKept);
    journal::post(tx, Transfer::LatePayment, &payment, now_ms).await?;
    pass(Failpoint::SettleLateBooked);
    refund_work::enqueue_late(tx, order, &payment, now_ms).await?;
    pass(Failpoint::SettleRefundEnqueued);
    Ok(Settlement::Refund)
}

async fn keep_payment(tx: &mut Tx, payment: &Payment, state: PaymentState, now_ms: i64) -> Result<()> {
    if store::insert_payment(tx, payment, state, now_ms).await? {
        Ok(())
    } else {
        // The same transaction for another order, told at the same moment.
        Err(DomainError::Conflict { field: "transaction_id".into() })
    }
}

/// Extends a paid membership from its end, or from now if it is over, by whole calendar years of Beijing.
async fn prolong_membership(tx: &mut Tx, account: AccountId, order: OrderId, now_ms: i64) -> Result<()> {
    let years = store::membership_years(tx, order).await?;
    let from = accounts::lock_membership(tx, account).await?.map_or(now_ms, |at| at.max(now_ms));
    let until = years_after(from, years).ok_or(DomainError::Internal)?;
    accounts::set_membership(tx, account, until).await?;
    Ok(())
}

pub(super) fn years_after(from_ms: i64, years: i64) -> Option<i64> {
    let beijing = FixedOffset::east_opt(8 * 3600)?;
    let months = Months::new(u32::try_from(years).ok()?.checked_mul(12)?);
    DateTime::from_timestamp_millis(from_ms)?
        .with_timezone(&beijing)
        .checked_add_months(months)
        .map(|until| until.timestamp_millis())
}

/// Lets the line look at its places again: it may admit the next, and its numbers are shown.
pub(super) fn places_moved(context: &Context, subject: Subject) {
    if let Subject::Race { game, .. } = subject {
        places_changed(context, game);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memberships_end_on_the_same_day_of_a_later_year() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        assert_eq!(years_after(at("2026-11-22T00:00:00+08:00"), 1), Some(at("2027-11-22T00:00:00+08:00")));
        assert_eq!(years_after(at("2028-02-29T07:00:00+08:00"), 1), Some(at("2029-02-28T07:00:00+08:00")));
        assert_eq!(years_after(0, -1), None);
        assert_eq!(years_after(0, i64::MAX), None);
    }
}
