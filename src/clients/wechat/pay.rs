//! The payment provider: registering an order for payment on the page, asking what became of it, closing it, giving money
//! back, the day's bill, and reading what the provider tells by itself. The sandbox lives in this process and accepts
//! everything; `POST /sandbox/pay/{order_no}` plays its payer.

use std::sync::Arc;

use actors::domain::money::Fen;
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;
use chrono::NaiveDate;

use super::merchant::Merchant;
use super::notice::{self, NoticeReply, PaidNotice, RawNotice, Told};
use super::sign::Fields;
use super::{v2, v3};
use crate::config::Config;

/// What is to be paid, by whom, and where the outcome is told.
#[derive(Debug, Clone)]
pub struct UnifiedOrder {
    pub order_no: OrderNo,
    pub total: Fen,
    /// Shown to the payer.
    pub title: String,
    pub openid: String,
    /// Absolute, without a query.
    pub notify_url: String,
    /// Milliseconds since 1970. The provider takes no payment after it.
    pub expires_at: i64,
    /// Of the person who pays, or 127.0.0.1.
    pub payer_address: String,
}

/// Money to give back: all of one transaction, or a part. `refund_no` makes it idempotent: the same number again is the same refund.
#[derive(Debug, Clone)]
pub struct Refund {
    pub refund_no: String,
    pub order_no: OrderNo,
    pub transaction_id: String,
    pub amount: Fen,
    /// What the whole transaction was.
    pub total: Fen,
    /// Absolute, without a query.
    pub notify_url: String,
}

/// What the page hands to WeChat's payment dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagePayment {
    /// Seconds since 1970, as text: it is signed as such.
    pub timestamp: String,
    pub nonce: String,
    /// `prepay_id=…`
    pub package: String,
    pub sign_type: &'static str,
    pub signature: String,
}

/// What became of an order at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trade {
    Paid(PaidNotice),
    /// Not paid; it may still be.
    Open,
    /// The payer is about to: ask again in a moment.
    Paying,
    /// Not paid, and it cannot be any more.
    Over,
}

/// What a wish to close an order came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// It cannot be paid any more.
    Closed,
    /// It was paid before.
    Paid,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    Done,
    /// Taken; the money is on its way.
    Processing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BillKind {
    Payment,
    Refund,
}

/// One movement of money on the provider's bill of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    pub kind: BillKind,
    pub transaction_id: String,
    /// As the bill names it, which need not be one of ours.
    pub order_no: String,
    /// Of a refund, as the bill names it; else empty.
    pub refund_no: String,
    pub amount: Fen,
}

#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Stored with each payment; transaction ids are unique per name.
    fn name(&self) -> &'static str;

    /// Registers the order and answers its prepay id, good for two hours.
    ///
    /// Errors: `AlreadyPaid` when the provider says so, `ProviderFailed(Payment)`.
    async fn unified_order(&self, order: &UnifiedOrder) -> Result<String>;

    /// The signed parameters with which the page opens the payment dialogue. `now_ms` since 1970.
    ///
    /// Errors: `ProviderFailed(Payment)` without a provider.
    fn page_payment(&self, prepay_id: &str, now_ms: i64) -> Result<PagePayment>;

    /// What became of an order, within 5 s.
    ///
    /// Errors: `ProviderFailed(Payment)`; nothing is known then.
    async fn query(&self, order_no: &OrderNo) -> Result<Trade>;

    /// Makes the provider refuse payments of the order. Closing twice is closing once.
    ///
    /// Errors: `ProviderFailed(Payment)`; it may be closed or not.
    async fn close(&self, order_no: &OrderNo) -> Result<Closing>;

    /// Gives the money of one transaction back, or tells how far that is when it was asked before.
    ///
    /// Errors: `ProviderFailed(Payment)`; trying again later is safe.
    async fn refund(&self, refund: &Refund) -> Result<RefundState>;

    /// The movements of one day of Beijing. `None`: this provider writes no bills.
    ///
    /// Errors: `ProviderFailed(Payment)`, also while the bill is not written yet.
    async fn bill(&self, day: NaiveDate) -> Result<Option<Vec<BillLine>>>;

    /// Reads what the provider told by itself, and believes it only with signature, merchant and application.
    ///
    /// Errors: `Malformed`, `BadSignature`, `InvalidField`, `NotFound(Order)` for a number that is not one of ours,
    /// `ProviderFailed(Payment)` when what proves it cannot be had now.
    async fn read_notice(&self, notice: &RawNotice) -> Result<Told>;

    /// Our answer to a notice; anything but success makes the provider send it again.
    fn notice_reply(&self, outcome: std::result::Result<(), &DomainError>) -> NoticeReply {
        notice::xml_reply(outcome)
    }
}

