//! Orders as administrators read them; money moves through payments and refunds.

use serde::Serialize;

use super::super::db::{Db, StoreError};
use super::super::games::fen;
use super::wire::{Time, Yuan};
use super::{Record, record};
use crate::args;

#[derive(Debug, Clone, Serialize)]
pub struct OrderRecord {
    pub id: i64,
    pub order_no: String,
    pub account_id: i64,
    /// `race` or `membership`.
    pub kind: &'static str,
    pub game_id: Option<i64>,
    pub business_id: Option<i64>,
    pub name: String,
    pub count: i64,
    pub total_price: Yuan,
    /// What came back of it: registrations, and their money.
    pub refunded_count: i64,
    pub refunded_price: Yuan,
    /// As in the H5 dialect: 0 unpaid, 1 paid, 2 expired, 3 refunding, 4 refunded, 5 cancelled, -1 closed.
    pub status: i64,
    pub create_time: Time,
    pub expire_time: Time,
    pub pay_time: Option<Time>,
    pub transaction_id: Option<String>,
}

record!(
    OrderRecord,
    "id",
    "id, order_no, account_id, kind, game_id, business_id, name, item_count, total_fen, refunded_count, refunded_fen, \
     status, created_at, expires_at, paid_at, transaction_id",
    "orders",
    "1 = 1",
    "order_no LIKE $1 ESCAPE '\\' OR LOWER(name) LIKE $1 ESCAPE '\\' OR COALESCE(transaction_id, '') LIKE $1 ESCAPE '\\'",
    |row| Ok(OrderRecord {
        id: row.int("id")?,
        order_no: row.text("order_no")?,
        account_id: row.int("account_id")?,
        kind: if row.int("kind")? == 0 { "race" } else { "membership" },
        game_id: row.opt_int("game_id")?,
        business_id: row.opt_int("business_id")?,
        name: row.text("name")?,
        count: row.int("item_count")?,
        total_price: Yuan(fen(row, "total_fen")?),
        refunded_count: row.int("refunded_count")?,
        refunded_price: Yuan(fen(row, "refunded_fen")?),
        status: row.int("status")?,
        create_time: Time(row.int("created_at")?),
        expire_time: Time(row.int("expires_at")?),
        pay_time: row.opt_int("paid_at")?.map(Time),
        transaction_id: row.opt_text("transaction_id")?,
    })
);

/// The next orders by their ids.
pub async fn after(db: &Db, id: i64, limit: i64) -> Result<Vec<OrderRecord>, StoreError> {
    let sql =
        "SELECT id, order_no, account_id, kind, game_id, business_id, name, item_count, total_fen, refunded_count,
                   refunded_fen, status, created_at, expires_at, paid_at, transaction_id
               FROM orders WHERE id > $1 ORDER BY id LIMIT $2";
    db.fetch_all(sql, args![id, limit]).await?.iter().map(OrderRecord::read).collect()
}
