//! The H5 dialect over a real server.

mod envelope;
mod lives;
mod pay_notify;
mod pay_pre_order;
mod refunds;
mod sandbox;
mod token_user;
mod user_info;

use serde_json::Value;

/// Status and JSON body of an answer.
pub(crate) async fn told(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    (status, answer.json().await.unwrap())
}
