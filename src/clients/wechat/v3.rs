//! WeChat payment, v3 of the interface: JSON, our requests signed with our RSA key, answers and notices with the
//! provider's. What a good answer or a notice says is believed only with that signature.

use std::sync::Arc;

use actors::domain::order::OrderNo;
use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;
use chrono::{NaiveDate, SecondsFormat, Utc};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::bill;
use super::notice::{NoticeReply, PaidNotice, RawNotice, Told};
use super::pay::{
    BillLine, Closing, PagePayment, PaymentGateway, Refund, RefundState, Trade, UnifiedOrder, WECHAT, failed,
};
use super::platform_keys::{PlatformKeys, Signed, Source};
use super::v2::{closing, refund_state, time_expire, title, trade};
use super::v3_identity::{Sealed, V3Identity};
use crate::byte_order_mark;
use crate::clients::outgoing::{Answer, Limits, Outgoing, Retry};
use crate::config::Config;

/// A notice that is older or newer is somebody's copy.
const MOST_SKEW_SECONDS: i64 = 300;

pub struct V3Gateway {
    source: Arc<Source>,
    keys: Arc<PlatformKeys>,
}

/// A believed answer, or the provider's code of its refusal.
enum Reply {
    Done(Value),
    Refused(String),
}

#[derive(Deserialize)]
struct Transaction {
    appid: String,
    mchid: String,
    out_trade_no: String,
    trade_state: String,
    #[serde(default)]
    transaction_id: String,
    amount: Option<Amount>,
    payer: Option<Payer>,
}

#[derive(Deserialize)]
struct Payer {
    openid: String,
}

#[derive(Deserialize)]
struct Amount {
    total: i64,
    currency: Option<String>,
}

impl V3Gateway {
    /// Errors: a key that is missing or not usable.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            source: Arc::new(Source {
                identity: V3Identity::from_config(config)?,
                http: Outgoing::new(Provider::Payment, None)?,
                base_url: config.pay.base_url.trim_end_matches('/').to_owned(),
            }),
            keys: Arc::new(PlatformKeys::from_config(config)?),
        })
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        path: &str,
        body: &str,
        retry: Retry,
        limits: Limits,
    ) -> Result<Answer> {
        self.source
            .http
            .send(retry, limits, |client| {
                let timestamp = Utc::now().timestamp();
                let authorization =
                    self.source.identity.authorization(method.as_str(), path, body, timestamp).unwrap_or_default();
                let request = client
                    .request(method.clone(), url)
                    .header("authorization", authorization)
                    .header("accept", "application/json");
                let request = match self.source.identity.public_key_id.as_str() {
                    "" => request,
                    id => request.header("wechatpay-serial", id),
                };
                if body.is_empty() {
                    request
                } else {
                    request.header("content-type", "application/json").body(body.to_owned())
                }
            })
            .await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        retry: Retry,
        limits: Limits,
    ) -> Result<Reply> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let url = format!("{}{path}", self.source.base_url);
        let answer = self.send(method, &url, path, &body, retry, limits).await?;
        if answer.status.is_success() {
            let header = |name: &str| answer.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
            let signed = Signed {
                serial: header("wechatpay-serial"),
                timestamp: header("wechatpay-timestamp"),
                nonce: header("wechatpay-nonce"),
                signature: header("wechatpay-signature"),
                body: &answer.body,
            };
            if self.keys.verify(&signed, &self.source).await.is_err() {
                tracing::warn!(path, "the payment provider's answer is not believed");
                return Err(failed());
            }
            if answer.status == StatusCode::NO_CONTENT {
                return Ok(Reply::Done(Value::Null));
            }
            return serde_json::from_slice(&answer.body).map(Reply::Done).map_err(|_| failed());
        }
        let told: Value = serde_json::from_slice(&answer.body).map_err(|_| failed())?;
        let code = told["code"].as_str().unwrap_or_default().to_owned();
        tracing::info!(path, status = %answer.status, code, "the payment provider refused");
        Ok(Reply::Refused(code))
    }

    /// Ours, and what it says.
    fn judge(&self, transaction: &Transaction) -> Result<Trade> {
        if transaction.appid != self.source.identity.app_id {
            return Err(DomainError::field("appid", "is not ours"));
        }
        if transaction.mchid != self.source.identity.mch_id {
            return Err(DomainError::field("mchid", "is not ours"));
        }
        if transaction.trade_state != "SUCCESS" {
            return trade(&transaction.trade_state);
        }
        let amount = transaction.amount.as_ref().ok_or_else(|| DomainError::field("amount", "missing"))?;
        if amount.currency.as_deref().is_some_and(|it| it != "CNY") {
            return Err(DomainError::field("currency", "is not CNY"));
        }
        let payer = transaction.payer.as_ref().map_or("", |payer| &payer.openid);
        PaidNotice::new(&transaction.out_trade_no, &transaction.transaction_id, amount.total, payer).map(Trade::Paid)
    }
}

