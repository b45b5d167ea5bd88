//! The H5 dialect over a real server.

mod athletes;
mod browse;
mod competitions;
mod envelope;
mod feeds;
mod lives;
mod media;
mod pay_notify;
mod pay_pre_order;
mod refunds;
mod sandbox;
mod site;
mod strangers;
mod token_user;
mod user_info;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::fixtures::Person;

/// Status and JSON body of an answer.
pub(crate) async fn told(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    (status, answer.json().await.unwrap())
}

/// What a signed-in caller is told by a GET.
async fn get(app: &TestApp, caller: &Person, path: &str) -> (u16, Value) {
    told(app.client.get(app.at(path)).header("token", &caller.token).send().await.unwrap()).await
}

/// … by a POST of JSON.
async fn post(app: &TestApp, caller: &Person, path: &str, body: Value) -> (u16, Value) {
    told(app.client.post(app.at(path)).header("token", &caller.token).json(&body).send().await.unwrap()).await
}

/// … by a POST of a form, as the original pages send it.
async fn post_form(app: &TestApp, caller: &Person, path: &str, body: &str) -> (u16, Value) {
    let form = "application/x-www-form-urlencoded; charset=UTF-8";
    let request = app.client.post(app.at(path)).header("token", &caller.token).header("content-type", form);
    told(request.body(body.to_owned()).send().await.unwrap()).await
}

/// An answer in the envelope.
fn refused(status: u16, error_code: u32, msg: &str, path: &str) -> (u16, Value) {
    (status, json!({"msg": msg, "error_code": error_code, "request_url": path}))
}
