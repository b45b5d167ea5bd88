//! Item 31: signatures of pages, with one token and ticket for everybody.

use std::time::Duration;

use matchday::args;
use matchday::clients::wechat::js_config;
use serde_json::{Value, json};

use super::told;
use super::wechat_login::{settings, sign_in};
use crate::support::fixtures::{person, row};
use crate::support::gateway::{APP_ID, Play, Version, start};
use crate::support::{TestApp, spawn_app, spawn_app_in};

async fn wxconfig(app: &TestApp, token: &str, body: Value) -> (u16, Value) {
    let request = app.client.post(app.at("/api/v1/wxconfig")).header("token", token).json(&body);
    told(request.send().await.unwrap()).await
}

fn page() -> Value {
    json!({"cur_url": "http%3A%2F%2Fa.cn%2Fh5%3Fid%3D1%23top"})
}

#[actix_web::test]
async fn a_page_is_signed() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let (status, body) = wxconfig(&app, &alice.token, page()).await;
    assert_eq!(status, 200, "{body}");
    let text = |name: &str| body[name].as_str().unwrap();
    let raw = text("rawString");
    assert_eq!(text("signature"), hex::encode(<sha1::Sha1 as sha1::Digest>::digest(raw)));
    let end = format!("&noncestr={}&timestamp={}&url=http://a.cn/h5?id=1", text("nonceStr"), body["timestamp"]);
    assert!(raw.starts_with("jsapi_ticket=") && raw.ends_with(&end), "{raw}");
    assert_eq!(text("nonceStr").len(), 16);
    let now = app.context.db.now_ms() / 1000;
    assert!((now - 60..=now).contains(&body["timestamp"].as_i64().unwrap()), "{body}");
    let expected = json!({
        "appId": app.context.outside.pages.app_id(),
        "nonceStr": text("nonceStr"),
        "timestamp": body["timestamp"],
        "url": "http://a.cn/h5?id=1",
        "signature": text("signature"),
        "rawString": raw,
        "access_token": "",
    });
    assert_eq!(body, expected);
}

#[actix_web::test]
async fn what_is_no_address_is_refused() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    for bad in [json!({}), json!({"cur_url": ""}), json!({"cur_url": "a.cn"}), json!({"cur_url": ["http://a.cn"]})] {
        let (status, body) = wxconfig(&app, &alice.token, bad).await;
        assert_eq!((status, &body["error_code"]), (400, &json!(99999)), "{body}");
    }
    let form = app.client.post(app.at("/api/v1/wxconfig")).header("token", &alice.token);
    let form = form.body("cur_url=http%253A%252F%252Fa.cn%252F%253Fq%253D1");
    assert_eq!(told(form.send().await.unwrap()).await.1["url"], "http://a.cn/?q=1");
    let none = spawn_app(&[("wechat.provider", "none")]).await;
    let refused = js_refusal(&none).await;
    assert_eq!(refused, actors::error::DomainError::ProviderFailed(actors::error::Provider::WeChat));
}

async fn js_refusal(app: &TestApp) -> actors::error::DomainError {
    matchday::service::js_config::page_config(&app.context, "http://a.cn").await.unwrap_err()
}

#[actix_web::test]
async fn one_token_and_ticket_serve_all_callers_and_nodes() {
    let (gateway, _stop) = start(Version::V2);
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&gateway).to_vec();
    let redis = std::env::var("TEST_REDIS_URL").ok();
    if let Some(url) = &redis {
        settings.push(("redis.url", url));
    }
    let first = spawn_app_in(folder.path(), &settings).await;
    // Two servers on one file are only allowed with a bus between them.
    let second = if redis.is_some() { Some(spawn_app_in(folder.path(), &settings).await) } else { None };
    let token = sign_in(&first, "code:oAlice").await.1["token"].as_str().unwrap().to_owned();
    let nodes: Vec<&TestApp> = (0..20).map(|n| second.as_ref().filter(|_| n % 2 == 1).unwrap_or(&first)).collect();
    let all = futures_util::future::join_all(nodes.iter().map(|app| wxconfig(app, &token, page()))).await;
    for (status, body) in &all {
        assert_eq!(*status, 200, "{body}");
        let (raw, signature) = js_config::sign(
            "ticket by 1",
            body["nonceStr"].as_str().unwrap(),
            body["timestamp"].as_i64().unwrap(),
            "http://a.cn/h5?id=1",
        );
        assert_eq!((&body["rawString"], &body["signature"]), (&json!(raw), &json!(signature)));
        assert_eq!(body["appId"], APP_ID);
    }
    assert_eq!((gateway.calls("/cgi-bin/token"), gateway.calls("/cgi-bin/ticket")), (1, 1));
    let stored = row(
        &first.context.db,
        "SELECT COUNT(*) AS n FROM wechat_credentials WHERE value_sealed LIKE '%t%by%'",
        args![],
    )
    .await;
    assert_eq!(stored.int("n").unwrap(), 0, "what is stored is sealed");
}

