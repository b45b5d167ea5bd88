//! Paying for an order: the page's payment parameters, the provider's notices, and giving money back. The provider is
//! never called inside a transaction; every change of money and places is one transaction under the rows' locks.

use actors::domain::account::Account;
use actors::domain::ids::{AccountId, BusinessId, GameId, OrderId};
use actors::domain::order::{OrderNo, OrderStatus};
use actors::error::{DomainError, Entity, Provider, Result};
use actors::quota_queue::history::{Event, OrderPlaces};
use chrono::{DateTime, FixedOffset, Months};
use serde::{Deserialize, Serialize};

use super::outbox::REFUND;
use crate::clients::wechat::notice::{self, PaidNotice};
use crate::clients::wechat::pay::{Merchant, Refund, UnifiedOrder};
use crate::clients::wechat::sign::Fields;
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::payments::{self as store, PayableOrder, Payment, PaymentState, Subject};
use crate::store::sql::{accounts, outbox, quota};

/// WeChat's prepay ids live two hours; ours are used a little shorter, so that none ends on the way to the payer.
const PREPAY_LIFE_MS: i64 = (2 * 3600 - 60) * 1000;
const NOTIFY_PATH: &str = "/api/v1/pay/notify";

/// How a client names an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderRef {
    Id(OrderId),
    No(OrderNo),
}

/// What the page hands to WeChat's payment dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagePayment {
    /// Seconds since 1970, as text: it is signed as such.
    pub timestamp: String,
    pub nonce: String,
    /// `prepay_id=…`
    pub package: String,
    pub sign_type: &'static str,
    pub signature: String,
}

/// Registers an own unpaid order with the provider. While its prepay id lives, the same one is used again.
///
/// Errors: `NotFound(Order)`, `NotOwner`, `AlreadyPaid`, `OrderState` for an order that cannot be paid any more,
/// `InvalidField` for an account without a WeChat identity, `ProviderFailed(Payment)`.
pub async fn pre_order(context: &Context, account: &Account, order: &OrderRef) -> Result<PagePayment> {
    let merchant = merchant(context)?;
    let order = find(&context.db, order).await?;
    if order.account != account.id {
        return Err(DomainError::NotOwner);
    }
    if let Some(prepay_id) = live_prepay(&order, context.db.now_ms())? {
        return Ok(page_payment(merchant, &prepay_id, context.db.now_ms()));
    }
    let openid = accounts::openid(&context.db, account.id)
        .await?
        .ok_or_else(|| DomainError::field("openid", "the account has no WeChat identity"))?;
    let request = UnifiedOrder {
        order_no: order.order_no.clone(),
        total: order.total,
        title: order.title.clone(),
        openid,
        notify_url: notify_url(context),
    };
    let prepay_id = context.outside.payments.unified_order(&request).await?;
    let now_ms = context.db.now_ms();
    let id = order.id;
    let new = prepay_id.clone();
    let kept = context
        .db
        .write(move |tx| {
            Box::pin(async move { Ok(store::set_prepay(tx, id, &new, now_ms + PREPAY_LIFE_MS, now_ms).await?) })
        })
        .await?;
    if kept {
        return Ok(page_payment(merchant, &prepay_id, now_ms));
    }
    // Another call was faster, or the order changed while the provider answered.
    let order = find(&context.db, &OrderRef::Id(order.id)).await?;
    let prepay_id = live_prepay(&order, now_ms)?.ok_or(DomainError::BUSY)?;
    Ok(page_payment(merchant, &prepay_id, now_ms))
}

