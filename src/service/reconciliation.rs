//! The provider's bill of each day against the journal, as work of the outbox. `compare` is pure; what it finds is stored
//! as a report for administrators, and a payment that only the provider knows is asked for and booked.

use std::collections::HashMap;

use actors::domain::order::OrderNo;
use actors::error::{DomainError, Result};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::inquiries;
use super::outbox::BILL;
use crate::clients::wechat::pay::{BillKind, BillLine, WECHAT};
use crate::context::Context;
use crate::store::sql::bills::{self as store, Booked, Report};
use crate::store::sql::outbox;
use crate::store::sql::payments;
use crate::store::sql::refunds::{self, Billable};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const BEIJING_MS: i64 = 8 * HOUR_MS;
/// Bills are written by ten in the morning; a little later they are there.
const READY_MS: i64 = 10 * HOUR_MS + HOUR_MS / 2;
/// Days that are made up for after a standstill.
const MOST_DAYS: i64 = 7;
const CHUNK: usize = 1_000;
/// Differences that are stored and payments that are asked for, of one day.
const MOST_KEPT: usize = 1_000;

/// What does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// On the bill and not booked.
    UnknownPayment,
    WrongAmount,
    /// Booked for another order.
    WrongOrder,
    /// Booked and on no bill.
    MissingPayment,
    /// On the bill, and nothing is to go back here.
    UnknownRefund,
    WrongRefund,
    /// Booked as given back and on no bill.
    MissingRefund,
}

/// Amounts in fen; none where one side has nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub fault: Fault,
    pub transaction_id: String,
    pub order_no: String,
    pub billed_fen: Option<i64>,
    pub booked_fen: Option<i64>,
}

/// What is on the bill under one name.
struct Billed<'b> {
    transaction_id: &'b str,
    order_no: &'b str,
    fen: i64,
}

/// The lines of one kind by their name; those of the same name count as their sum.
fn sums(bill: &[BillLine], kind: BillKind, name: fn(&BillLine) -> &str) -> HashMap<&str, Billed<'_>> {
    let mut sums: HashMap<&str, Billed<'_>> = HashMap::new();
    for line in bill.iter().filter(|line| line.kind == kind) {
        let new = Billed { transaction_id: &line.transaction_id, order_no: &line.order_no, fen: 0 };
        sums.entry(name(line)).or_insert(new).fen += line.amount.get();
    }
    sums
}

/// What is kept here of the transactions and refunds on a bill, and what ought to be on one by now and was on none before.
#[derive(Default)]
pub struct Books {
    pub payments: Vec<Booked>,
    pub refunds: Vec<Billable>,
    pub unbilled: Vec<Booked>,
    pub unbilled_refunds: Vec<Billable>,
}

/// Compares a bill with what is kept here: payments by their transaction, refunds by their number, of which a payment may
/// have several.
pub fn compare(bill: &[BillLine], books: &Books) -> Vec<Difference> {
    let paid = sums(bill, BillKind::Payment, |line| &line.transaction_id);
    let refunded = sums(bill, BillKind::Refund, |line| &line.refund_no);
    let mut found = Vec::new();
    let mut differs = |fault, transaction_id: &str, order_no: &str, billed_fen, booked_fen| {
        let (transaction_id, order_no) = (transaction_id.to_owned(), order_no.to_owned());
        found.push(Difference { fault, transaction_id, order_no, billed_fen, booked_fen });
    };
    let known: HashMap<&str, &Booked> = books.payments.iter().map(|it| (it.transaction_id.as_str(), it)).collect();
    for (transaction, billed) in &paid {
        let here = known.get(transaction).copied();
        let fault = match here {
            None => Fault::UnknownPayment,
            Some(here) if here.paid != billed.fen => Fault::WrongAmount,
            Some(here) if here.order_no != billed.order_no => Fault::WrongOrder,
            Some(_) => continue,
        };
        differs(fault, transaction, billed.order_no, Some(billed.fen), here.map(|it| it.paid));
    }
    let known: HashMap<&str, &Billable> = books.refunds.iter().map(|it| (it.refund_no.as_str(), it)).collect();
    for (number, billed) in &refunded {
        let here = known.get(number).copied();
        let fault = match here {
            None => Fault::UnknownRefund,
            Some(here) if here.fen != billed.fen || here.transaction_id != billed.transaction_id => Fault::WrongRefund,
            Some(_) => continue,
        };
        differs(fault, billed.transaction_id, billed.order_no, Some(billed.fen), here.map(|it| it.fen));
    }
    for here in books.unbilled.iter().filter(|here| !paid.contains_key(here.transaction_id.as_str())) {
        differs(Fault::MissingPayment, &here.transaction_id, &here.order_no, None, Some(here.paid));
    }
    for here in books.unbilled_refunds.iter().filter(|here| !refunded.contains_key(here.refund_no.as_str())) {
        differs(Fault::MissingRefund, &here.transaction_id, &here.order_no, None, Some(here.fen));
    }
    found.sort_by(|one, other| (one.fault, &one.transaction_id).cmp(&(other.fault, &other.transaction_id)));
    found
}

