//! WeChat payment, v2 of the interface: XML both ways, signed with the key that both sides know. Refunds need our
//! certificate. An answer is believed only with its signature and if it is about our merchant and application.

use std::sync::Arc;

use actors::domain::order::OrderNo;
use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;
use chrono::{DateTime, FixedOffset, NaiveDate};
use secrecy::ExposeSecret;

use super::bill;
use super::merchant::Merchant;
use super::notice::{self, RawNotice, Told};
use super::pay::{
    BillLine, Closing, PagePayment, PaymentGateway, Refund, RefundState, Trade, UnifiedOrder, WECHAT, failed,
    page_payment_v2,
};
use super::sign::{Fields, SignType};
use super::xml;
use crate::clients::outgoing::{Limits, Outgoing, Retry};
use crate::clients::tls::Identity;
use crate::config::Config;

pub struct V2Gateway {
    merchant: Arc<Merchant>,
    http: Outgoing,
    /// With our certificate: money leaves only through it.
    with_certificate: Outgoing,
    base_url: String,
}

const SUCCESS: &str = "SUCCESS";
const TITLE_BYTES: usize = 120;

/// An answer that was believed.
enum Reply {
    Done(Fields),
    /// The provider's `err_code`.
    Refused(String),
}

impl V2Gateway {
    /// Errors: a certificate that cannot be used.
    pub fn from_config(config: &Config, merchant: Arc<Merchant>) -> anyhow::Result<Self> {
        let (certificate, private_key) =
            (config.pay.certificate.expose_secret(), config.pay.private_key.expose_secret());
        let identity = Identity { certificate, private_key };
        Ok(Self {
            merchant,
            http: Outgoing::new(Provider::Payment, None)?,
            with_certificate: Outgoing::new(Provider::Payment, Some(&identity))?,
            base_url: config.pay.base_url.trim_end_matches('/').to_owned(),
        })
    }

    /// The request's body with its own nonce and signature.
    fn body(&self, members: &[(&str, &str)]) -> String {
        let merchant = &self.merchant;
        let nonce = hex::encode(rand::random::<[u8; 16]>());
        let mut fields: Fields =
            [("appid", merchant.app_id.as_str()), ("mch_id", &merchant.mch_id), ("nonce_str", &nonce)]
                .iter()
                .chain(members)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
        if merchant.sign_type != SignType::Md5 {
            fields.insert("sign_type".to_owned(), merchant.sign_type.wire_name().to_owned());
        }
        notice::seal(merchant, fields)
    }

    async fn call(&self, path: &str, members: &[(&str, &str)], retry: Retry, limits: Limits) -> Result<Reply> {
        self.call_by(&self.http, path, members, retry, limits).await
    }

    async fn call_by(
        &self,
        http: &Outgoing,
        path: &str,
        members: &[(&str, &str)],
        retry: Retry,
        limits: Limits,
    ) -> Result<Reply> {
        let url = format!("{}{path}", self.base_url);
        let answer = http
            .send(retry, limits, |client| client.post(&url).header("content-type", "text/xml").body(self.body(members)))
            .await?;
        let doubtful = |what: &str| {
            tracing::warn!(path, what, "the payment provider's answer is not believed");
            failed()
        };
        let fields = xml::parse(&answer.body).map_err(|_| doubtful("not readable"))?;
        let is = |name: &str, right: &str| fields.get(name).is_some_and(|value| value == right);
        if !is("return_code", SUCCESS) {
            tracing::warn!(path, reason = fields.get("return_msg"), "the payment provider refused");
            return Err(failed());
        }
        if !self.merchant.verify(&fields) {
            return Err(doubtful("wrong signature"));
        }
        if !is("appid", &self.merchant.app_id) || !is("mch_id", &self.merchant.mch_id) {
            return Err(doubtful("another merchant"));
        }
        if is("result_code", SUCCESS) {
            return Ok(Reply::Done(fields));
        }
        let code = fields.get("err_code").cloned().unwrap_or_default();
        tracing::info!(path, code, "the payment provider refused");
        Ok(Reply::Refused(code))
    }