#[actix_web::test]
async fn they_are_renewed_before_their_end_and_the_old_ticket_serves_while_wechat_is_away() {
    let (gateway, _stop) = start(Version::V2);
    let app = spawn_app(&settings(&gateway)).await;
    let token = sign_in(&app, "code:oAlice").await.1["token"].as_str().unwrap().to_owned();
    let ticket = async || {
        let (status, body) = wxconfig(&app, &token, page()).await;
        assert_eq!(status, 200, "{body}");
        body["rawString"].as_str().unwrap().split('&').next().unwrap().to_owned()
    };
    assert_eq!(ticket().await, "jsapi_ticket=ticket by 1");
    app.context.db.advance_clock(Duration::from_secs(6_900));
    assert_eq!(ticket().await, "jsapi_ticket=ticket by 1");
    app.context.db.advance_clock(Duration::from_secs(120));
    gateway.play("/cgi-bin/ticket", Play::Garbage, 1);
    assert_eq!(ticket().await, "jsapi_ticket=ticket by 1", "the old one is good still");
    app.context.db.advance_clock(Duration::from_secs(5));
    assert_eq!(ticket().await, "jsapi_ticket=ticket by 2");
}

#[actix_web::test]
async fn an_access_token_that_somebody_else_ended_is_replaced() {
    let (gateway, _stop) = start(Version::V2);
    let app = spawn_app(&settings(&gateway)).await;
    let token = sign_in(&app, "code:oAlice").await.1["token"].as_str().unwrap().to_owned();
    // Not a good one yet: WeChat is away.
    gateway.play("/cgi-bin/", Play::Fault, 10);
    let away = json!({"msg": "微信服务器异常", "error_code": 50000, "request_url": "/api/v1/wxconfig"});
    assert_eq!(wxconfig(&app, &token, page()).await, (500, away));
    gateway.behave();
    app.context.db.advance_clock(Duration::from_secs(3));
    assert_eq!(wxconfig(&app, &token, page()).await.0, 200);
    gateway.state().tokens = 7;
    let sql = "UPDATE wechat_credentials SET expires_at = 0 WHERE name = 'jsapi_ticket'";
    crate::support::fixtures::execute(&app.context.db, sql, args![]).await;
    app.context.db.advance_clock(Duration::from_secs(11));
    let (status, body) = wxconfig(&app, &token, page()).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["rawString"].as_str().unwrap().starts_with("jsapi_ticket=ticket by 8&"));
}

#[actix_web::test]
async fn one_account_has_a_bounded_number_of_signatures() {
    let settings = [("limits.enabled", "true"), ("limits.page_configs_per_minute_per_account", "2")];
    let app = spawn_app(&settings).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let mut seen = Vec::new();
    for caller in [&alice, &alice, &alice, &bob] {
        let (status, body) = wxconfig(&app, &caller.token, page()).await;
        seen.push((status, body["error_code"].as_i64()));
    }
    assert_eq!(seen, [(200, None), (200, None), (400, Some(10010)), (200, None)]);
}

#[actix_web::test]
async fn callers_who_wait_while_wechat_is_away_share_one_look_and_get_its_failure() {
    let (gateway, _stop) = start(Version::V2);
    let app = spawn_app(&settings(&gateway)).await;
    let token = sign_in(&app, "code:oAlice").await.1["token"].as_str().unwrap().to_owned();
    gateway.play("/cgi-bin/token", Play::Fault, 100);
    let calls = (0..50).map(|_| wxconfig(&app, &token, page()));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|(status, body)| (*status, &body["error_code"]) == (500, &json!(50000))), "{answers:?}");
    // One look with its tries; each caller of the release before looked for itself, again and again.
    let asked = gateway.calls("/cgi-bin/token");
    assert!((1..=3).contains(&asked), "{asked} requests for 50 callers");
    gateway.behave();
    app.context.db.advance_clock(Duration::from_secs(3));
    assert_eq!(wxconfig(&app, &token, page()).await.0, 200);
}
