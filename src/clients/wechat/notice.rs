//! What the provider tells by itself, in v2's XML: that an order was paid, believed only with signature, merchant and
//! application; and that a refund moved, which is only a hint to ask. Written as well, for the sandbox and for tests.

use actors::domain::money::Fen;
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity, Result};
use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, FixedOffset};

use super::merchant::Merchant;
use super::sign::Fields;
use super::xml;

/// A payment that the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidNotice {
    pub order_no: OrderNo,
    pub transaction_id: String,
    pub amount: Fen,
    /// The payer's openid; empty: not named.
    pub payer: String,
}

/// A notice as it arrived. The headers are v3's; v2 signs inside its XML.
#[derive(Debug, Clone, Default)]
pub struct RawNotice {
    pub body: Bytes,
    pub timestamp: String,
    pub nonce: String,
    pub signature: String,
    pub serial: String,
}

/// What a genuine notice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Paid(PaidNotice),
    /// A payment that did not happen.
    NotPaid,
    /// A refund of ours moved: it is time to ask how far it is.
    Refund {
        refund_no: String,
    },
}

/// What the provider is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeReply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

const SUCCESS: &str = "SUCCESS";
const TRANSACTION_ID_BYTES: std::ops::RangeInclusive<usize> = 1..=32;

/// Errors: `Malformed` XML; `BadSignature`; `InvalidField` for a notice of another merchant or an impossible member;
/// `NotFound(Order)` for an order number that is not one of ours.
pub fn read(merchant: &Merchant, raw: &[u8]) -> Result<Told> {
    let fields = xml::parse(raw).map_err(|refused| DomainError::Malformed(refused.to_string().into()))?;
    if let Some(sealed) = fields.get("req_info") {
        must_be(&fields, "appid", &merchant.app_id)?;
        must_be(&fields, "mch_id", &merchant.mch_id)?;
        let refund_no = open_refund(merchant, sealed)?;
        return Ok(Told::Refund { refund_no });
    }
    if !merchant.verify(&fields) {
        return Err(DomainError::BadSignature);
    }
    must_be(&fields, "appid", &merchant.app_id)?;
    must_be(&fields, "mch_id", &merchant.mch_id)?;
    if member(&fields, "return_code")? != SUCCESS || member(&fields, "result_code")? != SUCCESS {
        return Ok(Told::NotPaid);
    }
    paid(&fields).map(Told::Paid)
}

fn member<'f>(fields: &'f Fields, name: &'static str) -> Result<&'f str> {
    fields.get(name).map(String::as_str).ok_or_else(|| DomainError::field(name, "missing"))
}

fn must_be(fields: &Fields, name: &'static str, right: &str) -> Result<()> {
    match member(fields, name)? {
        given if given == right => Ok(()),
        _ => Err(DomainError::field(name, "is not ours")),
    }
}

/// The payment that a verified message of ours is about.
///
/// Errors: `InvalidField`, `NotFound(Order)`.
pub(super) fn paid(fields: &Fields) -> Result<PaidNotice> {
    if fields.get("fee_type").is_some_and(|it| it != "CNY") {
        return Err(DomainError::field("fee_type", "is not CNY"));
    }
    let total_fee = member(fields, "total_fee")?;
    let amount = Some(total_fee)
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| DomainError::field("total_fee", "is not an amount in fen"))?;
    let payer = fields.get("openid").map_or("", String::as_str);
    PaidNotice::new(member(fields, "out_trade_no")?, member(fields, "transaction_id")?, amount, payer)
}

