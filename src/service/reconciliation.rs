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

/// What one transaction has on the bill.
#[derive(Default)]
struct Billed<'b> {
    order_no: &'b str,
    paid: Option<i64>,
    refunded: Option<i64>,
}

/// Compares a bill with what is `booked` of its transactions. `unbilled` and `unbilled_refunds` are what ought to be on a
/// bill by now and was on none before this one. The same transaction on two lines counts as their sum.
pub fn compare(
    bill: &[BillLine],
    booked: &[Booked],
    unbilled: &[Booked],
    unbilled_refunds: &[Booked],
) -> Vec<Difference> {
    let mut billed: HashMap<&str, Billed<'_>> = HashMap::new();
    for line in bill {
        let entry = billed.entry(&line.transaction_id).or_default();
        entry.order_no = &line.order_no;
        let sum = match line.kind {
            BillKind::Payment => &mut entry.paid,
            BillKind::Refund => &mut entry.refunded,
        };
        *sum = Some(sum.unwrap_or(0) + line.amount.get());
    }
    let known: HashMap<&str, &Booked> = booked.iter().map(|it| (it.transaction_id.as_str(), it)).collect();
    let mut found = Vec::new();
    for (transaction, billed) in &billed {
        let here = known.get(transaction).copied();
        let mut differs = |fault, billed_fen, booked_fen| {
            let order_no = billed.order_no.to_owned();
            let transaction_id = (*transaction).to_owned();
            found.push(Difference { fault, transaction_id, order_no, billed_fen, booked_fen });
        };
        match (billed.paid, here) {
            (Some(_), None) => differs(Fault::UnknownPayment, billed.paid, None),
            (Some(paid), Some(here)) if paid != here.paid => {
                differs(Fault::WrongAmount, billed.paid, Some(here.paid));
            }
            (Some(_), Some(here)) if billed.order_no != here.order_no => {
                differs(Fault::WrongOrder, billed.paid, Some(here.paid));
            }
            _ => {}
        }
        match (billed.refunded, here) {
            (Some(_), None) => differs(Fault::UnknownRefund, billed.refunded, None),
            (Some(_), Some(here)) if here.due_back == 0 => differs(Fault::UnknownRefund, billed.refunded, Some(0)),
            (Some(refunded), Some(here)) if refunded != here.due_back => {
                differs(Fault::WrongRefund, billed.refunded, Some(here.due_back));
            }
            _ => {}
        }
    }
    let missing = |fault, here: &Booked, fen| Difference {
        fault,
        transaction_id: here.transaction_id.clone(),
        order_no: here.order_no.clone(),
        billed_fen: None,
        booked_fen: Some(fen),
    };
    let on_bill = |here: &Booked| billed.get(here.transaction_id.as_str());
    let unpaid = unbilled.iter().filter(|here| on_bill(here).is_none_or(|it| it.paid.is_none()));
    found.extend(unpaid.map(|here| missing(Fault::MissingPayment, here, here.paid)));
    let kept = unbilled_refunds.iter().filter(|here| on_bill(here).is_none_or(|it| it.refunded.is_none()));
    found.extend(kept.map(|here| missing(Fault::MissingRefund, here, here.refunded)));
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
    let mut booked = Vec::new();
    for lines in bill.chunks(CHUNK) {
        let transactions: Vec<&str> = lines.iter().map(|line| line.transaction_id.as_str()).collect();
        booked.extend(store::booked(db, provider, &transactions).await?);
    }
    let (from, to) = (starts_at(work.day), starts_at(work.day) + DAY_MS);
    let limit = MOST_KEPT as i64;
    let unbilled = store::unbilled(db, provider, from, to, limit).await?;
    let unbilled_refunds = store::unbilled_refunds(db, provider, from, to, limit).await?;
    let differences = compare(&bill, &booked, &unbilled, &unbilled_refunds);
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
                let of = |kind| -> Vec<&str> {
                    lines.iter().filter(|it| it.kind == kind).map(|it| it.transaction_id.as_str()).collect()
                };
                store::mark_paid(tx, &report.provider, &of(BillKind::Payment), &report.day).await?;
                store::mark_refunded(tx, &report.provider, &of(BillKind::Refund), &report.day).await?;
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

    fn line(kind: BillKind, transaction: &str, order_no: &str, fen: i64) -> BillLine {
        BillLine {
            kind,
            transaction_id: transaction.to_owned(),
            order_no: order_no.to_owned(),
            amount: Fen::new(fen).unwrap(),
        }
    }

    fn here(transaction: &str, order_no: &str, paid: i64, due_back: i64, refunded: i64) -> Booked {
        Booked { transaction_id: transaction.to_owned(), order_no: order_no.to_owned(), paid, due_back, refunded }
    }

    fn faults(found: &[Difference]) -> Vec<(Fault, &str)> {
        found.iter().map(|it| (it.fault, it.transaction_id.as_str())).collect()
    }

    #[test]
    fn what_agrees_is_not_told() {
        use BillKind::{Payment, Refund};
        let bill = [line(Payment, "a", "1", 100), line(Payment, "b", "2", 50), line(Refund, "b", "2", 50)];
        let booked = [here("a", "1", 100, 0, 0), here("b", "2", 50, 50, 0)];
        assert_eq!(compare(&bill, &booked, &booked, &booked[1..]), []);
        assert_eq!(compare(&[], &[], &[], &[]), []);
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        use BillKind::{Payment, Refund};
        let bill = [
            line(Payment, "unknown", "1", 100),
            line(Payment, "amount", "2", 99),
            line(Payment, "order", "3", 100),
            line(Payment, "twice", "4", 100),
            line(Payment, "twice", "4", 100),
            line(Refund, "by hand", "5", 100),
            line(Refund, "part", "6", 40),
            line(Refund, "never", "7", 1),
        ];
        let booked = [
            here("amount", "2", 100, 0, 0),
            here("order", "33", 100, 0, 0),
            here("twice", "4", 100, 0, 0),
            here("by hand", "5", 100, 0, 0),
            here("part", "6", 100, 100, 100),
        ];
        let unbilled = [here("missing", "8", 100, 0, 0), here("twice", "4", 100, 0, 0)];
        let unbilled_refunds = [here("not back", "9", 100, 100, 100), here("part", "6", 100, 100, 100)];
        let found = compare(&bill, &booked, &unbilled, &unbilled_refunds);
        assert_eq!(
            faults(&found),
            [
                (Fault::UnknownPayment, "unknown"),
                (Fault::WrongAmount, "amount"),
                (Fault::WrongAmount, "twice"),
                (Fault::WrongOrder, "order"),
                (Fault::MissingPayment, "missing"),
                (Fault::UnknownRefund, "by hand"),
                (Fault::UnknownRefund, "never"),
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
