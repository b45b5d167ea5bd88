//! Payment, v3: JSON and RSA both ways.

use actix_web::HttpRequest;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use matchday::clients::wechat::rsa::{SigningKey, VerifyingKey};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::{
    API_V3_KEY, APP_ID, MCH_ID, MERCHANT_CERTIFICATE, Play, Refunded, Reply, SERIAL, State, Trade, TradeState,
};

const KEYS: [(&str, &str, &str); 2] = [
    ("PLATFORM1", include_str!("../wechat_keys/platform1.key.pem"), include_str!("../wechat_keys/platform1.cert.pem")),
    ("PLATFORM2", include_str!("../wechat_keys/platform2.key.pem"), include_str!("../wechat_keys/platform2.cert.pem")),
];

fn seal(plain: &str, associated: &str) -> Value {
    let key: [u8; 32] = API_V3_KEY.as_bytes().try_into().unwrap();
    let nonce: String = hex::encode(rand::random::<[u8; 6]>());
    let bytes: [u8; 12] = nonce.as_bytes().try_into().unwrap();
    let payload = Payload { msg: plain.as_bytes(), aad: associated.as_bytes() };
    let text = Aes256Gcm::new(&key.into()).encrypt(&Nonce::from(bytes), payload).unwrap();
    json!({"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": associated,
           "ciphertext": STANDARD.encode(text)})
}

/// The headers that sign a body, by the key in use.
fn signature(state: &State, body: &str, play: Play) -> Vec<(&'static str, String)> {
    let (serial, key, _) = KEYS[state.signing - 1];
    let timestamp = chrono::Utc::now().timestamp().to_string();
    let signed = if play == Play::WrongSignature { "another body" } else { body };
    let signature = SigningKey::from_pem(key).unwrap().sign(&format!("{timestamp}\nabc\n{signed}\n")).unwrap();
    vec![
        ("wechatpay-serial", serial.to_owned()),
        ("wechatpay-timestamp", timestamp),
        ("wechatpay-nonce", "abc".to_owned()),
        ("wechatpay-signature", signature),
    ]
}

