//! The provider's bill of a day: comma-separated text with Chinese headings, every value behind a backtick, and a summary
//! at its end. Columns are found by their headings, because bills of several ages differ.

use std::time::Duration;

use actors::domain::money::Fen;
use actors::error::Result;

use super::pay::{BillKind, BillLine, failed};
use crate::clients::outgoing::Limits;

/// About 200,000 lines.
pub const LIMITS: Limits = Limits { time: Duration::from_secs(60), bytes: 64 * 1024 * 1024 };

struct Columns {
    count: usize,
    merchant: usize,
    transaction: usize,
    order: usize,
    state: usize,
    amount: usize,
    refund_amount: Option<usize>,
    refund_no: Option<usize>,
}

impl Columns {
    fn read(heading: &str) -> Option<Self> {
        let names: Vec<&str> = heading.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
        let at = |name: &str| names.iter().position(|it| *it == name);
        Some(Self {
            count: names.len(),
            merchant: at("商户号")?,
            transaction: at("微信订单号")?,
            order: at("商户订单号")?,
            state: at("交易状态")?,
            amount: at("订单金额").or_else(|| at("总金额"))?,
            refund_amount: at("申请退款金额").or_else(|| at("退款金额")),
            refund_no: at("商户退款单号"),
        })
    }
}

/// Errors: `ProviderFailed(Payment)` for a bill that cannot be read whole or is another merchant's: half a bill would
/// accuse orders that are right.
pub fn parse(raw: &[u8], mch_id: &str) -> Result<Vec<BillLine>> {
    read(raw, mch_id).ok_or_else(|| {
        tracing::error!("the payment provider's bill cannot be read");
        failed()
    })
}

fn read(raw: &[u8], mch_id: &str) -> Option<Vec<BillLine>> {
    let text = std::str::from_utf8(raw).ok()?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let columns = Columns::read(lines.next()?)?;
    let mut bill = Vec::new();
    for line in lines {
        // The summary has a heading of its own, the only line without a backtick.
        let Some(values) = line.strip_prefix('`') else { return Some(bill) };
        // A title may hold a comma, but not one with a backtick behind it.
        let values: Vec<&str> = values.split(",`").map(str::trim).collect();
        if values.len() != columns.count || values[columns.merchant] != mch_id {
            return None;
        }
        let (kind, amount, refund_no) = match values[columns.state] {
            "SUCCESS" => (BillKind::Payment, values[columns.amount], ""),
            "REFUND" => (BillKind::Refund, values[columns.refund_amount?], values[columns.refund_no?]),
            // Taken back before it was complete: no money moved.
            "REVOKED" => continue,
            _ => return None,
        };
        bill.push(BillLine {
            kind,
            transaction_id: values[columns.transaction].to_owned(),
            order_no: values[columns.order].to_owned(),
            refund_no: refund_no.to_owned(),
            amount: fen(amount)?,
        });
    }
    // Cut off before its summary.
    None
}

/// `12.3` yuan as 1230 fen; digits that are no fen are refused.
fn fen(text: &str) -> Option<Fen> {
    let (yuan, cents) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if yuan.is_empty() || cents.len() > 2 || !digits(yuan) || !digits(cents) {
        return None;
    }
    let cents = format!("{cents:0<2}").parse::<i64>().ok()?;
    Fen::new(yuan.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?)
}

/// Whether `hash` (hex of SHA-1) is the bill's.
///
/// Errors: `ProviderFailed(Payment)` when it is not.
pub fn check_hash(raw: &[u8], hash: &str) -> Result<()> {
    use sha1::{Digest, Sha1};
    if hex::encode(Sha1::digest(raw)).eq_ignore_ascii_case(hash) { Ok(()) } else { Err(failed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "\u{feff}交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易状态,应结订单金额,商户退款单号,申请退款金额,商品名称,订单金额";
    const SUMMARY: &str = "总交易单数,应结订单总金额\n`2,`80.00\n";

    fn line(state: &str, amount: &str, refund: &str) -> String {
        format!(
            "`2026-11-22 10:00:00,`wx1,`1900,`4200,`2611220000000000000001,`{state},`80.00,`r,`{refund},`a,b,`{amount}"
        )
    }

    fn bill(lines: &[String]) -> String {
        format!("{HEADING}\r\n{}\r\n{SUMMARY}", lines.join("\r\n"))
    }

    #[test]
    fn reads_payments_and_refunds() {
        let text =
            bill(&[line("SUCCESS", "80.00", "0.00"), line("REFUND", "80.00", "79.9"), line("REVOKED", "1", "0")]);
        let read = parse(text.as_bytes(), "1900").unwrap();
        let seen: Vec<_> = read.iter().map(|line| (line.kind, line.amount.get())).collect();
        assert_eq!(seen, [(BillKind::Payment, 8_000), (BillKind::Refund, 7_990)]);
        assert_eq!((read[0].transaction_id.as_str(), read[0].order_no.as_str()), ("4200", "2611220000000000000001"));
    }

    #[test]
    fn a_bill_that_is_not_whole_or_not_ours_is_refused() {
        let good = bill(&[line("SUCCESS", "80.00", "0.00")]);
        assert!(parse(good.as_bytes(), "1900").is_ok());
        assert!(parse(good.as_bytes(), "1901").is_err(), "another merchant's");
        for bad in [
            String::new(),
            "{}".to_owned(),
            good.replace("总交易单数", "`总交易单数"),
            good.split("总交易").next().unwrap().to_owned(),
            good.replace("商户订单号", "订单"),
            bill(&[line("NEW", "80.00", "0.00")]),
            bill(&[line("SUCCESS", "80.001", "0.00")]),
            bill(&[line("SUCCESS", "-80", "0.00")]),
            bill(&[line("SUCCESS", "", "0.00")]),
            bill(&["`a,`b".to_owned()]),
        ] {
            assert!(parse(bad.as_bytes(), "1900").is_err(), "{bad}");
        }
        assert!(parse(b"\xff", "1900").is_err());
    }
}