    async fn refund_query(&self, refund: &Refund) -> Result<RefundState> {
        let members = [("out_refund_no", refund.refund_no.as_str())];
        let Reply::Done(fields) = self.call("/pay/refundquery", &members, Retry::Safe, Limits::QUICK).await? else {
            return Err(failed());
        };
        let is = |name: &str, right: &str| fields.get(name).is_some_and(|value| value == right);
        let amount = refund.amount.get().to_string();
        if !is("out_refund_no_0", &refund.refund_no) || !is("refund_fee_0", &amount) {
            tracing::error!(refund_no = refund.refund_no, "the payment provider tells of another refund");
            return Err(failed());
        }
        refund_state(&refund.refund_no, fields.get("refund_status_0").map_or("", String::as_str))
    }
}

/// Errors: `ProviderFailed(Payment)` for a refund that needs a human.
pub(super) fn refund_state(refund_no: &str, status: &str) -> Result<RefundState> {
    match status {
        SUCCESS => Ok(RefundState::Done),
        "PROCESSING" => Ok(RefundState::Processing),
        status => {
            tracing::error!(refund_no, status, "the payment provider cannot give the money back");
            Err(failed())
        }
    }
}

/// What an order is called there: at most so many bytes, ending at a whole character, and no character of four bytes
/// (emoji), which WeChat refuses.
pub(super) fn title(text: &str) -> String {
    let mut title: String = text.chars().filter(|letter| letter.len_utf8() < 4).collect();
    title.truncate(title.floor_char_boundary(TITLE_BYTES));
    if title.trim().is_empty() { "订单".to_owned() } else { title }
}

fn beijing(ms: i64) -> Option<DateTime<FixedOffset>> {
    let zone = FixedOffset::east_opt(8 * 3600)?;
    Some(DateTime::from_timestamp_millis(ms)?.with_timezone(&zone))
}

/// The interface takes no end that is less than a minute away, from when it hears of it.
pub(super) fn time_expire(expires_at: i64) -> Result<DateTime<FixedOffset>> {
    let soonest = chrono::Utc::now().timestamp_millis() + 65_000;
    beijing(expires_at.max(soonest)).ok_or(DomainError::Internal)
}

