//! The double-entry journal of money: every movement is one transfer between two accounts, written in the transaction
//! of the change it books. The accounts sum to zero by construction; `check` compares them with orders and payments.

use actors::domain::ids::RegistrationId;

use super::db::{Db, Row, StoreError, Tx};
use super::payments::Payment;
use super::refunds::part;
use crate::args;

/// What moved money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// A payment settled its order.
    Payment,
    /// A payment came that cannot settle its order and is to be given back.
    LatePayment,
    /// A settled payment is to be given back.
    RefundRequested,
    /// The provider gave the money back.
    RefundDone,
}

impl Transfer {
    pub const ALL: [Self; 4] = [Self::Payment, Self::LatePayment, Self::RefundRequested, Self::RefundDone];

    pub fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::LatePayment => "late_payment",
            Self::RefundRequested => "refund_requested",
            Self::RefundDone => "refund_done",
        }
    }

    /// Debit and credit account.
    fn accounts(self) -> (&'static str, &'static str) {
        match self {
            Self::Payment => ("cash", "sales"),
            Self::LatePayment => ("cash", "refunds_due"),
            Self::RefundRequested => ("sales", "refunds_due"),
            Self::RefundDone => ("refunds_due", "cash"),
        }
    }
}

const POST: &str = "
INSERT INTO journal (at, kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id, part)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Books a transfer. A payment of nothing moves nothing.
///
/// Errors: a unique violation when this transfer of this payment is booked already.
pub async fn post(tx: &mut Tx, transfer: Transfer, payment: &Payment, now_ms: i64) -> Result<(), StoreError> {
    post_part(tx, transfer, payment, None, now_ms).await
}

/// As `post`, of the part of a payment that one registration cost; `back.amount` is the part's.
pub async fn post_part(
    tx: &mut Tx,
    transfer: Transfer,
    back: &Payment,
    registration: Option<RegistrationId>,
    now_ms: i64,
) -> Result<(), StoreError> {
    if back.amount.get() == 0 {
        return Ok(());
    }
    let (debit, credit) = transfer.accounts();
    let columns = args![
        now_ms,
        transfer.name(),
        debit,
        credit,
        back.amount.get(),
        back.order.0,
        back.provider.as_ref(),
        &back.transaction_id,
        part(registration),
    ];
    tx.execute(POST, columns).await.map(drop)
}

/// Amounts in fen. `cash` is an asset (debits less credits); the others are what it is owed for (credits less debits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balances {
    pub cash: i64,
    pub sales: i64,
    pub refunds_due: i64,
}

/// The journal against orders and payments, all as of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Check {
    /// What the transfers sum to.
    pub booked: Balances,
    /// cash: payments less what was given back; sales: paid orders less what was asked back of them; refunds due: what was
    /// asked back and payments that came too late, neither given back yet.
    pub expected: Balances,
    /// Payments whose transfers are not exactly those that their state stands for.
    pub wrong_payments: i64,
    /// Transfers of payments that are not known.
    pub stray_transfers: i64,
}

impl Check {
    pub fn holds(&self) -> bool {
        self.booked == self.expected && self.wrong_payments == 0 && self.stray_transfers == 0
    }
}

