//! The notice by which the provider tells that an order was paid: read and believed only with signature, merchant and
//! application; and written, for the sandbox and for tests.

use actors::domain::money::Fen;
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity, Result};
use chrono::{DateTime, FixedOffset};

use super::pay::Merchant;
use super::sign::Fields;
use super::xml;

/// A payment that the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidNotice {
    pub order_no: OrderNo,
    pub transaction_id: String,
    pub amount: Fen,
}

const SUCCESS: &str = "SUCCESS";
const TRANSACTION_ID_BYTES: std::ops::RangeInclusive<usize> = 1..=32;

/// `None`: a genuine notice of a payment that did not happen.
///
/// Errors: `Malformed` XML; `BadSignature`; `InvalidField` for a notice of another merchant or an impossible member;
/// `NotFound(Order)` for an order number that is not one of ours.
pub fn read(merchant: &Merchant, raw: &[u8]) -> Result<Option<PaidNotice>> {
    let fields = xml::parse(raw).map_err(|refused| DomainError::Malformed(refused.to_string().into()))?;
    if !merchant.verify(&fields) {
        return Err(DomainError::BadSignature);
    }
    let member =
        |name: &'static str| fields.get(name).map(String::as_str).ok_or_else(|| DomainError::field(name, "missing"));
    let must_be = |name: &'static str, right: &str| match member(name)? {
        given if given == right => Ok(()),
        _ => Err(DomainError::field(name, "is not ours")),
    };
    must_be("appid", &merchant.app_id)?;
    must_be("mch_id", &merchant.mch_id)?;
    if member("return_code")? != SUCCESS || member("result_code")? != SUCCESS {
        return Ok(None);
    }
    if fields.get("fee_type").is_some_and(|it| it != "CNY") {
        return Err(DomainError::field("fee_type", "is not CNY"));
    }
    let order_no = OrderNo::parse(member("out_trade_no")?).ok_or(DomainError::NotFound(Entity::Order))?;
    let transaction_id = member("transaction_id")?;
    if !TRANSACTION_ID_BYTES.contains(&transaction_id.len())
        || !transaction_id.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(DomainError::field("transaction_id", "is not one"));
    }
    let total_fee = member("total_fee")?;
    let amount = Some(total_fee)
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .and_then(Fen::new)
        .ok_or_else(|| DomainError::field("total_fee", "is not an amount in fen"))?;
    Ok(Some(PaidNotice { order_no, transaction_id: transaction_id.to_owned(), amount }))
}

/// The members of a notice as the provider would send it, without its signature. `paid_at` in milliseconds.
pub fn compose(merchant: &Merchant, notice: &PaidNotice, openid: &str, paid_at: i64) -> Fields {
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
        ("openid", openid),
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

/// Our answer to a notice: `FAIL` asks the provider to send it again.
pub fn reply(outcome: std::result::Result<(), &DomainError>) -> String {
    let (code, text) = match outcome {
        Ok(()) => (SUCCESS, "OK".to_owned()),
        Err(fact) => ("FAIL", fact.to_string()),
    };
    xml::write([("return_code", code), ("return_msg", &text)])
}
