//! Orders as their owners read them, and orders for memberships. What payment moves is in `payments`, places in `quota`.

use actors::domain::ids::{AccountId, BusinessId, OrderId};
use actors::domain::money::Fen;
use actors::domain::order::{OrderNo, OrderStatus};

use super::db::{Db, Row, StoreError, Tx};
use super::games::fen;
use crate::args;

/// An order with all that its owner may see. Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDetail {
    pub id: OrderId,
    pub order_no: String,
    pub account: AccountId,
    pub count: i64,
    pub price: Fen,
    pub total: Fen,
    pub business: Option<BusinessId>,
    pub name: String,
    pub pay_amount: Option<Fen>,
    pub pay_time: Option<i64>,
    /// 0 none, 1 WeChat, 2 Alipay, 3 UnionPay.
    pub pay_way: i64,
    pub remark: String,
    pub status: OrderStatus,
    /// What came back of it: registrations, and their money.
    pub refunded_count: i64,
    pub refunded: Fen,
    pub coupon: String,
    /// Sealed, or empty.
    pub phone_sealed: String,
    pub discounts: Fen,
    /// JSON, or empty.
    pub snap_items: String,
    pub create_time: i64,
}

fn detail(row: &Row) -> Result<OrderDetail, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("orders.{what}"));
    let pay_amount = row.opt_int("pay_amount_fen")?;
    Ok(OrderDetail {
        id: OrderId(row.int("id")?),
        order_no: row.text("order_no")?,
        account: AccountId(row.int("account_id")?),
        count: row.int("item_count")?,
        price: fen(row, "price_fen")?,
        total: fen(row, "total_fen")?,
        business: row.opt_int("business_id")?.map(BusinessId),
        name: row.text("name")?,
        pay_amount: pay_amount.map(|fen| Fen::new(fen).ok_or_else(|| corrupt("pay_amount_fen"))).transpose()?,
        pay_time: row.opt_int("paid_at")?,
        pay_way: row.int("pay_way")?,
        remark: row.text("remark")?,
        status: OrderStatus::from_code(row.int("status")?).ok_or_else(|| corrupt("status"))?,
        refunded_count: row.int("refunded_count")?,
        refunded: fen(row, "refunded_fen")?,
        coupon: row.text("coupon")?,
        phone_sealed: row.text("phone_sealed")?,
        discounts: fen(row, "discounts_fen")?,
        snap_items: row.text("snap_items")?,
        create_time: row.int("created_at")?,
    })
}

macro_rules! columns {
    () => {
        "id, order_no, account_id, item_count, price_fen, total_fen, business_id, name, pay_amount_fen, paid_at, pay_way, \
         remark, status, refunded_count, refunded_fen, coupon, phone_sealed, discounts_fen, snap_items, created_at"
    };
}

const ONE: &str = concat!("SELECT ", columns!(), " FROM orders WHERE id = $1");

pub async fn one(db: &Db, id: OrderId) -> Result<Option<OrderDetail>, StoreError> {
    db.fetch_optional(ONE, args![id.0]).await?.as_ref().map(detail).transpose()
}

const PAGE: &str =
    concat!("SELECT ", columns!(), " FROM orders WHERE account_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3");
const COUNT: &str = "SELECT COUNT(*) AS total FROM orders WHERE account_id = $1";

/// An account's orders, newest first, and how many there are.
pub async fn page(db: &Db, account: AccountId, limit: i64, offset: i64) -> Result<(i64, Vec<OrderDetail>), StoreError> {
    let total = db.fetch_one(COUNT, args![account.0]).await?.int("total")?;
    let rows = db.fetch_all(PAGE, args![account.0, limit, offset]).await?;
    Ok((total, rows.iter().map(detail).collect::<Result<_, _>>()?))
}

/// A membership that is to be paid.
#[derive(Debug, Clone)]
pub struct NewMembershipOrder {
    pub order_no: OrderNo,
    pub account: AccountId,
    pub business: BusinessId,
    pub name: String,
    pub price: Fen,
    /// How long the membership lasts.
    pub years: i64,
    pub phone_sealed: String,
    /// JSON of the business as it was sold.
    pub snap_items: String,
    pub expires_at: i64,
}

const INSERT: &str = "
INSERT INTO orders (order_no, account_id, kind, business_id, name, item_count, price_fen, total_fen, created_at,
                    expires_at, phone_sealed, snap_items, membership_years)
VALUES ($1, $2, 1, $3, $4, 1, $5, $5, $6, $7, $8, $9, $10)
ON CONFLICT (order_no) DO NOTHING RETURNING id";

/// None: the order number is taken.
pub async fn insert_membership(
    tx: &mut Tx,
    new: &NewMembershipOrder,
    now_ms: i64,
) -> Result<Option<OrderId>, StoreError> {
    let columns = args![
        new.order_no.as_str(),
        new.account.0,
        new.business.0,
        &new.name,
        new.price.get(),
        now_ms,
        new.expires_at,
        &new.phone_sealed,
        &new.snap_items,
        new.years,
    ];
    tx.fetch_optional(INSERT, columns).await?.map(|row| Ok(OrderId(row.int("id")?))).transpose()
}

const SET_CLOSED: &str = "UPDATE orders SET status = $2, version = version + 1 WHERE id = $1";

/// Only under `payments::lock_order`.
pub async fn set_closed(tx: &mut Tx, id: OrderId) -> Result<(), StoreError> {
    tx.execute(SET_CLOSED, args![id.0, OrderStatus::Closed.code()]).await.map(drop)
}

const DUE: &str = "
SELECT id FROM orders WHERE status = 0 AND kind = 1 AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2";

/// Unpaid membership orders whose time is over, oldest first.
pub async fn due_memberships(db: &Db, now_ms: i64, limit: i64) -> Result<Vec<OrderId>, StoreError> {
    db.fetch_all(DUE, args![now_ms, limit]).await?.iter().map(|row| Ok(OrderId(row.int("id")?))).collect()
}

/// The phone an order was made with, sealed.
pub async fn phone_sealed(tx: &mut Tx, id: OrderId) -> Result<Option<String>, StoreError> {
    let row = tx.fetch_one("SELECT phone_sealed FROM orders WHERE id = $1", args![id.0]).await?;
    Ok(Some(row.text("phone_sealed")?).filter(|sealed| !sealed.is_empty()))
}