#[async_trait]
impl PaymentGateway for V3Gateway {
    fn name(&self) -> &'static str {
        WECHAT
    }

    async fn unified_order(&self, order: &UnifiedOrder) -> Result<String> {
        let body = json!({
            "appid": self.source.identity.app_id,
            "mchid": self.source.identity.mch_id,
            "description": title(&order.title),
            "out_trade_no": order.order_no.as_str(),
            "time_expire": time_expire(order.expires_at)?.to_rfc3339_opts(SecondsFormat::Secs, false),
            "notify_url": order.notify_url,
            "amount": {"total": order.total.get(), "currency": "CNY"},
            "payer": {"openid": order.openid},
            "scene_info": {"payer_client_ip": order.payer_address},
        });
        let path = "/v3/pay/transactions/jsapi";
        match self.call(Method::POST, path, Some(&body), Retry::Safe, Limits::USUAL).await? {
            Reply::Done(told) => {
                told["prepay_id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(failed)
            }
            Reply::Refused(code) if matches!(code.as_str(), "ORDERPAID" | "ORDER_PAID") => {
                Err(DomainError::AlreadyPaid)
            }
            Reply::Refused(_) => Err(failed()),
        }
    }

    fn page_payment(&self, prepay_id: &str, now_ms: i64) -> Result<PagePayment> {
        self.source.identity.page_payment(prepay_id, now_ms)
    }

    async fn query(&self, order_no: &OrderNo) -> Result<Trade> {
        let path = format!("/v3/pay/transactions/out-trade-no/{order_no}?mchid={}", self.source.identity.mch_id);
        match self.call(Method::GET, &path, None, Retry::Safe, Limits::QUICK).await? {
            Reply::Done(told) => {
                let transaction: Transaction = serde_json::from_value(told).map_err(|_| failed())?;
                if transaction.out_trade_no != order_no.as_str() {
                    return Err(failed());
                }
                self.judge(&transaction).map_err(|error| {
                    tracing::error!(%error, "the payment provider tells of an order that is not ours");
                    failed()
                })
            }
            Reply::Refused(code) if matches!(code.as_str(), "ORDER_NOT_EXIST" | "ORDERNOTEXIST") => Ok(Trade::Open),
            Reply::Refused(_) => Err(failed()),
        }
    }

    async fn close(&self, order_no: &OrderNo) -> Result<Closing> {
        let path = format!("/v3/pay/transactions/out-trade-no/{order_no}/close");
        let body = json!({"mchid": self.source.identity.mch_id});
        match self.call(Method::POST, &path, Some(&body), Retry::Safe, Limits::QUICK).await? {
            Reply::Done(_) => Ok(Closing::Closed),
            Reply::Refused(code) => closing(&code),
        }
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundState> {
        let amount = refund.amount.get();
        let body = json!({
            "transaction_id": refund.transaction_id,
            "out_refund_no": refund.refund_no,
            "notify_url": refund.notify_url,
            "amount": {"refund": amount, "total": refund.total.get(), "currency": "CNY"},
        });
        let path = "/v3/refund/domestic/refunds";
        let told = match self.call(Method::POST, path, Some(&body), Retry::Unsent, Limits::USUAL).await? {
            Reply::Done(told) => told,
            Reply::Refused(code) => {
                tracing::error!(refund_no = refund.refund_no, code, "a refund was refused");
                return Err(failed());
            }
        };
        if told["out_refund_no"] != refund.refund_no.as_str() || told["amount"]["refund"] != amount {
            tracing::error!(refund_no = refund.refund_no, "the payment provider tells of another refund");
            return Err(failed());
        }
        refund_state(&refund.refund_no, told["status"].as_str().unwrap_or_default())
    }

    async fn bill(&self, day: NaiveDate) -> Result<Option<Vec<BillLine>>> {
        let path = format!("/v3/bill/tradebill?bill_date={}&bill_type=ALL", day.format("%Y-%m-%d"));
        let told = match self.call(Method::GET, &path, None, Retry::Safe, Limits::USUAL).await? {
            Reply::Done(told) => told,
            Reply::Refused(code) if code == "NO_STATEMENT_EXIST" => return Ok(Some(Vec::new())),
            Reply::Refused(_) => return Err(failed()),
        };
        let url = told["download_url"].as_str().ok_or_else(failed)?;
        // The download is not signed: its hash is, in the answer before.
        let hash = told["hash_value"].as_str().filter(|_| told["hash_type"] == "SHA1").ok_or_else(failed)?;
        let path = url.strip_prefix(&self.source.base_url).filter(|path| path.starts_with('/')).ok_or_else(failed)?;
        let answer = self.send(Method::GET, url, path, "", Retry::Safe, bill::LIMITS).await?;
        if !answer.status.is_success() {
            return Err(failed());
        }
        bill::check_hash(&answer.body, hash)?;
        bill::parse(&answer.body, &self.source.identity.mch_id).map(Some)
    }

    async fn read_notice(&self, notice: &RawNotice) -> Result<Told> {
        let fresh = |at: i64| (Utc::now().timestamp() - at).abs() <= MOST_SKEW_SECONDS;
        if !notice.timestamp.parse().is_ok_and(fresh) {
            return Err(DomainError::BadSignature);
        }
        let signed = Signed {
            serial: &notice.serial,
            timestamp: &notice.timestamp,
            nonce: &notice.nonce,
            signature: &notice.signature,
            body: &notice.body,
        };
        self.keys.verify(&signed, &self.source).await?;
        #[derive(Deserialize)]
        struct Notice {
            event_type: String,
            resource: Sealed,
        }
        let unreadable = |_| DomainError::Malformed("not a notice".into());
        let told: Notice = serde_json::from_slice(byte_order_mark::without(&notice.body)).map_err(unreadable)?;
        let plain = self.source.identity.open(&told.resource)?;
        if told.event_type.starts_with("REFUND.") {
            let refund: Value = serde_json::from_slice(&plain).map_err(unreadable)?;
            let refund_no = refund["out_refund_no"].as_str();
            let refund_no = refund_no.ok_or_else(|| DomainError::field("out_refund_no", "missing"))?.to_owned();
            return Ok(Told::Refund { refund_no });
        }
        let transaction: Transaction = serde_json::from_slice(&plain).map_err(unreadable)?;
        match self.judge(&transaction)? {
            Trade::Paid(paid) => Ok(Told::Paid(paid)),
            Trade::Open | Trade::Paying | Trade::Over => Ok(Told::NotPaid),
        }
    }

    fn notice_reply(&self, outcome: std::result::Result<(), &DomainError>) -> NoticeReply {
        let (status, told) = match outcome {
            Ok(()) => (200, json!({"code": "SUCCESS", "message": "OK"})),
            Err(fact) if fact.is_retryable() => (503, json!({"code": "FAIL", "message": fact.to_string()})),
            Err(DomainError::BadSignature) => (401, json!({"code": "FAIL", "message": "signature refused"})),
            Err(DomainError::Internal) => (500, json!({"code": "FAIL", "message": "internal error"})),
            Err(fact) => (400, json!({"code": "FAIL", "message": fact.to_string()})),
        };
        NoticeReply { status, content_type: "application/json", body: told.to_string() }
    }
}