pub const SANDBOX: &str = "sandbox";
/// Both versions of the interface see the same transactions.
pub const WECHAT: &str = "wechat";

pub(super) fn failed() -> DomainError {
    DomainError::ProviderFailed(Provider::Payment)
}

/// The implementation named by `pay.provider`; `merchant` as `Merchant::from_config` made it.
pub fn provider(config: &Config, merchant: Option<&Arc<Merchant>>) -> anyhow::Result<Arc<dyn PaymentGateway>> {
    match (config.pay.provider.as_str(), merchant) {
        (SANDBOX, Some(merchant)) => Ok(Arc::new(SandboxGateway(merchant.clone()))),
        ("v2", Some(merchant)) => Ok(Arc::new(v2::V2Gateway::from_config(config, merchant.clone())?)),
        ("v3", _) => Ok(Arc::new(v3::V3Gateway::from_config(config)?)),
        ("none" | "", _) => Ok(Arc::new(NoGateway)),
        (other, _) => anyhow::bail!("pay.provider: {other:?} is not one of v2, v3, sandbox, none"),
    }
}

/// As v2 signs it.
pub(super) fn page_payment_v2(merchant: &Merchant, prepay_id: &str, now_ms: i64) -> PagePayment {
    let timestamp = (now_ms / 1000).to_string();
    let nonce = hex::encode(rand::random::<[u8; 16]>());
    let package = format!("prepay_id={prepay_id}");
    let sign_type = merchant.sign_type.wire_name();
    let signed: Fields = [
        ("appId", merchant.app_id.as_str()),
        ("timeStamp", &timestamp),
        ("nonceStr", &nonce),
        ("package", &package),
        ("signType", sign_type),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    PagePayment { signature: merchant.sign(&signed), timestamp, nonce, package, sign_type }
}

struct SandboxGateway(Arc<Merchant>);

#[async_trait]
impl PaymentGateway for SandboxGateway {
    fn name(&self) -> &'static str {
        SANDBOX
    }

    async fn unified_order(&self, _order: &UnifiedOrder) -> Result<String> {
        Ok(format!("wx{}", hex::encode(rand::random::<[u8; 17]>())))
    }

    fn page_payment(&self, prepay_id: &str, now_ms: i64) -> Result<PagePayment> {
        Ok(page_payment_v2(&self.0, prepay_id, now_ms))
    }

    /// Its payments are told before they are answered, so what was not told was not paid.
    async fn query(&self, _order_no: &OrderNo) -> Result<Trade> {
        Ok(Trade::Open)
    }

    async fn close(&self, _order_no: &OrderNo) -> Result<Closing> {
        Ok(Closing::Closed)
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundState> {
        tracing::info!(refund_no = refund.refund_no, "sandbox refund");
        Ok(RefundState::Done)
    }

    async fn bill(&self, _day: NaiveDate) -> Result<Option<Vec<BillLine>>> {
        Ok(None)
    }

    async fn read_notice(&self, notice: &RawNotice) -> Result<Told> {
        notice::read(&self.0, &notice.body)
    }
}

/// `pay.provider = "none"`: nothing can be paid.
struct NoGateway;

#[async_trait]
impl PaymentGateway for NoGateway {
    fn name(&self) -> &'static str {
        "none"
    }

    async fn unified_order(&self, _order: &UnifiedOrder) -> Result<String> {
        Err(failed())
    }

    fn page_payment(&self, _prepay_id: &str, _now_ms: i64) -> Result<PagePayment> {
        Err(failed())
    }

    async fn query(&self, _order_no: &OrderNo) -> Result<Trade> {
        Err(failed())
    }

    async fn close(&self, _order_no: &OrderNo) -> Result<Closing> {
        Err(failed())
    }

    async fn refund(&self, _refund: &Refund) -> Result<RefundState> {
        Err(failed())
    }

    async fn bill(&self, _day: NaiveDate) -> Result<Option<Vec<BillLine>>> {
        Ok(None)
    }

    async fn read_notice(&self, _notice: &RawNotice) -> Result<Told> {
        Err(failed())
    }
}
