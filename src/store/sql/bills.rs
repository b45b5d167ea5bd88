//! The provider's bills against the journal: what is booked of the transactions on a bill, what ought to be on one and is
//! not, and the stored reports.

use std::sync::LazyLock;

use serde::Serialize;

use super::db::json_rows;
use super::db::{BatchSql, ColumnKind, Db, Row, StoreError, Tx};
use crate::args;

/// A payment as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub transaction_id: String,
    pub order_no: String,
    /// What came in, in fen.
    pub paid: i64,
}

#[derive(Serialize)]
struct TransactionRow<'t> {
    t: &'t str,
}

macro_rules! booked_columns {
    () => {
        "p.transaction_id, o.order_no,
         (SELECT CAST(COALESCE(SUM(j.amount_fen), 0) AS BIGINT) FROM journal j WHERE j.provider = p.provider
          AND j.transaction_id = p.transaction_id AND j.debit_account = 'cash') AS paid"
    };
}

static BOOKED: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        concat!(
            "SELECT ",
            booked_columns!(),
            " FROM {rows} JOIN payments p ON p.transaction_id = r.t AND p.provider = $2
             JOIN orders o ON o.id = p.order_id"
        ),
        &[("t", ColumnKind::Text)],
    )
});

/// What is booked of some transactions; those that are not known are left out.
pub async fn booked(db: &Db, provider: &str, transactions: &[&str]) -> Result<Vec<Booked>, StoreError> {
    let rows = rows_of(transactions)?;
    db.fetch_all(BOOKED.text(db.dialect()), vec![rows, provider.into()]).await?.iter().map(booked_from).collect()
}

const UNBILLED: &str = concat!(
    "SELECT ",
    booked_columns!(),
    " FROM payments p JOIN orders o ON o.id = p.order_id
     WHERE p.provider = $1 AND p.received_at >= $2 AND p.received_at < $3 AND p.amount_fen > 0
       AND p.billed_on IS NULL ORDER BY p.received_at LIMIT $4"
);

/// Payments that came in a time and that no bill had.
pub async fn unbilled(db: &Db, provider: &str, from: i64, to: i64, limit: i64) -> Result<Vec<Booked>, StoreError> {
    db.fetch_all(UNBILLED, args![provider, from, to, limit]).await?.iter().map(booked_from).collect()
}

fn booked_from(row: &Row) -> Result<Booked, StoreError> {
    Ok(Booked { transaction_id: row.text("transaction_id")?, order_no: row.text("order_no")?, paid: row.int("paid")? })
}

fn rows_of(transactions: &[&str]) -> Result<super::db::Value, StoreError> {
    json_rows(&transactions.iter().map(|t| TransactionRow { t }).collect::<Vec<_>>())
}

static MARK_PAID: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE payments SET billed_on = $3 FROM {rows}
         WHERE payments.provider = $2 AND payments.transaction_id = r.t AND payments.billed_on IS NULL",
        &[("t", ColumnKind::Text)],
    )
});

/// Keeps that the payments of some transactions were on a day's bill.
pub async fn mark_paid(tx: &mut Tx, provider: &str, transactions: &[&str], day: &str) -> Result<(), StoreError> {
    let columns = vec![rows_of(transactions)?, provider.into(), day.into()];
    tx.execute(MARK_PAID.text(tx.dialect()), columns).await.map(drop)
}

/// What a day's comparison came to. Amounts in fen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub provider: String,
    /// `YYYY-MM-DD`, Beijing.
    pub day: String,
    pub lines: i64,
    pub paid: i64,
    pub refunded: i64,
    pub difference_count: i64,
    /// JSON: the first of them.
    pub differences: String,
}

const KEEP: &str = "
INSERT INTO bill_reports (provider, day, line_count, paid_fen, refunded_fen, difference_count, differences, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (provider, day) DO UPDATE SET line_count = excluded.line_count, paid_fen = excluded.paid_fen,
    refunded_fen = excluded.refunded_fen, difference_count = excluded.difference_count,
    differences = excluded.differences, created_at = excluded.created_at";

/// Keeps a report in place of an older one of the same day.
pub async fn keep(tx: &mut Tx, report: &Report, now_ms: i64) -> Result<(), StoreError> {
    let columns = args![
        &report.provider,
        &report.day,
        report.lines,
        report.paid,
        report.refunded,
        report.difference_count,
        &report.differences,
        now_ms,
    ];
    tx.execute(KEEP, columns).await.map(drop)
}

const FIRST_UNBILLED: &str = "
SELECT MIN(received_at) AS at FROM payments WHERE provider = $1 AND received_at >= $2 AND billed_on IS NULL";

/// When the first payment since `from` came that no bill had.
pub async fn first_unbilled(db: &Db, provider: &str, from: i64) -> Result<Option<i64>, StoreError> {
    db.fetch_one(FIRST_UNBILLED, args![provider, from]).await?.opt_int("at")
}
