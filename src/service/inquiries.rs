//! Asking the payment provider what became of an order before it ends here. An order that was registered there is asked
//! for when its payment window passes: paid → booked as a notice would be; else closed there, and only then its places
//! are free. While the provider is away they are kept for `release::PROVIDER_GRACE_MS` more, and the asking goes on after
//! that, so that money which did come is found and placed or given back. Nothing here runs inside a lock.

use actors::domain::ids::OrderId;
use actors::domain::order::OrderStatus;
use actors::error::{DomainError, Provider, Result};
use serde::{Deserialize, Serialize};

use super::outbox::INQUIRY;
use super::payments::{book, is_by_owner, places_moved};
use crate::clients::wechat::pay::{Closing, Trade};
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::db::Tx;
use crate::store::sql::outbox;
use crate::store::sql::payments::{self as store, PayableOrder};

/// What the provider said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It was paid, which is booked now.
    Paid,
    /// It takes no payment for the order any more.
    Closed,
    /// Not paid; it may still be.
    Open,
}

/// The payload of an inquiry in the outbox.
#[derive(Serialize, Deserialize)]
struct InquiryWork {
    order_id: i64,
}

/// Has the order asked for once its payment window has passed.
pub(super) async fn enqueue(tx: &mut Tx, order: &PayableOrder, now_ms: i64) -> Result<()> {
    let work_key = format!("{INQUIRY}:{}", order.order_no);
    let due = order.expires_at.max(now_ms);
    outbox::insert(tx, INQUIRY, &work_key, &InquiryWork { order_id: order.id.0 }, due).await?;
    pass(Failpoint::InquiryEnqueued);
    Ok(())
}

/// Has the order asked for now, because the provider's bill has a payment of it that is not known here.
pub(super) async fn enqueue_found(tx: &mut Tx, order: &PayableOrder, transaction_id: &str, now_ms: i64) -> Result<()> {
    let work_key = format!("{INQUIRY}:{}:{transaction_id}", order.order_no);
    outbox::insert(tx, INQUIRY, &work_key, &InquiryWork { order_id: order.id.0 }, now_ms).await?;
    Ok(())
}

/// Whether the provider may have, or take, money for the order that is not known here.
fn is_open(order: &PayableOrder) -> bool {
    use OrderStatus::{Cancelled, Closed, Expired, Unpaid};
    matches!(order.status, Unpaid | Expired | Cancelled | Closed)
        && order.prepay_id.is_some()
        && order.provider_closed_at.is_none()
}

/// Asks only, and books what was paid. `Closed` also when somebody else paid an order of the same number.
///
/// Errors: `Busy` while the payer is about to pay; `ProviderFailed(Payment)`, also when what it says cannot be booked.
pub async fn ask(context: &Context, order: &PayableOrder) -> Result<Asked> {
    let trade = context.outside.payments.query(&order.order_no).await?;
    pass(Failpoint::InquiryAsked);
    match trade {
        // The number is taken by an order of another server: no payment of ours can come under it.
        Trade::Paid(paid) if !is_by_owner(context, order, &paid).await? => mark_closed(context, order).await,
        Trade::Paid(paid) => book(context, paid).await.map(|_| Asked::Paid).map_err(|error| match error {
            busy @ DomainError::Busy { .. } => busy,
            error => {
                tracing::error!(order_no = %order.order_no, %error, "a payment that the provider tells cannot be booked");
                DomainError::ProviderFailed(Provider::Payment)
            }
        }),
        Trade::Open => Ok(Asked::Open),
        Trade::Paying => Err(DomainError::BUSY),
        Trade::Over => mark_closed(context, order).await,
    }
}

/// To be called before an unpaid order is cancelled or closed here: asks, and closes it at the provider. An order that the
/// provider never heard of is closed already. `Open` is never answered.
///
/// Errors: those of `ask`, also when it cannot be closed there; the order must then not be ended.
pub async fn before_end(context: &Context, order: &PayableOrder) -> Result<Asked> {
    if !is_open(order) {
        return Ok(Asked::Closed);
    }
    match ask(context, order).await? {
        Asked::Open => close(context, order).await,
        asked => Ok(asked),
    }
}

/// Errors: `ProviderFailed(Payment)`, `Busy` for one that was paid at this moment and cannot be booked yet.
async fn close(context: &Context, order: &PayableOrder) -> Result<Asked> {
    let closing = context.outside.payments.close(&order.order_no).await?;
    pass(Failpoint::InquiryClosedThere);
    match closing {
        Closing::Closed => mark_closed(context, order).await,
        Closing::Paid => match ask(context, order).await? {
            Asked::Open => Err(DomainError::BUSY),
            asked => Ok(asked),
        },
    }
}

async fn mark_closed(context: &Context, order: &PayableOrder) -> Result<Asked> {
    let id = order.id;
    let now_ms = context.db.now_ms();
    let written = context.db.write(move |tx| {
        Box::pin(async move {
            store::set_provider_closed(tx, id, now_ms).await?;
            pass(Failpoint::InquiryClosingKept);
            Ok(())
        })
    });
    written.await?;
    Ok(Asked::Closed)
}

/// Does one inquiry of the outbox.
///
/// Errors: those of `ask`, after which it is tried again.
pub(super) async fn perform(context: &Context, work_id: i64, payload: &str) -> Result<()> {
    let work: InquiryWork = serde_json::from_str(payload).map_err(|error| {
        tracing::error!(work_id, %error, "unreadable inquiry");
        DomainError::Internal
    })?;
    let order = store::order(&context.db, OrderId(work.order_id)).await?.ok_or(DomainError::Internal)?;
    if is_open(&order) {
        let asked = ask(context, &order).await?;
        if asked == Asked::Open {
            if order.status == OrderStatus::Unpaid && order.expires_at > context.db.now_ms() {
                // Its window is open; another inquiry comes at its end.
                return finish(context, work_id).await;
            }
            close(context, &order).await?;
        }
        places_moved(context, order.subject);
    }
    finish(context, work_id).await
}

async fn finish(context: &Context, work_id: i64) -> Result<()> {
    let now_ms = context.db.now_ms();
    let written = context.db.write(move |tx| {
        Box::pin(async move {
            outbox::done(tx, work_id, now_ms).await?;
            pass(Failpoint::InquiryDone);
            Ok(())
        })
    });
    written.await
}
