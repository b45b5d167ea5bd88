//! The H5 dialect over a real server.

mod athletes;
mod browse;
mod competitions;
mod contract;
mod feeds;
mod live_addresses;
mod lives;
mod media;
mod memberships;
mod orders;
mod original_client;
mod pay_notify;
mod pay_pre_order;
mod phone_sign_in;
mod phones;
mod picture_limits;
mod pictures;
mod refunds;
mod sandbox;
mod site;
mod sms_limits;
mod sms_providers;
mod token_user;
mod unpaid_orders;
mod user_change;
mod user_info;
mod wechat_bills;
mod wechat_gateway;
mod wechat_login;
mod wechat_notices;
mod wechat_pages;
mod wechat_refunds;

use serde_json::{Value, json};

use crate::support::fixtures::Person;
use crate::support::gateway::{Gateway, Version, start};
use crate::support::{TestApp, spawn_app};

/// Runs a test against our own gateway: v2 by MD5 and by HMAC-SHA256, and v3. In the end every request of ours was signed as
/// it must be, and the journal agrees with orders and payments.
pub(crate) async fn on_each_gateway<F>(test: F)
where
    F: AsyncFn(&Gateway, &TestApp),
{
    for version in [Version::V2, Version::V2HmacSha256, Version::V3] {
        let (gateway, _stop) = start(version);
        let app = spawn_app(&gateway.settings()).await;
        test(&gateway, &app).await;
        assert_eq!(gateway.forged(), 0, "{version:?}");
        let check = matchday::store::sql::journal::check(&app.context.db).await.unwrap();
        assert!(check.holds(), "{version:?} {check:?}");
    }
}

/// Status and JSON body of an answer.
pub(crate) async fn told(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    (status, answer.json().await.unwrap())
}

pub(crate) async fn get(app: &TestApp, caller: &Person, path: &str) -> (u16, Value) {
    told(app.client.get(app.at(path)).header("token", &caller.token).send().await.unwrap()).await
}

pub(crate) async fn post(app: &TestApp, caller: &Person, path: &str, body: Value) -> (u16, Value) {
    told(app.client.post(app.at(path)).header("token", &caller.token).json(&body).send().await.unwrap()).await
}

/// As the original client sends: a form.
pub(crate) async fn post_form(app: &TestApp, caller: &Person, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let body = serde_urlencoded::to_string(form).unwrap();
    let request = app.client.post(app.at(path)).header("token", &caller.token);
    let request = request.header("content-type", "application/x-www-form-urlencoded; charset=UTF-8").body(body);
    told(request.send().await.unwrap()).await
}

/// … by a POST of a form, encoded already.
async fn post_encoded(app: &TestApp, caller: &Person, path: &str, body: &str) -> (u16, Value) {
    let form = "application/x-www-form-urlencoded; charset=UTF-8";
    let request = app.client.post(app.at(path)).header("token", &caller.token).header("content-type", form);
    told(request.body(body.to_owned()).send().await.unwrap()).await
}

/// An answer in the envelope.
fn refused(status: u16, error_code: u32, msg: &str, path: &str) -> (u16, Value) {
    (status, json!({"msg": msg, "error_code": error_code, "request_url": path}))
}

pub(crate) fn envelope(path: &str, msg: &str, error_code: u32) -> Value {
    json!({"msg": msg, "error_code": error_code, "request_url": path})
}

/// No token, one that never was, and one that is over.
pub(crate) async fn nobody_gets_in(app: &TestApp, method: reqwest::Method, path: &str) {
    for token in [None, Some("0123456789abcdef0123456789abcdef"), Some("x")] {
        let mut request = app.client.request(method.clone(), app.at(path)).body("{}");
        if let Some(token) = token {
            request = request.header("token", token);
        }
        let refused = (401, envelope(path, "Token已过期或无效Token", 10003));
        assert_eq!(told(request.send().await.unwrap()).await, refused, "{path} {token:?}");
    }
}