#[async_trait]
impl PaymentGateway for V2Gateway {
    fn name(&self) -> &'static str {
        WECHAT
    }

    async fn unified_order(&self, order: &UnifiedOrder) -> Result<String> {
        let total = order.total.get().to_string();
        let expires = time_expire(order.expires_at)?.format("%Y%m%d%H%M%S").to_string();
        let title = title(&order.title);
        let members = [
            ("body", title.as_str()),
            ("out_trade_no", order.order_no.as_str()),
            ("total_fee", &total),
            ("spbill_create_ip", &order.payer_address),
            ("time_expire", &expires),
            ("notify_url", &order.notify_url),
            ("trade_type", "JSAPI"),
            ("openid", &order.openid),
        ];
        match self.call("/pay/unifiedorder", &members, Retry::Safe, Limits::USUAL).await? {
            Reply::Done(fields) => fields.get("prepay_id").filter(|id| !id.is_empty()).cloned().ok_or_else(failed),
            Reply::Refused(code) if code == "ORDERPAID" => Err(DomainError::AlreadyPaid),
            Reply::Refused(_) => Err(failed()),
        }
    }

    fn page_payment(&self, prepay_id: &str, now_ms: i64) -> Result<PagePayment> {
        Ok(page_payment_v2(&self.merchant, prepay_id, now_ms))
    }

    async fn query(&self, order_no: &OrderNo) -> Result<Trade> {
        let members = [("out_trade_no", order_no.as_str())];
        let fields = match self.call("/pay/orderquery", &members, Retry::Safe, Limits::QUICK).await? {
            Reply::Done(fields) => fields,
            // Nobody has opened the dialogue yet.
            Reply::Refused(code) if code == "ORDERNOTEXIST" => return Ok(Trade::Open),
            Reply::Refused(_) => return Err(failed()),
        };
        match fields.get("trade_state").map(String::as_str) {
            Some(SUCCESS) => {
                let paid = notice::paid(&fields).map_err(|_| failed())?;
                if paid.order_no == *order_no { Ok(Trade::Paid(paid)) } else { Err(failed()) }
            }
            Some(state) => trade(state),
            None => Err(failed()),
        }
    }

    async fn close(&self, order_no: &OrderNo) -> Result<Closing> {
        let members = [("out_trade_no", order_no.as_str())];
        match self.call("/pay/closeorder", &members, Retry::Safe, Limits::QUICK).await? {
            Reply::Done(_) => Ok(Closing::Closed),
            Reply::Refused(code) => closing(&code),
        }
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundState> {
        let (amount, total) = (refund.amount.get().to_string(), refund.total.get().to_string());
        let members = [
            ("transaction_id", refund.transaction_id.as_str()),
            ("out_refund_no", &refund.refund_no),
            ("total_fee", &total),
            ("refund_fee", &amount),
            ("notify_url", &refund.notify_url),
        ];
        let http = &self.with_certificate;
        match self.call_by(http, "/secapi/pay/refund", &members, Retry::Unsent, Limits::USUAL).await? {
            Reply::Done(_) => self.refund_query(refund).await,
            Reply::Refused(code) => {
                tracing::error!(refund_no = refund.refund_no, code, "a refund was refused");
                Err(failed())
            }
        }
    }

    async fn bill(&self, day: NaiveDate) -> Result<Option<Vec<BillLine>>> {
        let date = day.format("%Y%m%d").to_string();
        let members = [("bill_date", date.as_str()), ("bill_type", "ALL")];
        let url = format!("{}/pay/downloadbill", self.base_url);
        let answer = self
            .http
            .send(Retry::Safe, bill::LIMITS, |client| {
                client.post(&url).header("content-type", "text/xml").body(self.body(&members))
            })
            .await?;
        // A bill is text; only a refusal is XML.
        if answer.body.starts_with(b"<") {
            let fields = xml::parse(&answer.body).map_err(|_| failed())?;
            let reason = fields.get("return_msg").map_or("", String::as_str);
            let is_empty = fields.get("error_code").is_some_and(|code| code == "20002") || reason == "No Bill Exist";
            return if is_empty { Ok(Some(Vec::new())) } else { Err(failed()) };
        }
        bill::parse(&answer.body, &self.merchant.mch_id).map(Some)
    }

    async fn read_notice(&self, raw: &RawNotice) -> Result<Told> {
        notice::read(&self.merchant, &raw.body)
    }
}

/// A state other than paid, in the words that both versions use.
pub(super) fn trade(state: &str) -> Result<Trade> {
    match state {
        "NOTPAY" | "PAYERROR" => Ok(Trade::Open),
        "USERPAYING" | "ACCEPT" => Ok(Trade::Paying),
        "CLOSED" | "REVOKED" => Ok(Trade::Over),
        "REFUND" => {
            // Paid and given back by hand at the provider; the bill of the day tells it.
            tracing::warn!("an unpaid order was paid and refunded at the provider");
            Ok(Trade::Over)
        }
        state => {
            tracing::warn!(state, "an unknown state of an order");
            Err(failed())
        }
    }
}

/// What a refusal to close means; both versions' codes.
pub(super) fn closing(code: &str) -> Result<Closing> {
    match code {
        "ORDERPAID" | "ORDER_PAID" => Ok(Closing::Paid),
        "ORDERCLOSED" | "ORDER_CLOSED" | "ORDERNOTEXIST" | "ORDER_NOT_EXIST" => Ok(Closing::Closed),
        _ => Err(failed()),
    }
}
