//! Payment, v2: XML and the shared key.

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use matchday::clients::wechat::sign::{self, Fields, SignType};
use matchday::clients::wechat::xml;
use md5::{Digest, Md5};

use super::{API_KEY, APP_ID, MCH_ID, Play, Refunded, Reply, State, Trade, TradeState};

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sealed(kind: SignType, mut fields: Fields, play: Play) -> String {
    for name in ["total_fee", "refund_fee_0"] {
        if let (Play::WrongAmount, Some(fen)) = (play, fields.get_mut(name)) {
            *fen = "1".to_owned();
        }
    }
    if play == Play::WrongMerchant {
        fields.insert("mch_id".to_owned(), "1900000110".to_owned());
    }
    let key = if play == Play::WrongSignature { "00000000000000000000000000000000" } else { API_KEY };
    let signature = sign::sign(&fields, key, kind);
    fields.insert("sign".to_owned(), signature);
    xml::write(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

pub(super) fn answer(state: &mut State, path: &str, body: &[u8], play: Play) -> Reply {
    let asked = xml::parse(body).unwrap_or_default();
    let given = |name: &str| asked.get(name).map_or("", String::as_str);
    let ours = given("appid") == APP_ID && given("mch_id") == MCH_ID && !given("nonce_str").is_empty();
    let kind = state.sign_type();
    // Without the member it is MD5.
    let named = asked.get("sign_type").map_or("MD5", String::as_str);
    if !ours || named != kind.wire_name() || !sign::verify(&asked, API_KEY, kind) {
        state.forged += 1;
        return Reply::new(200, xml::write([("return_code", "FAIL"), ("return_msg", "签名错误")]));
    }
    if path == "/pay/downloadbill" {
        let none = [("return_code", "FAIL"), ("return_msg", "No Bill Exist"), ("error_code", "20002")];
        return if state.bill.is_empty() {
            Reply::new(200, xml::write(none))
        } else {
            Reply::new(200, state.bill.clone())
        };
    }
    let order_no = given("out_trade_no");
    let done: Result<Vec<(&str, String)>, &str> = match path {
        "/pay/unifiedorder" => {
            assert_eq!(given("trade_type"), "JSAPI");
            assert!(!given("spbill_create_ip").is_empty() && given("time_expire").len() == 14);
            state
                .register(order_no, given("total_fee").parse().unwrap(), given("openid"), given("notify_url"))
                .map(|prepay_id| vec![("prepay_id", prepay_id), ("trade_type", "JSAPI".to_owned())])
        }
        "/pay/orderquery" => match state.trades.get(order_no) {
            None => Err("ORDERNOTEXIST"),
            Some(trade) => Ok(query(order_no, trade)),
        },
        "/pay/closeorder" => state.close(order_no).map(|()| Vec::new()),
        "/secapi/pay/refund" => {
            let (amount, total) = (given("refund_fee").parse().unwrap(), given("total_fee").parse().unwrap());
            let (number, transaction) = (given("out_refund_no"), given("transaction_id"));
            state.refund(number, transaction, (amount, total), given("notify_url")).map(|_| Vec::new())
        }
        "/pay/refundquery" => match state.refunds.get(given("out_refund_no")) {
            None => Err("REFUNDNOTEXIST"),
            Some(refund) => Ok(vec![
                ("out_refund_no_0", given("out_refund_no").to_owned()),
                ("refund_fee_0", refund.amount.to_string()),
                ("refund_status_0", if refund.done { "SUCCESS" } else { "PROCESSING" }.to_owned()),
            ]),
        },
        _ => return Reply::new(404, ""),
    };
    let mut told = fields(&[("return_code", "SUCCESS"), ("appid", APP_ID), ("mch_id", MCH_ID), ("nonce_str", "n")]);
    match done {
        Ok(members) => {
            told.insert("result_code".to_owned(), "SUCCESS".to_owned());
            told.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        Err(code) => told.extend(fields(&[("result_code", "FAIL"), ("err_code", code)])),
    }
    Reply::new(200, sealed(kind, told, play))
}

fn query(order_no: &str, trade: &Trade) -> Vec<(&'static str, String)> {
    let state = match trade.state {
        TradeState::NotPaid => "NOTPAY",
        TradeState::Paid => "SUCCESS",
        TradeState::Closed => "CLOSED",
    };
    let mut told = vec![("out_trade_no", order_no.to_owned()), ("trade_state", state.to_owned())];
    if trade.state == TradeState::Paid {
        let openid = trade.openid.clone();
        told.extend([("total_fee", trade.total.to_string()), ("openid", openid)]);
        told.push(("transaction_id", trade.transaction.clone()));
    }
    told
}

pub(super) fn notice(kind: SignType, order_no: &str, trade: &Trade, play: Play) -> String {
    if play == Play::Garbage {
        return "<xml><return_code>SUCCESS".to_owned();
    }
    let total = trade.total.to_string();
    let told = fields(&[
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("appid", APP_ID),
        ("mch_id", MCH_ID),
        ("nonce_str", "n"),
        ("openid", &trade.openid),
        ("trade_type", "JSAPI"),
        ("fee_type", "CNY"),
        ("total_fee", &total),
        ("transaction_id", &trade.transaction),
        ("out_trade_no", order_no),
        ("time_end", "20261122120000"),
    ]);
    sealed(kind, told, play)
}

pub(super) fn refund_notice(number: &str, refund: &Refunded) -> String {
    let inner = format!(
        "<root><out_refund_no><![CDATA[{number}]]></out_refund_no><refund_fee><![CDATA[{}]]></refund_fee>\
         <refund_status><![CDATA[SUCCESS]]></refund_status></root>",
        refund.amount
    );
    let mut text = inner.into_bytes();
    let padding = 16 - text.len() % 16;
    text.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
    let key: [u8; 32] = hex::encode(Md5::digest(API_KEY)).into_bytes().try_into().unwrap();
    let cipher = Aes256::new(&key.into());
    for block in text.chunks_exact_mut(16) {
        cipher.encrypt_block(block.try_into().unwrap());
    }
    let sealed = STANDARD.encode(text);
    xml::write([
        ("return_code", "SUCCESS"),
        ("appid", APP_ID),
        ("mch_id", MCH_ID),
        ("nonce_str", "n"),
        ("req_info", &sealed),
    ])
}