fn merchant(context: &Context) -> Result<&Merchant> {
    let none = DomainError::ProviderFailed(Provider::Payment);
    context.outside.merchant.as_ref().ok_or(none)
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
        OrderStatus::Unpaid if order.expires_at > now_ms => {}
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

fn notify_url(context: &Context) -> String {
    let public_url = context.config.server.public_url.trim_end_matches('/');
    match (public_url, context.outside.own_address()) {
        ("", Some(address)) => format!("http://{address}{NOTIFY_PATH}"),
        (origin, _) => format!("{origin}{NOTIFY_PATH}"),
    }
}

fn page_payment(merchant: &Merchant, prepay_id: &str, now_ms: i64) -> PagePayment {
    let timestamp = (now_ms / 1000).to_string();
    let nonce = hex::encode(rand::random::<[u8; 16]>());
    let package = format!("prepay_id={prepay_id}");
    let sign_type = merchant.sign_type.wire_name();
    let signed: Fields = [
        ("appId", merchant.app_id.as_str()),
        ("timeStamp", &timestamp),
        ("nonceStr", &nonce),
        ("package", &package),
        ("signType", sign_type),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    PagePayment { signature: merchant.sign(&signed), timestamp, nonce, package, sign_type }
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
}

/// Takes a notice of the provider. `Ok` means that its outcome is durable and the provider need not tell it again.
///
/// Errors, all of which change nothing: `Malformed`, `BadSignature`, `InvalidField` (another merchant, an impossible
/// member), `NotFound(Order)`, `WrongAmount`, `Conflict` for a transaction that paid something else, `Busy`.
pub async fn notify(context: &Context, raw: &[u8]) -> Result<Settlement> {
    let merchant = merchant(context)?;
    let Some(notice) = notice::read(merchant, raw)? else {
        return Ok(Settlement::NotPaid);
    };
    let PaidNotice { order_no, transaction_id, amount } = notice;
    let order = find(&context.db, &OrderRef::No(order_no)).await?;
    if amount != order.total {
        return Err(DomainError::WrongAmount);
    }
    let payment = Payment { order: order.id, provider: context.outside.payments.name(), transaction_id, amount };
    let known = store::payment(&context.db, payment.provider, &payment.transaction_id).await?;
    if let Some(known) = known {
        return duplicate_of(&known, &payment);
    }
    let db = context.db.clone();
    let settlement = context.db.write(move |tx| Box::pin(settle(db, tx, order.subject, payment))).await?;
    if let Subject::Race { game, .. } = order.subject {
        tell_queue(context, game);
    }
    Ok(settlement)
}

/// What the provider is answered.
pub fn reply_to_notice(outcome: &Result<Settlement>) -> String {
    notice::reply(outcome.as_ref().map(drop))
}

fn duplicate_of(known: &Payment, told: &Payment) -> Result<Settlement> {
    if known == told {
        Ok(Settlement::Duplicate)
    } else {
        Err(DomainError::Conflict { field: "transaction_id".into() })
    }
}

async fn settle(db: Db, tx: &mut Tx, subject: Subject, payment: Payment) -> Result<Settlement> {
    // Lock order: the game's places, then the order.
    let places = match subject {
        Subject::Race { game, places } => Some((game, places, quota::lock(tx, game).await?)),
        Subject::Membership { .. } => None,
    };
    let order = store::lock_order(tx, payment.order).await?;
    let now_ms = db.now_in(tx).await?;
    if let Some(known) = store::payment_in(tx, payment.provider, &payment.transaction_id).await? {
        return duplicate_of(&known, &payment);
    }
    pass(Failpoint::SettleLocked);
    let accepted = order.status.may_become(OrderStatus::Paid)
        && match places {
            // The places of an unpaid order are held for it.
            Some((game, places, mut queue)) if order.status == OrderStatus::Unpaid => {
                queue.quota.settle_held(places);
                let event = Event::Paid(places_of(&order, places));
                quota::commit(tx, game, &mut queue, now_ms, &[event]).await?;
                pass(Failpoint::SettlePlacesSold);
                true
            }
            Some((game, places, mut queue)) => {
                // The places were given back; the payment came too late but may find them still free.
                let revived = queue.quota.take_sold(places) && store::revive_registrations(tx, order.id).await?;
                if revived {
                    let event = Event::PaidLate(places_of(&order, places));
                    quota::commit(tx, game, &mut queue, now_ms, &[event]).await?;
                    pass(Failpoint::SettlePlacesTakenBack);
                    store::revive_token(tx, game, &order.order_no).await?;
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
        if let Subject::Membership { business } = subject {
            prolong_membership(tx, order.account, business, now_ms).await?;
        }
        return Ok(Settlement::Paid);
    }
    keep_payment(tx, &payment, PaymentState::Refundable, now_ms).await?;
    pass(Failpoint::SettleRefundableKept);
    enqueue_refund(tx, &order, &payment, now_ms).await?;
    pass(Failpoint::SettleRefundEnqueued);
    Ok(Settlement::Refund)
}

fn places_of(order: &PayableOrder, places: i64) -> OrderPlaces {
    OrderPlaces { order_no: order.order_no.to_string(), places }
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
async fn prolong_membership(tx: &mut Tx, account: AccountId, business: BusinessId, now_ms: i64) -> Result<()> {
    let years = store::membership_years(tx, business).await?;
    let from = accounts::lock_membership(tx, account).await?.map_or(now_ms, |at| at.max(now_ms));
    let until = years_after(from, years).ok_or(DomainError::Internal)?;
    accounts::set_membership(tx, account, until).await?;
    Ok(())
}

fn years_after(from_ms: i64, years: i64) -> Option<i64> {
    let beijing = FixedOffset::east_opt(8 * 3600)?;
    let months = Months::new(u32::try_from(years).ok()?.checked_mul(12)?);
    DateTime::from_timestamp_millis(from_ms)?
        .with_timezone(&beijing)
        .checked_add_months(months)
        .map(|until| until.timestamp_millis())
}

/// Lets the game's queue look at its places again: it may admit the next in line, and its numbers are shown.
fn tell_queue(context: &Context, game: GameId) {
    crate::service::registration::places_changed(context, game);
}

/// The payload of a refund in the outbox.
#[derive(Debug, Serialize, Deserialize)]
struct RefundWork {
    order_id: i64,
    order_no: String,
    provider: String,
    transaction_id: String,
    amount_fen: actors::domain::money::Fen,
}

async fn enqueue_refund(tx: &mut Tx, order: &PayableOrder, payment: &Payment, now_ms: i64) -> Result<()> {
    let work = RefundWork {
        order_id: order.id.0,
        order_no: order.order_no.to_string(),
        provider: payment.provider.to_owned(),
        transaction_id: payment.transaction_id.clone(),
        amount_fen: payment.amount,
    };
    let work_key = format!("{REFUND}:{}:{}", payment.provider, payment.transaction_id);
    outbox::insert(tx, REFUND, &work_key, &work, now_ms).await?;
    Ok(())
}

/// Starts giving a paid order's money back. The places stay its own until the money is on its way. Repeating is
/// harmless.
///
/// Errors: `NotFound(Order)`, `OrderState` for an order that was not paid.
pub async fn request_refund(context: &Context, order: &OrderRef) -> Result<()> {
    let found = find(&context.db, order).await?;
    let provider = context.outside.payments.name();
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let order = store::lock_order(tx, found.id).await?;
                match order.status {
                    OrderStatus::Refunding | OrderStatus::Refunded => return Ok(()),
                    status if status.may_become(OrderStatus::Refunding) => {}
                    _ => return Err(DomainError::OrderState),
                }
                let transaction_id = order.transaction_id.clone().ok_or(DomainError::Internal)?;
                let now_ms = db.now_in(tx).await?;
                let payment = store::payment_in(tx, provider, &transaction_id)
                    .await?
                    .ok_or(DomainError::ProviderFailed(Provider::Payment))?;
                store::set_refunding(tx, order.id).await?;
                enqueue_refund(tx, &order, &payment, now_ms).await
            })
        })
        .await
}

/// Does one refund of the outbox: the provider first, then what it means for payment, order and places, in one
/// transaction with the work's own end.
///
/// Errors: `ProviderFailed(Payment)` and `Busy`, after which it may be tried again.
pub(super) async fn refund(context: &Context, work_id: i64, payload: &str) -> Result<()> {
    let work: RefundWork = serde_json::from_str(payload).map_err(|error| {
        tracing::error!(work_id, %error, "unreadable refund");
        DomainError::Internal
    })?;
    let gateway = &context.outside.payments;
    if gateway.name() != work.provider {
        return Err(DomainError::ProviderFailed(Provider::Payment));
    }
    let order_no = OrderNo::parse(&work.order_no).ok_or(DomainError::Internal)?;
    gateway
        .refund(&Refund {
            refund_no: format!("r{work_id}"),
            order_no: order_no.clone(),
            transaction_id: work.transaction_id.clone(),
            amount: work.amount_fen,
        })
        .await?;
    pass(Failpoint::RefundProviderCalled);
    let order = find(&context.db, &OrderRef::Id(OrderId(work.order_id))).await?;
    let db = context.db.clone();
    context.db.write(move |tx| Box::pin(finish_refund(db, tx, order, work, work_id))).await?;
    if let Subject::Race { game, .. } = find(&context.db, &OrderRef::No(order_no)).await?.subject {
        tell_queue(context, game);
    }
    Ok(())
}

async fn finish_refund(db: Db, tx: &mut Tx, order: PayableOrder, work: RefundWork, work_id: i64) -> Result<()> {
    let places = match order.subject {
        Subject::Race { game, places } => Some((game, places, quota::lock(tx, game).await?)),
        Subject::Membership { .. } => None,
    };
    let order = store::lock_order(tx, order.id).await?;
    let now_ms = db.now_in(tx).await?;
    if !outbox::done(tx, work_id, now_ms).await? {
        return Ok(());
    }
    pass(Failpoint::RefundWorkDone);
    store::set_payment_refunded(tx, &work.provider, &work.transaction_id).await?;
    pass(Failpoint::RefundPaymentMarked);
    let settled_by_it = order.transaction_id.as_deref() == Some(work.transaction_id.as_str());
    if order.status != OrderStatus::Refunding || !settled_by_it {
        return Ok(());
    }
    store::set_refunded(tx, order.id, now_ms).await?;
    if let Some((game, places, mut queue)) = places {
        queue.quota.give_back_sold(places);
        let event = Event::Refunded(places_of(&order, places));
        quota::commit(tx, game, &mut queue, now_ms, &[event]).await?;
        let over = [quota::OrderKey { id: order.id.0 }];
        quota::end_registrations(tx, &over).await?;
    }
    Ok(())
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