/// One statement, so that all its numbers are of one snapshot while payments come in.
const CHECK: &str = "
WITH sides AS (
    SELECT provider, transaction_id, amount_fen,
           CASE WHEN debit_account = 'cash' THEN amount_fen WHEN credit_account = 'cash' THEN -amount_fen ELSE 0 END
               AS cash,
           CASE WHEN credit_account = 'sales' THEN amount_fen WHEN debit_account = 'sales' THEN -amount_fen ELSE 0 END
               AS sales,
           CASE WHEN credit_account = 'refunds_due' THEN amount_fen WHEN debit_account = 'refunds_due' THEN -amount_fen
                ELSE 0 END AS due
    FROM journal
), per_payment AS (
    SELECT provider, transaction_id, COUNT(*) AS transfers, SUM(cash) AS cash, SUM(sales) AS sales, SUM(due) AS due
    FROM sides GROUP BY provider, transaction_id
), back AS (
    SELECT provider, transaction_id,
           COUNT(CASE WHEN amount_fen > 0 THEN 1 END) AS times, SUM(amount_fen) AS asked,
           COUNT(CASE WHEN amount_fen > 0 AND state = 2 THEN 1 END) AS times_done,
           SUM(CASE WHEN state = 2 THEN amount_fen ELSE 0 END) AS done
    FROM refunds GROUP BY provider, transaction_id
), compared AS (
    SELECT p.amount_fen AS amount, p.state, o.status, COALESCE(j.transfers, 0) AS transfers,
           COALESCE(j.cash, 0) AS cash, COALESCE(j.sales, 0) AS sales, COALESCE(j.due, 0) AS due,
           COALESCE(b.times, 0) AS times, COALESCE(b.asked, 0) AS asked,
           COALESCE(b.times_done, 0) AS times_done, COALESCE(b.done, 0) AS done
    FROM payments p JOIN orders o ON o.id = p.order_id
    LEFT JOIN per_payment j ON j.provider = p.provider AND j.transaction_id = p.transaction_id
    LEFT JOIN back b ON b.provider = p.provider AND b.transaction_id = p.transaction_id
), asked_of_paid AS (
    SELECT CAST(COALESCE(SUM(f.amount_fen), 0) AS BIGINT) AS fen
    FROM refunds f JOIN orders o ON o.id = f.order_id AND o.transaction_id = f.transaction_id WHERE o.status = 1
), back_of_live AS (
    SELECT CAST(COALESCE(SUM(refunded_fen), 0) AS BIGINT) AS fen FROM orders WHERE status IN (1, 3)
)
SELECT
    (SELECT CAST(COALESCE(SUM(cash), 0) AS BIGINT) FROM sides) AS cash,
    (SELECT CAST(COALESCE(SUM(sales), 0) AS BIGINT) FROM sides) AS sales,
    (SELECT CAST(COALESCE(SUM(due), 0) AS BIGINT) FROM sides) AS due,
    (SELECT CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) FROM payments WHERE state IN (1, 2))
        - (SELECT fen FROM back_of_live) AS expected_cash,
    (SELECT CAST(COALESCE(SUM(pay_amount_fen), 0) AS BIGINT) FROM orders WHERE status = 1)
        - (SELECT fen FROM asked_of_paid) AS expected_sales,
    (SELECT CAST(COALESCE(SUM(pay_amount_fen), 0) AS BIGINT) FROM orders WHERE status = 3)
        + (SELECT CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) FROM payments WHERE state = 2)
        + (SELECT fen FROM asked_of_paid) - (SELECT fen FROM back_of_live) AS expected_due,
    (SELECT COUNT(*) FROM compared WHERE amount > 0 AND NOT CASE
        WHEN state = 1 AND status IN (1, 3) THEN
            (status = 3) = (asked = amount) AND done < amount AND transfers = 1 + times + times_done
            AND cash = amount - done AND sales = amount - asked AND due = asked - done
        WHEN state = 2 THEN transfers = 1 AND cash = amount AND sales = 0 AND due = amount AND asked = amount AND done = 0
        WHEN state = 3 THEN transfers IN (1 + times_done, 1 + times + times_done) AND asked = amount AND done = amount
            AND cash = 0 AND sales = 0 AND due = 0
        ELSE false END) AS wrong_payments,
    (SELECT COUNT(*) FROM journal WHERE NOT EXISTS (
        SELECT 1 FROM payments p WHERE p.provider = journal.provider AND p.transaction_id = journal.transaction_id
    )) AS stray_transfers";

/// Reads all payments and transfers once.
pub async fn check(db: &Db) -> Result<Check, StoreError> {
    let row = db.fetch_one(CHECK, args![]).await?;
    Ok(Check {
        booked: Balances { cash: row.int("cash")?, sales: row.int("sales")?, refunds_due: row.int("due")? },
        expected: Balances {
            cash: row.int("expected_cash")?,
            sales: row.int("expected_sales")?,
            refunds_due: row.int("expected_due")?,
        },
        wrong_payments: row.int("wrong_payments")?,
        stray_transfers: row.int("stray_transfers")?,
    })
}

/// A transfer as it was booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub id: i64,
    pub at: i64,
    pub kind: String,
    pub debit_account: String,
    pub credit_account: String,
    pub amount_fen: i64,
    pub order_no: String,
    pub provider: String,
    pub transaction_id: String,
}

const LATEST: &str = "
SELECT j.id, j.at, j.kind, j.debit_account, j.credit_account, j.amount_fen, o.order_no, j.provider, j.transaction_id
FROM journal j JOIN orders o ON o.id = j.order_id ORDER BY j.id DESC LIMIT $1";

/// The last transfers, newest first.
pub async fn latest(db: &Db, limit: i64) -> Result<Vec<Booked>, StoreError> {
    db.fetch_all(LATEST, args![limit]).await?.iter().map(booked).collect()
}

fn booked(row: &Row) -> Result<Booked, StoreError> {
    Ok(Booked {
        id: row.int("id")?,
        at: row.int("at")?,
        kind: row.text("kind")?,
        debit_account: row.text("debit_account")?,
        credit_account: row.text("credit_account")?,
        amount_fen: row.int("amount_fen")?,
        order_no: row.text("order_no")?,
        provider: row.text("provider")?,
        transaction_id: row.text("transaction_id")?,
    })
}
