//! Payments: the orders they are for, the money that came, and what a payment moves (places, registrations, the queue
//! token). Callers lock the game's row first, then the order's; the schema's constraints refuse what they overlook.

use std::borrow::Cow;

use actors::domain::ids::{AccountId, BusinessId, GameId, OrderId};
use actors::domain::money::Fen;
use actors::domain::order::{OrderKind, OrderNo, OrderStatus};

use super::db::{Db, Row, StoreError, Tx};
use crate::args;

/// An order as payment sees it. Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayableOrder {
    pub id: OrderId,
    pub order_no: OrderNo,
    pub account: AccountId,
    pub subject: Subject,
    pub title: String,
    pub total: Fen,
    /// Registrations, or 1, of which `refunded_count` were given back.
    pub item_count: i64,
    pub refunded_count: i64,
    pub status: OrderStatus,
    pub expires_at: i64,
    pub prepay_id: Option<String>,
    pub prepay_expires_at: Option<i64>,
    /// The transaction that paid it.
    pub transaction_id: Option<String>,
    /// When the provider said that it takes no more money for it.
    pub provider_closed_at: Option<i64>,
}

/// What the money is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `places`: those that the order has now.
    Race {
        game: GameId,
        places: i64,
    },
    Membership {
        business: BusinessId,
    },
}

impl PayableOrder {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("orders.{what}"));
        let kind = OrderKind::from_code(row.int("kind")?).ok_or_else(|| corrupt("kind"))?;
        let subject = match kind {
            OrderKind::Race => Subject::Race {
                game: GameId(row.int("game_id")?),
                places: row.int("item_count")? - row.int("refunded_count")?,
            },
            OrderKind::Membership => Subject::Membership { business: BusinessId(row.int("business_id")?) },
        };
        Ok(Self {
            id: OrderId(row.int("id")?),
            order_no: OrderNo::parse(&row.text("order_no")?).ok_or_else(|| corrupt("order_no"))?,
            account: AccountId(row.int("account_id")?),
            subject,
            title: row.text("name")?,
            total: Fen::new(row.int("total_fen")?).ok_or_else(|| corrupt("total_fen"))?,
            item_count: row.int("item_count")?,
            refunded_count: row.int("refunded_count")?,
            status: OrderStatus::from_code(row.int("status")?).ok_or_else(|| corrupt("status"))?,
            expires_at: row.int("expires_at")?,
            prepay_id: row.opt_text("prepay_id")?,
            prepay_expires_at: row.opt_int("prepay_expires_at")?,
            transaction_id: row.opt_text("transaction_id")?,
            provider_closed_at: row.opt_int("provider_closed_at")?,
        })
    }
}

macro_rules! order_columns {
    () => {
        "id, order_no, account_id, kind, game_id, business_id, name, item_count, refunded_count, total_fen, status, \
         expires_at, \
         prepay_id, prepay_expires_at, transaction_id, provider_closed_at"
    };
}

const BY_ID: &str = concat!("SELECT ", order_columns!(), " FROM orders WHERE id = $1");
const BY_NO: &str = concat!("SELECT ", order_columns!(), " FROM orders WHERE order_no = $1");

pub async fn order(db: &Db, id: OrderId) -> Result<Option<PayableOrder>, StoreError> {
    let row = db.fetch_optional(BY_ID, args![id.0]).await?;
    row.as_ref().map(PayableOrder::from_row).transpose()
}

pub async fn order_by_no(db: &Db, order_no: &OrderNo) -> Result<Option<PayableOrder>, StoreError> {
    let row = db.fetch_optional(BY_NO, args![order_no.as_str()]).await?;
    row.as_ref().map(PayableOrder::from_row).transpose()
}

const LOCK_ORDER: &str = concat!("UPDATE orders SET version = version + 1 WHERE id = $1 RETURNING ", order_columns!());

/// The order under its row's lock. A race order's game is locked before.
pub async fn lock_order(tx: &mut Tx, id: OrderId) -> Result<PayableOrder, StoreError> {
    PayableOrder::from_row(&tx.fetch_one(LOCK_ORDER, args![id.0]).await?)
}

const SET_PREPAY: &str = "
UPDATE orders SET prepay_id = $2, prepay_expires_at = $3, version = version + 1
WHERE id = $1 AND status = 0 AND expires_at > $4 AND provider_closed_at IS NULL
  AND (prepay_id IS NULL OR prepay_expires_at <= $4)";

/// Keeps a prepay id unless the order has one that lives, or can no longer be paid. True: kept.
pub async fn set_prepay(
    tx: &mut Tx,
    id: OrderId,
    prepay_id: &str,
    expires_at: i64,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let changed = tx.execute(SET_PREPAY, args![id.0, prepay_id, expires_at, now_ms]).await?;
    Ok(changed == 1)
}

