//! Orders as their owners handle them: a membership ordered, any order read, cancelled and closed. Paying is in
//! `payments`, giving money back in `refunds`.

use actors::domain::account::Account;
use actors::domain::ids::{BusinessId, OrderId};
use actors::domain::money::Fen;
use actors::domain::order::{OrderNo, OrderStatus};
use actors::error::{DomainError, Entity, Result};
use serde_json::json;

use super::inquiries::{self, Asked};
use super::locked_order::LockedOrder;
use super::payments::places_moved;
use super::refunds::{self, Deadline};
use super::sms::{self, Kind, Sms};
use crate::context::Context;
use crate::store::sql::orders::{self as store, NewMembershipOrder};
use crate::store::sql::quota::PROVIDER_GRACE_MS;
use crate::store::sql::{accounts, businesses, payments};

pub use crate::store::sql::orders::OrderDetail;

/// An unpaid membership is closed after a day.
const MEMBERSHIP_WINDOW_MS: i64 = 24 * 3600 * 1000;
/// After this long nobody needs to be told any more.
const MESSAGE_LIFE_MS: i64 = 12 * 3600 * 1000;
/// Longest title, in characters.
const LONGEST_NAME: usize = 100;
/// Draws of an order number until it must be free.
const MOST_DRAWS: u32 = 5;
/// Unpaid orders that are closed at once.
const SWEEP: i64 = 100;

/// What an order of a membership is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub id: OrderId,
    pub order_no: String,
    pub total: Fen,
    pub name: String,
    /// Milliseconds since 1970.
    pub create_time: i64,
}

/// Orders a membership; it is to be paid within a day. Without a `name` the business' title is the order's.
///
/// Errors: `RateLimited`, `InvalidField`, `PhoneRequired`, `Forbidden` for somebody whose membership an administrator
/// disabled, `NotFound(Business)` for one that is not on sale.
pub async fn commit(
    context: &Context,
    account: &Account,
    business: BusinessId,
    name: Option<String>,
) -> Result<Placed> {
    context.limits.enqueue(account.id).await?;
    if name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(DomainError::field("name", format!("最多{LONGEST_NAME}个字符")));
    }
    // The session may have been read before the phone was bound.
    let profile = accounts::profile(&context.db, account.id).await?.ok_or(DomainError::NotFound(Entity::Account))?;
    let phone_sealed = profile.mobile_sealed.ok_or(DomainError::PhoneRequired)?;
    if profile.member_status == accounts::DISABLED {
        // It would be paid for and stay disabled.
        return Err(DomainError::Forbidden);
    }
    let offer = businesses::on_sale(&context.db, business).await?.ok_or(DomainError::NotFound(Entity::Business))?;
    let snapshot = json!({
        "id": offer.id,
        "title": offer.title,
        "cost": offer.cost.yuan(),
        "price": offer.price.yuan(),
        "valid_time": offer.valid_time,
        "specs": offer.specs,
        "content": offer.content,
    });
    let (db, owner) = (context.db.clone(), account.id);
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                let mut new = NewMembershipOrder {
                    order_no: OrderNo::compose(now_ms, rand::random()),
                    account: owner,
                    business: offer.id,
                    name: name.unwrap_or(offer.title),
                    price: offer.price,
                    years: offer.valid_time,
                    phone_sealed,
                    snap_items: snapshot.to_string(),
                    expires_at: now_ms + MEMBERSHIP_WINDOW_MS,
                };
                for _ in 0..MOST_DRAWS {
                    if let Some(id) = store::insert_membership(tx, &new, now_ms).await? {
                        let (order_no, total) = (new.order_no.to_string(), new.price);
                        return Ok(Placed { id, order_no, total, name: new.name, create_time: now_ms });
                    }
                    new.order_no = OrderNo::compose(now_ms, rand::random());
                }
                Err(DomainError::BUSY)
            })
        })
        .await
}

/// An own order, and the phone it was made with (empty: none).
///
/// Errors: `NotFound(Order)`, `OrderOfAnother`.
pub async fn detail(context: &Context, account: &Account, id: OrderId) -> Result<(OrderDetail, String)> {
    let order = store::one(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Order))?;
    if order.account != account.id {
        return Err(DomainError::OrderOfAnother);
    }
    let phone = phone(context, &order)?;
    Ok((order, phone))
}