/// The payload of a bill in the outbox.
#[derive(Serialize, Deserialize)]
struct BillWork {
    provider: String,
    day: NaiveDate,
}

/// Has yesterday's bill compared once it is written, and those of the days before that were missed. Adding a day again
/// adds nothing.
pub async fn schedule(context: &Context) -> Result<()> {
    if context.outside.payments.name() != WECHAT {
        return Ok(());
    }
    let now_ms = context.db.now_ms();
    let today = (now_ms + BEIJING_MS).div_euclid(DAY_MS);
    let oldest = (today - MOST_DAYS) * DAY_MS - BEIJING_MS;
    let first = store::first_unbilled(&context.db, WECHAT, oldest).await?;
    let first_day = first.map_or(today - 1, |at| (at + BEIJING_MS).div_euclid(DAY_MS).min(today - 1));
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                for day in first_day..today {
                    let day = day_of(day).ok_or(DomainError::Internal)?;
                    let work = BillWork { provider: WECHAT.to_owned(), day };
                    let due = starts_at(day) + DAY_MS + READY_MS;
                    outbox::insert(tx, BILL, &format!("{BILL}:{WECHAT}:{day}"), &work, due).await?;
                }
                Ok(())
            })
        })
        .await
}

fn day_of(days_since_1970: i64) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_days(Days::new(u64::try_from(days_since_1970).ok()?))
}

/// The first millisecond of a day in Beijing.
fn starts_at(day: NaiveDate) -> i64 {
    day.signed_duration_since(NaiveDate::default()).num_milliseconds() - BEIJING_MS
}

/// What the lines of one kind are known by: payments by their transaction, refunds by their number.
fn names(lines: &[BillLine], kind: BillKind) -> Vec<&str> {
    let of_kind = lines.iter().filter(|line| line.kind == kind);
    of_kind
        .map(|line| match kind {
            BillKind::Payment => line.transaction_id.as_str(),
            BillKind::Refund => line.refund_no.as_str(),
        })
        .collect()
}

