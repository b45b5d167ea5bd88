//! The H5 dialect over a real server.

mod envelope;
mod lives;
mod pay_notify;
mod pay_pre_order;
mod refunds;
mod sandbox;
mod token_user;
mod unpaid_orders;
mod user_info;
mod wechat_bills;
mod wechat_gateway;
mod wechat_login;
mod wechat_notices;
mod wechat_pages;
mod wechat_refunds;

use serde_json::Value;

use crate::support::gateway::{Gateway, Version, start};
use crate::support::{TestApp, spawn_app};

/// Runs a test against our own gateway in both versions of its interface. In the end every request of ours was signed as
/// it must be, and the journal agrees with orders and payments.
pub(crate) async fn on_both<F>(test: F)
where
    F: AsyncFn(&Gateway, &TestApp),
{
    for version in [Version::V2, Version::V3] {
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