/// Whether our side signed the request as it is.
fn is_signed(request: &HttpRequest, path: &str, body: &str) -> bool {
    let header = request.headers().get("authorization").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let Some(list) = header.strip_prefix("WECHATPAY2-SHA256-RSA2048 ") else { return false };
    let part = |name: &str| {
        list.split(',').find_map(|it| it.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"')).unwrap_or_default()
    };
    let (timestamp, nonce) = (part("timestamp"), part("nonce_str"));
    let message = format!("{}\n{path}\n{timestamp}\n{nonce}\n{body}\n", request.method());
    part("mchid") == MCH_ID
        && part("serial_no") == SERIAL
        && VerifyingKey::from_certificate(MERCHANT_CERTIFICATE).unwrap().verifies(message.as_bytes(), part("signature"))
}

pub(super) fn answer(
    state: &mut State,
    request: &HttpRequest,
    path: &str,
    body: &[u8],
    play: Play,
    url: &str,
) -> Reply {
    let text = std::str::from_utf8(body).unwrap();
    if !is_signed(request, path, text) {
        state.forged += 1;
        return Reply::new(401, json!({"code": "SIGN_ERROR", "message": "wrong signature"}).to_string());
    }
    let asked: Value = serde_json::from_str(text).unwrap_or_default();
    let order_no = path.split("/out-trade-no/").nth(1).and_then(|it| it.split(['/', '?']).next()).unwrap_or_default();
    let done: Result<Value, &str> = match request.path() {
        "/v3/certificates" => return Reply::new(200, certificates(state)),
        "/bill" => return Reply::new(200, state.bill.clone()),
        "/v3/bill/tradebill" if state.bill.is_empty() => Err("NO_STATEMENT_EXIST"),
        "/v3/bill/tradebill" => Ok(json!({
            "hash_type": "SHA1", "hash_value": hex::encode(Sha1::digest(&state.bill)),
            "download_url": format!("{url}/bill?token=1"),
        })),
        "/v3/pay/transactions/jsapi" => {
            assert_eq!((&asked["appid"], &asked["mchid"]), (&json!(APP_ID), &json!(MCH_ID)));
            let of = |value: &Value| value.as_str().unwrap().to_owned();
            let (number, openid) = (of(&asked["out_trade_no"]), of(&asked["payer"]["openid"]));
            state
                .register(&number, asked["amount"]["total"].as_i64().unwrap(), &openid, &of(&asked["notify_url"]))
                .map(|prepay_id| json!({"prepay_id": prepay_id}))
        }
        "/v3/refund/domestic/refunds" => {
            let of = |name: &str| asked[name].as_str().unwrap().to_owned();
            let fen = |name: &str| asked["amount"][name].as_i64().unwrap();
            let (amount, total) = (fen("refund"), fen("total"));
            let number = of("out_refund_no");
            state.refund(&number, &of("transaction_id"), (amount, total), &of("notify_url")).map(|done| {
                let status = if done { "SUCCESS" } else { "PROCESSING" };
                let amount = if play == Play::WrongAmount { 1 } else { amount };
                json!({"out_refund_no": number, "status": status, "amount": {"refund": amount}})
            })
        }
        path if path.ends_with("/close") => match state.close(order_no) {
            Ok(()) => {
                let mut reply = Reply::new(204, "");
                reply.headers = signature(state, "", play);
                return reply;
            }
            Err(code) => Err(code),
        },
        _ => match state.trades.get(order_no) {
            None => Err("ORDER_NOT_EXIST"),
            Some(trade) => Ok(transaction(order_no, trade, play)),
        },
    };
    match done {
        Ok(told) => {
            let told = told.to_string();
            let mut reply = Reply::new(200, told.clone());
            reply.headers = signature(state, &told, play);
            reply
        }
        Err(code) => Reply::new(400, json!({"code": code, "message": "refused"}).to_string()),
    }
}

fn certificates(state: &State) -> String {
    let listed = |number: &usize| {
        let (serial, _, pem) = KEYS[number - 1];
        json!({"serial_no": serial, "effective_time": "2020-01-01T00:00:00+08:00",
               "expire_time": "2099-01-01T00:00:00+08:00", "encrypt_certificate": seal(pem, "certificate")})
    };
    json!({"data": state.listed.iter().map(listed).collect::<Vec<_>>()}).to_string()
}

fn transaction(order_no: &str, trade: &Trade, play: Play) -> Value {
    let state = match trade.state {
        TradeState::NotPaid => "NOTPAY",
        TradeState::Paid => "SUCCESS",
        TradeState::Closed => "CLOSED",
    };
    let mch_id = if play == Play::WrongMerchant { "1900000110" } else { MCH_ID };
    let mut told = json!({"appid": APP_ID, "mchid": mch_id, "out_trade_no": order_no, "trade_state": state});
    if trade.state == TradeState::Paid {
        told["transaction_id"] = json!(trade.transaction);
        told["payer"] = json!({"openid": trade.openid});
        let total = if play == Play::WrongAmount { 1 } else { trade.total };
        told["amount"] = json!({"total": total, "payer_total": total, "currency": "CNY"});
    }
    told
}

fn told(state: &State, event: &str, plain: &Value, play: Play) -> (Vec<(&'static str, String)>, String) {
    let body = if play == Play::Garbage {
        "{\"id\":".to_owned()
    } else {
        json!({"id": "EV-1", "event_type": event, "resource_type": "encrypt-resource",
               "resource": seal(&plain.to_string(), "transaction")})
        .to_string()
    };
    (signature(state, &body, play), body)
}

pub(super) fn notice(
    state: &State,
    order_no: &str,
    trade: &Trade,
    play: Play,
) -> (Vec<(&'static str, String)>, String) {
    told(state, "TRANSACTION.SUCCESS", &transaction(order_no, trade, play), play)
}

pub(super) fn refund_notice(state: &State, number: &str, refund: &Refunded) -> (Vec<(&'static str, String)>, String) {
    let plain = json!({"mchid": MCH_ID, "out_refund_no": number, "transaction_id": refund.transaction,
                       "refund_status": "SUCCESS", "amount": {"refund": refund.amount}});
    told(state, "REFUND.SUCCESS", &plain, Play::Good)
}