/// The account's orders, newest first, each with its phone, and how many there are. `page` counts from 1.
pub async fn page(
    context: &Context,
    account: &Account,
    page: i64,
    size: i64,
) -> Result<(i64, Vec<(OrderDetail, String)>)> {
    let offset = (page - 1).saturating_mul(size);
    let (total, orders) = store::page(&context.db, account.id, size, offset).await?;
    let orders = orders.into_iter().map(|order| Ok((phone(context, &order)?, order))).collect::<Result<Vec<_>>>()?;
    Ok((total, orders.into_iter().map(|(phone, order)| (order, phone)).collect()))
}

fn phone(context: &Context, order: &OrderDetail) -> Result<String> {
    if order.phone_sealed.is_empty() {
        return Ok(String::new());
    }
    context.vault.open(&order.phone_sealed).map_err(|error| {
        tracing::error!(order_id = order.id.0, %error, "a stored phone");
        DomainError::Internal
    })
}

/// Cancels an own unpaid order; the places of a race order are free again.
///
/// Errors: `RateLimited`, `NotFound(Order)`, `NotOwner`, `NotCancellable` for an order that is not unpaid, `ProviderFailed(Payment)` and
/// `Busy` while it is not known whether it was paid.
pub async fn cancel(context: &Context, account: &Account, id: OrderId) -> Result<()> {
    context.limits.payment_call(account.id).await?;
    let order = own(context, account, id).await?;
    if order.status != OrderStatus::Unpaid {
        return Err(DomainError::NotCancellable);
    }
    inquiries::before_end(context, &order).await?;
    let (db, subject) = (context.db.clone(), order.subject);
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let locked = LockedOrder::take(tx, id, subject).await?;
                if locked.order.status != OrderStatus::Unpaid {
                    return Err(DomainError::NotCancellable);
                }
                refunds::give_back(&db, tx, locked, Deadline::Kept).await
            })
        })
        .await?;
    places_moved(context, subject);
    Ok(())
}

/// Closes an own cancelled order: it can never be paid any more.
///
/// Errors: as `cancel`, with `NotClosable` for an order that is not cancelled.
pub async fn close(context: &Context, account: &Account, id: OrderId) -> Result<()> {
    context.limits.payment_call(account.id).await?;
    let order = own(context, account, id).await?;
    if order.status != OrderStatus::Cancelled {
        return Err(DomainError::NotClosable);
    }
    inquiries::before_end(context, &order).await?;
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let locked = LockedOrder::take(tx, id, order.subject).await?;
                if locked.order.status != OrderStatus::Cancelled {
                    return Err(DomainError::NotClosable);
                }
                Ok(store::set_closed(tx, id).await?)
            })
        })
        .await
}

async fn own(context: &Context, account: &Account, id: OrderId) -> Result<payments::PayableOrder> {
    let order = payments::order(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Order))?;
    if order.account == account.id { Ok(order) } else { Err(DomainError::NotOwner) }
}

/// Whether an order whose time is over can be closed: the payment provider has closed it, or has been away for too long.
/// What it took meanwhile is found by the order's inquiry.
async fn may_end(context: &Context, id: OrderId) -> Result<bool> {
    let Some(order) = payments::order(&context.db, id).await? else { return Ok(false) };
    match inquiries::before_end(context, &order).await {
        Ok(Asked::Closed) => Ok(true),
        Ok(Asked::Paid) => Ok(false),
        Ok(Asked::Open) | Err(_) => Ok(order.expires_at <= context.db.now_ms() - PROVIDER_GRACE_MS),
    }
}

/// Closes unpaid memberships whose day is over, a bounded number; answers how many. Race orders end with their payment
/// window, in their game's line. A payment that comes later is given back.
pub async fn sweep_memberships(context: &Context) -> Result<u64> {
    let mut closed = 0;
    let tells = sms::sends(context, Kind::OrderClosed);
    for id in store::due_memberships(&context.db, context.db.now_ms(), SWEEP).await? {
        if !may_end(context, id).await? {
            continue;
        }
        let (db, vault) = (context.db.clone(), context.vault.clone());
        let work = context.db.write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                let order = payments::lock_order(tx, id).await?;
                let due = order.status == OrderStatus::Unpaid && order.expires_at <= now_ms;
                if due {
                    store::set_closed(tx, id).await?;
                    let phone = store::phone_sealed(tx, id).await?.filter(|_| tells);
                    if let Some(phone) = phone.and_then(|sealed| vault.open(&sealed).ok()) {
                        let until = now_ms + MESSAGE_LIFE_MS;
                        let sms = Sms { phone, kind: Kind::OrderClosed, values: vec![order.title], until };
                        sms::enqueue(tx, &vault, &sms, now_ms).await?;
                    }
                }
                Ok(due)
            })
        });
        closed += u64::from(work.await?);
    }
    Ok(closed)
}