/// Compares one day's bill.
///
/// Errors: `ProviderFailed(Payment)` when there is none yet, after which it is tried again.
pub(super) async fn perform(context: &Context, work_id: i64, payload: &str) -> Result<()> {
    let work: BillWork = serde_json::from_str(payload).map_err(|error| {
        tracing::error!(work_id, %error, "unreadable bill");
        DomainError::Internal
    })?;
    let gateway = &context.outside.payments;
    if gateway.name() != work.provider {
        return Err(DomainError::ProviderFailed(actors::error::Provider::Payment));
    }
    let bill = gateway.bill(work.day).await?.unwrap_or_default();
    let (db, provider) = (&context.db, work.provider.as_str());
    let mut books = Books::default();
    for lines in bill.chunks(CHUNK) {
        books.payments.extend(store::booked(db, provider, &names(lines, BillKind::Payment)).await?);
        books.refunds.extend(refunds::by_numbers(db, provider, &names(lines, BillKind::Refund)).await?);
    }
    let (from, to) = (starts_at(work.day), starts_at(work.day) + DAY_MS);
    let limit = MOST_KEPT as i64;
    books.unbilled = store::unbilled(db, provider, from, to, limit).await?;
    books.unbilled_refunds = refunds::unbilled(db, provider, from, to, limit).await?;
    let differences = compare(&bill, &books);
    if !differences.is_empty() {
        tracing::error!(day = %work.day, count = differences.len(), "the bill disagrees with the journal");
    }
    let sum = |kind| bill.iter().filter(|line| line.kind == kind).map(|line| line.amount.get()).sum();
    let report = Report {
        provider: work.provider.clone(),
        day: work.day.to_string(),
        lines: bill.len() as i64,
        paid: sum(BillKind::Payment),
        refunded: sum(BillKind::Refund),
        difference_count: differences.len() as i64,
        differences: serde_json::to_string(&differences[..differences.len().min(MOST_KEPT)])
            .map_err(|_| DomainError::Internal)?,
    };
    let mut lost = Vec::new();
    for difference in differences.iter().filter(|it| it.fault == Fault::UnknownPayment).take(MOST_KEPT) {
        if let Some(order_no) = OrderNo::parse(&difference.order_no)
            && let Some(order) = payments::order_by_no(db, &order_no).await?
        {
            lost.push((order, difference.transaction_id.clone()));
        }
    }
    let now_ms = db.now_ms();
    db.write(move |tx| {
        Box::pin(async move {
            for lines in bill.chunks(CHUNK) {
                store::mark_paid(tx, &report.provider, &names(lines, BillKind::Payment), &report.day).await?;
                refunds::mark_billed(tx, &report.provider, &names(lines, BillKind::Refund), &report.day).await?;
            }
            store::keep(tx, &report, now_ms).await?;
            for (order, transaction_id) in &lost {
                inquiries::enqueue_found(tx, order, transaction_id, now_ms).await?;
            }
            outbox::done(tx, work_id, now_ms).await?;
            Ok(())
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use actors::domain::money::Fen;
    use chrono::{DateTime, FixedOffset};

    use super::*;

    fn line(kind: BillKind, transaction: &str, order_no: &str, refund_no: &str, fen: i64) -> BillLine {
        BillLine {
            kind,
            transaction_id: transaction.to_owned(),
            order_no: order_no.to_owned(),
            refund_no: refund_no.to_owned(),
            amount: Fen::new(fen).unwrap(),
        }
    }

    fn paid(transaction: &str, order_no: &str, fen: i64) -> BillLine {
        line(BillKind::Payment, transaction, order_no, "", fen)
    }

    fn back(transaction: &str, order_no: &str, refund_no: &str, fen: i64) -> BillLine {
        line(BillKind::Refund, transaction, order_no, refund_no, fen)
    }

    fn here(transaction: &str, order_no: &str, paid: i64) -> Booked {
        Booked { transaction_id: transaction.to_owned(), order_no: order_no.to_owned(), paid }
    }

    fn refund(transaction: &str, order_no: &str, refund_no: &str, fen: i64) -> Billable {
        Billable {
            refund_no: refund_no.to_owned(),
            transaction_id: transaction.to_owned(),
            order_no: order_no.to_owned(),
            fen,
        }
    }

    fn faults(found: &[Difference]) -> Vec<(Fault, &str)> {
        found.iter().map(|it| (it.fault, it.transaction_id.as_str())).collect()
    }

    #[test]
    fn what_agrees_is_not_told() {
        // Two registrations of one order on one day; the third refund of it is of another day, and is under way.
        let bill = [paid("a", "1", 100), paid("b", "2", 150), back("b", "2", "2r1", 50), back("b", "2", "2r2", 50)];
        let refunds = vec![refund("b", "2", "2r1", 50), refund("b", "2", "2r2", 50)];
        let books = Books {
            payments: vec![here("a", "1", 100), here("b", "2", 150)],
            unbilled: vec![here("a", "1", 100)],
            unbilled_refunds: refunds[..1].to_vec(),
            refunds,
        };
        assert_eq!(compare(&bill, &books), []);
        assert_eq!(compare(&[], &Books::default()), []);
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let bill = [
            paid("unknown", "1", 100),
            paid("amount", "2", 99),
            paid("order", "3", 100),
            paid("twice", "4", 100),
            paid("twice", "4", 100),
            back("by hand", "5", "5x1", 100),
            back("part", "6", "6r1", 40),
            back("part", "6", "6r2", 60),
            back("other", "7", "7r1", 1),
        ];
        let books = Books {
            payments: vec![here("amount", "2", 100), here("order", "33", 100), here("twice", "4", 100)],
            refunds: vec![
                refund("part", "6", "6r1", 60),
                refund("part", "6", "6r2", 60),
                refund("else", "7", "7r1", 1),
            ],
            unbilled: vec![here("missing", "8", 100), here("twice", "4", 100)],
            unbilled_refunds: vec![refund("not back", "9", "9r1", 100), refund("part", "6", "6r2", 60)],
        };
        let found = compare(&bill, &books);
        assert_eq!(
            faults(&found),
            [
                (Fault::UnknownPayment, "unknown"),
                (Fault::WrongAmount, "amount"),
                (Fault::WrongAmount, "twice"),
                (Fault::WrongOrder, "order"),
                (Fault::MissingPayment, "missing"),
                (Fault::UnknownRefund, "by hand"),
                (Fault::WrongRefund, "other"),
                (Fault::WrongRefund, "part"),
                (Fault::MissingRefund, "not back"),
            ]
        );
        assert_eq!((found[2].billed_fen, found[2].booked_fen), (Some(200), Some(100)));
    }

    #[test]
    fn days_are_beijings() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let start = DateTime::<FixedOffset>::parse_from_rfc3339("2026-11-22T00:00:00+08:00").unwrap();
        assert_eq!(starts_at(day), start.timestamp_millis());
        assert_eq!(day_of((start.timestamp_millis() + BEIJING_MS).div_euclid(DAY_MS)), Some(day));
    }
}
