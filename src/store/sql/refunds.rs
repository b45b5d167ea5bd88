//! Money that goes back, one row for each part of a payment: a registration's price, or all that was not asked back
//! before. Rows change only under the order's lock; the table's constraints let no part go back twice.

use std::sync::LazyLock;

use actors::domain::ids::{OrderId, RegistrationId};
use actors::domain::money::Fen;
use serde::Serialize;

use super::db::{BatchSql, ColumnKind, Db, Row, StoreError, Tx, Value, json_rows};
use super::payments::Payment;
use crate::args;

/// A part as the tables name it.
pub(super) fn part(registration: Option<RegistrationId>) -> i64 {
    registration.map_or(0, |id| id.0)
}

const INSERT: &str = "
INSERT INTO refunds (order_id, provider, transaction_id, registration_id, amount_fen, requested_at)
VALUES ($1, $2, $3, $4, $5, $6)";

/// Keeps that a part of a payment is to go back; `back.amount` is the part's. No registration: the rest.
///
/// Errors: a unique violation for a part that was asked back before.
pub async fn insert(
    tx: &mut Tx,
    back: &Payment,
    registration: Option<RegistrationId>,
    now_ms: i64,
) -> Result<(), StoreError> {
    let columns = args![
        back.order.0,
        back.provider.as_ref(),
        &back.transaction_id,
        part(registration),
        back.amount.get(),
        now_ms,
    ];
    tx.execute(INSERT, columns).await.map(drop)
}

const SET_NUMBER: &str = "
UPDATE refunds SET refund_no = $4 WHERE provider = $1 AND transaction_id = $2 AND registration_id = $3";

/// Keeps the number by which the provider knows it.
pub async fn set_number(
    tx: &mut Tx,
    back: &Payment,
    registration: Option<RegistrationId>,
    refund_no: &str,
) -> Result<(), StoreError> {
    let columns = args![back.provider.as_ref(), &back.transaction_id, part(registration), refund_no];
    tx.execute(SET_NUMBER, columns).await.map(drop)
}

const DONE: &str = "
UPDATE refunds SET state = 2, done_at = $4
WHERE provider = $1 AND transaction_id = $2 AND registration_id = $3 AND state = 1";

/// Keeps that the money is back. False: there is no such refund under way.
pub async fn done(
    tx: &mut Tx,
    back: &Payment,
    registration: Option<RegistrationId>,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let columns = args![back.provider.as_ref(), &back.transaction_id, part(registration), now_ms];
    Ok(tx.execute(DONE, columns).await? == 1)
}

/// What was asked back of a payment so far, done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// Single registrations.
    pub registrations: i64,
    pub fen: i64,
}

const ASKED: &str = "
SELECT COUNT(CASE WHEN registration_id <> 0 THEN 1 END) AS registrations,
       CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) AS fen
FROM refunds WHERE provider = $1 AND transaction_id = $2";

pub async fn asked(tx: &mut Tx, payment: &Payment) -> Result<Asked, StoreError> {
    let row = tx.fetch_one(ASKED, args![payment.provider.as_ref(), &payment.transaction_id]).await?;
    Ok(Asked { registrations: row.int("registrations")?, fen: row.int("fen")? })
}

/// A refund under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    pub registration: Option<RegistrationId>,
    pub amount: Fen,
}

const UNDER_WAY: &str = "
SELECT registration_id, amount_fen FROM refunds
WHERE provider = $1 AND transaction_id = $2 AND state = 1 ORDER BY id";

pub async fn under_way(tx: &mut Tx, payment: &Payment) -> Result<Vec<UnderWay>, StoreError> {
    let rows = tx.fetch_all(UNDER_WAY, args![payment.provider.as_ref(), &payment.transaction_id]).await?;
    rows.iter()
        .map(|row| {
            let registration = row.int("registration_id")?;
            Ok(UnderWay {
                registration: (registration != 0).then_some(RegistrationId(registration)),
                amount: amount(row)?,
            })
        })
        .collect()
}

fn amount(row: &Row) -> Result<Fen, StoreError> {
    Fen::new(row.int("amount_fen")?).ok_or_else(|| StoreError::Corrupt("refunds.amount_fen".to_owned()))
}

const END_ONE: &str = "UPDATE registrations SET live = 0 WHERE id = $1";
const END_REST: &str = "
UPDATE registrations SET live = 0 WHERE order_id = $1
  AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.registration_id = registrations.id)";

/// Ends what a refund was for, so that its players may register again. Only under `quota::lock`.
pub async fn end_registrations(
    tx: &mut Tx,
    order: OrderId,
    registration: Option<RegistrationId>,
) -> Result<(), StoreError> {
    match registration {
        Some(id) => tx.execute(END_ONE, args![id.0]).await.map(drop),
        None => tx.execute(END_REST, args![order.0]).await.map(drop),
    }
}

/// A refund as the provider's bill is compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billable {
    pub refund_no: String,
    pub transaction_id: String,
    pub order_no: String,
    pub fen: i64,
}

#[derive(Serialize)]
struct NumberRow<'n> {
    t: &'n str,
}

fn rows_of(numbers: &[&str]) -> Result<Value, StoreError> {
    json_rows(&numbers.iter().map(|t| NumberRow { t }).collect::<Vec<_>>())
}

fn billable(row: &Row) -> Result<Billable, StoreError> {
    Ok(Billable {
        refund_no: row.text("refund_no")?,
        transaction_id: row.text("transaction_id")?,
        order_no: row.text("order_no")?,
        fen: row.int("amount_fen")?,
    })
}

static BY_NUMBERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT f.refund_no, f.transaction_id, o.order_no, f.amount_fen
         FROM {rows} JOIN refunds f ON f.refund_no = r.t AND f.provider = $2 JOIN orders o ON o.id = f.order_id",
        &[("t", ColumnKind::Text)],
    )
});

/// The refunds of some numbers; those that are not known are left out.
pub async fn by_numbers(db: &Db, provider: &str, numbers: &[&str]) -> Result<Vec<Billable>, StoreError> {
    let columns = vec![rows_of(numbers)?, provider.into()];
    db.fetch_all(BY_NUMBERS.text(db.dialect()), columns).await?.iter().map(billable).collect()
}

const UNBILLED: &str = "
SELECT f.refund_no, f.transaction_id, o.order_no, f.amount_fen FROM refunds f JOIN orders o ON o.id = f.order_id
WHERE f.provider = $1 AND f.done_at >= $2 AND f.done_at < $3 AND f.state = 2 AND f.billed_on IS NULL
  AND f.amount_fen > 0 AND f.refund_no IS NOT NULL ORDER BY f.done_at LIMIT $4";

/// Refunds that were done in a time and that no bill had.
pub async fn unbilled(db: &Db, provider: &str, from: i64, to: i64, limit: i64) -> Result<Vec<Billable>, StoreError> {
    db.fetch_all(UNBILLED, args![provider, from, to, limit]).await?.iter().map(billable).collect()
}

static MARK_BILLED: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE refunds SET billed_on = $3 FROM {rows}
         WHERE refunds.provider = $2 AND refunds.refund_no = r.t AND refunds.billed_on IS NULL",
        &[("t", ColumnKind::Text)],
    )
});

/// Keeps that some refunds were on a day's bill.
pub async fn mark_billed(tx: &mut Tx, provider: &str, numbers: &[&str], day: &str) -> Result<(), StoreError> {
    let columns = vec![rows_of(numbers)?, provider.into(), day.into()];
    tx.execute(MARK_BILLED.text(tx.dialect()), columns).await.map(drop)
}