impl PaidNotice {
    /// From what the provider wrote; `fen` is the whole amount.
    ///
    /// Errors: `InvalidField`, `NotFound(Order)` for an order number that is not one of ours.
    pub(super) fn new(order_no: &str, transaction_id: &str, fen: i64, payer: &str) -> Result<Self> {
        let order_no = OrderNo::parse(order_no).ok_or(DomainError::NotFound(Entity::Order))?;
        if !TRANSACTION_ID_BYTES.contains(&transaction_id.len())
            || !transaction_id.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(DomainError::field("transaction_id", "is not one"));
        }
        let amount = Fen::new(fen).ok_or_else(|| DomainError::field("total_fee", "is not an amount in fen"))?;
        Ok(Self { order_no, transaction_id: transaction_id.to_owned(), amount, payer: payer.to_owned() })
    }
}

/// The refund's number in a sealed notice. The seal has no MAC, so what is in it is asked for and not believed.
fn open_refund(merchant: &Merchant, sealed: &str) -> Result<String> {
    const BLOCK: usize = 16;
    let mut text = STANDARD.decode(sealed.trim()).map_err(|_| DomainError::field("req_info", "is not base64"))?;
    let cipher = Aes256::new(&merchant.refund_notice_key().into());
    let (blocks, rest) = text.as_chunks_mut::<BLOCK>();
    if blocks.is_empty() || !rest.is_empty() {
        return Err(DomainError::field("req_info", "is not whole blocks"));
    }
    for block in blocks {
        cipher.decrypt_block(block.into());
    }
    let padding = text.last().copied().map_or(0, usize::from);
    let is_padded = (1..=BLOCK).contains(&padding) && text.ends_with(&vec![text[text.len() - 1]; padding]);
    if !is_padded {
        return Err(DomainError::BadSignature);
    }
    text.truncate(text.len() - padding);
    // Its root is <root>, else it is the same flat form.
    let inner = String::from_utf8(text).map_err(|_| DomainError::BadSignature)?;
    let fields = xml::parse_root(inner.as_bytes(), "root").map_err(|_| DomainError::BadSignature)?;
    member(&fields, "out_refund_no").map(str::to_owned)
}

/// The members of a notice as the provider would send it, without its signature. `paid_at` in milliseconds.
pub fn compose(merchant: &Merchant, notice: &PaidNotice, paid_at: i64) -> Fields {
    let beijing = FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| unreachable!("8 h is a valid offset"));
    let time_end = DateTime::from_timestamp_millis(paid_at)
        .unwrap_or_default()
        .with_timezone(&beijing)
        .format("%Y%m%d%H%M%S")
        .to_string();
    let amount = notice.amount.get().to_string();
    let mut fields: Fields = [
        ("appid", merchant.app_id.as_str()),
        ("bank_type", "OTHERS"),
        ("cash_fee", &amount),
        ("fee_type", "CNY"),
        ("is_subscribe", "Y"),
        ("mch_id", &merchant.mch_id),
        ("nonce_str", &hex::encode(rand::random::<[u8; 16]>())),
        ("openid", &notice.payer),
        ("out_trade_no", notice.order_no.as_str()),
        ("result_code", SUCCESS),
        ("return_code", SUCCESS),
        ("time_end", &time_end),
        ("total_fee", &amount),
        ("trade_type", "JSAPI"),
        ("transaction_id", &notice.transaction_id),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    if merchant.sign_type != super::sign::SignType::Md5 {
        let name = merchant.sign_type.wire_name().to_owned();
        fields.insert("sign_type".to_owned(), name);
    }
    fields
}

/// Signs the members and writes them as XML.
pub fn seal(merchant: &Merchant, mut fields: Fields) -> String {
    let signature = merchant.sign(&fields);
    fields.insert("sign".to_owned(), signature);
    xml::write(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// v2's answer to a notice: `FAIL` asks the provider to send it again.
pub fn xml_reply(outcome: std::result::Result<(), &DomainError>) -> NoticeReply {
    let (code, text) = match outcome {
        Ok(()) => (SUCCESS, "OK".to_owned()),
        Err(fact) => ("FAIL", fact.to_string()),
    };
    let body = xml::write([("return_code", code), ("return_msg", &text)]);
    NoticeReply { status: 200, content_type: "text/xml; charset=utf-8", body }
}