const SET_PROVIDER_CLOSED: &str = "
UPDATE orders SET provider_closed_at = $2, version = version + 1
WHERE id = $1 AND status IN (0, 2, 5, -1) AND provider_closed_at IS NULL";

/// Keeps that the provider takes no more money for an order that is not paid. False: nothing was to be kept.
pub async fn set_provider_closed(tx: &mut Tx, id: OrderId, now_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(SET_PROVIDER_CLOSED, args![id.0, now_ms]).await? == 1)
}

/// What became of money that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    /// It paid its order.
    Settled,
    /// It is to be given back.
    Refundable,
    Refunded,
}

impl PaymentState {
    fn code(self) -> i64 {
        match self {
            Self::Settled => 1,
            Self::Refundable => 2,
            Self::Refunded => 3,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub order: OrderId,
    pub provider: Cow<'static, str>,
    pub transaction_id: String,
    pub amount: Fen,
}

/// The provider of orders that cost nothing: nobody is asked, no money moves, the order's number is the transaction.
pub const FREE: &str = "free";

/// The provider of what was paid by hand, and is given back by hand.
pub const OFFLINE: &str = "offline";

impl Payment {
    /// What settles an order of nothing.
    pub fn free(order: &PayableOrder) -> Self {
        Self {
            order: order.id,
            provider: Cow::Borrowed(FREE),
            transaction_id: order.order_no.to_string(),
            amount: Fen::ZERO,
        }
    }
}

const PAYMENT: &str = "
SELECT order_id, provider, transaction_id, amount_fen FROM payments WHERE provider = $1 AND transaction_id = $2";

/// The payment of a transaction, if it was told before.
pub async fn payment(db: &Db, provider: &str, transaction_id: &str) -> Result<Option<Payment>, StoreError> {
    let row = db.fetch_optional(PAYMENT, args![provider, transaction_id]).await?;
    row.as_ref().map(payment_from).transpose()
}

/// As `payment`, inside a transaction.
pub async fn payment_in(tx: &mut Tx, provider: &str, transaction_id: &str) -> Result<Option<Payment>, StoreError> {
    let row = tx.fetch_optional(PAYMENT, args![provider, transaction_id]).await?;
    row.as_ref().map(payment_from).transpose()
}

const SETTLING: &str =
    "SELECT order_id, provider, transaction_id, amount_fen FROM payments WHERE order_id = $1 AND state = 1";

/// The payment that settled a paid order.
pub async fn settling_payment(tx: &mut Tx, order: OrderId) -> Result<Option<Payment>, StoreError> {
    let row = tx.fetch_optional(SETTLING, args![order.0]).await?;
    row.as_ref().map(payment_from).transpose()
}

fn payment_from(row: &Row) -> Result<Payment, StoreError> {
    Ok(Payment {
        order: OrderId(row.int("order_id")?),
        provider: Cow::Owned(row.text("provider")?),
        transaction_id: row.text("transaction_id")?,
        amount: Fen::new(row.int("amount_fen")?)
            .ok_or_else(|| StoreError::Corrupt("payments.amount_fen".to_owned()))?,
    })
}

const INSERT_PAYMENT: &str = "
INSERT INTO payments (order_id, provider, transaction_id, amount_fen, state, received_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (provider, transaction_id) DO NOTHING";

/// False: the transaction was told before.
pub async fn insert_payment(
    tx: &mut Tx,
    payment: &Payment,
    state: PaymentState,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let columns = args![
        payment.order.0,
        payment.provider.as_ref(),
        &payment.transaction_id,
        payment.amount.get(),
        state.code(),
        now_ms,
    ];
    Ok(tx.execute(INSERT_PAYMENT, columns).await? == 1)
}

const SET_REFUNDED: &str = "
UPDATE payments SET state = $3 WHERE provider = $1 AND transaction_id = $2";

pub async fn set_payment_refunded(tx: &mut Tx, payment: &Payment) -> Result<(), StoreError> {
    let state = PaymentState::Refunded.code();
    tx.execute(SET_REFUNDED, args![payment.provider.as_ref(), &payment.transaction_id, state]).await.map(drop)
}

/// WeChat, in the numbers of the H5 dialect.
const PAY_WAY_WECHAT: i64 = 1;
const PAY_WAY_NONE: i64 = 0;

const SET_PAID: &str = "
UPDATE orders
SET status = $2, paid_at = $3, pay_way = $4, pay_amount_fen = $5, transaction_id = $6, cancelled_at = NULL
WHERE id = $1";

/// Only under `lock_order`, and only if the order's state may become `Paid`.
pub async fn set_paid(tx: &mut Tx, payment: &Payment, now_ms: i64) -> Result<(), StoreError> {
    let columns = args![
        payment.order.0,
        OrderStatus::Paid.code(),
        now_ms,
        if payment.provider == FREE { PAY_WAY_NONE } else { PAY_WAY_WECHAT },
        payment.amount.get(),
        &payment.transaction_id,
    ];
    tx.execute(SET_PAID, columns).await.map(drop)
}

const SET_CANCELLED: &str = "UPDATE orders SET status = $2, cancelled_at = $3 WHERE id = $1";

/// Only under `lock_order`.
pub async fn set_cancelled(tx: &mut Tx, id: OrderId, now_ms: i64) -> Result<(), StoreError> {
    let status = OrderStatus::Cancelled.code();
    tx.execute(SET_CANCELLED, args![id.0, status, now_ms]).await.map(drop)
}

const REFUND_DEADLINE: &str = "
SELECT COALESCE(c.refund_deadline, g.start_time) AS at
FROM games g JOIN competitions c ON c.id = g.competition_id WHERE g.id = $1";

/// Until when a registrant may ask for the money of a race order back.
pub async fn refund_deadline(tx: &mut Tx, game: GameId) -> Result<i64, StoreError> {
    tx.fetch_one(REFUND_DEADLINE, args![game.0]).await?.int("at")
}

const SET_STATUS: &str = "UPDATE orders SET status = $2 WHERE id = $1";

/// Only under `lock_order`.
pub async fn set_refunding(tx: &mut Tx, id: OrderId) -> Result<(), StoreError> {
    let status = OrderStatus::Refunding.code();
    tx.execute(SET_STATUS, args![id.0, status]).await.map(drop)
}

const ADD_REFUNDED: &str = "
UPDATE orders SET refunded_count = refunded_count + $2, refunded_fen = refunded_fen + $3 WHERE id = $1
RETURNING item_count - refunded_count AS kept";

/// Counts what came back of an order: registrations and money. Answers how many registrations it keeps. Only under
/// `lock_order`.
pub async fn add_refunded(tx: &mut Tx, id: OrderId, count: i64, amount: Fen) -> Result<i64, StoreError> {
    tx.fetch_one(ADD_REFUNDED, args![id.0, count, amount.get()]).await?.int("kept")
}

const SET_ORDER_REFUNDED: &str = "UPDATE orders SET status = $2, refunded_at = $3 WHERE id = $1";

/// Only under `lock_order`.
pub async fn set_refunded(tx: &mut Tx, id: OrderId, now_ms: i64) -> Result<(), StoreError> {
    let status = OrderStatus::Refunded.code();
    tx.execute(SET_ORDER_REFUNDED, args![id.0, status, now_ms]).await.map(drop)
}

const TAKEN_CERTIFICATE: &str = "
SELECT 1 AS one
FROM registrations mine
JOIN registrations other ON other.game_id = mine.game_id AND other.certificate_key = mine.certificate_key
WHERE mine.order_id = $1 AND mine.live = 0 AND other.live = 1
LIMIT 1";

const REVIVE_REGISTRATIONS: &str = "UPDATE registrations SET live = 1 WHERE order_id = $1 AND live = 0";

/// Makes the registrations of an order live again, all or none. False: one of its players has been registered anew.
/// Only under `quota::lock`, which keeps others from registering meanwhile.
pub async fn revive_registrations(tx: &mut Tx, id: OrderId) -> Result<bool, StoreError> {
    let taken = tx.fetch_optional(TAKEN_CERTIFICATE, args![id.0]).await?.is_some();
    if !taken {
        tx.execute(REVIVE_REGISTRATIONS, args![id.0]).await?;
    }
    Ok(!taken)
}

/// The same request may be in line again; then the old token stays over.
const REVIVE_TOKEN: &str = "
UPDATE queue_tokens SET live = 1
WHERE game_id = $1 AND order_no = $2 AND state = 1 AND live = 0
  AND NOT EXISTS (SELECT 1 FROM queue_tokens other
                  WHERE other.game_id = queue_tokens.game_id AND other.request_key = queue_tokens.request_key
                    AND other.live = 1)";

/// Makes the order's queue token answer its owner's repeated request again. Only under `quota::lock`.
pub async fn revive_token(tx: &mut Tx, game: GameId, order_no: &OrderNo) -> Result<(), StoreError> {
    tx.execute(REVIVE_TOKEN, args![game.0, order_no.as_str()]).await.map(drop)
}

const MEMBERSHIP_YEARS: &str = "SELECT membership_years FROM orders WHERE id = $1";

/// How many years the membership lasts that the order sold.
pub async fn membership_years(tx: &mut Tx, order: OrderId) -> Result<i64, StoreError> {
    tx.fetch_one(MEMBERSHIP_YEARS, args![order.0]).await?.int("membership_years")
}
