use std::time::Duration;

use matchday::args;
use serde_json::{Value, json};

use super::told;
use crate::support::fixtures::{execute, row};
use crate::support::{TestApp, spawn_app};

async fn sign_in(app: &TestApp, code: &str) -> (u16, Value) {
    let request = app.client.post(app.at("/api/v1/token/user")).json(&json!({"code": code}));
    told(request.send().await.unwrap()).await
}

async fn info_status(app: &TestApp, token: &str) -> (u16, Value) {
    let request = app.client.get(app.at("/api/v1/user/info")).header("TOKEN", token);
    let (status, body) = told(request.send().await.unwrap()).await;
    (status, body["error_code"].clone())
}

#[actix_web::test]
async fn a_code_becomes_a_token_of_one_account() {
    let app = spawn_app(&[]).await;
    let (status, first) = sign_in(&app, "sandbox:alice").await;
    assert_eq!(status, 200);
    let token = first["token"].as_str().unwrap();
    assert_eq!(first, json!({"token": token}));
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let form = app
        .client
        .post(app.at("/api/v1/token/user"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("code=sandbox%3Aalice");
    let (status, second) = told(form.send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert_ne!(first, second);
    let query = app.client.post(app.at("/api/v1/token/user?code=sandbox:alice"));
    assert_eq!(query.send().await.unwrap().status(), 200);
    let counts = row(&app.context.db, "SELECT count(*) AS n FROM accounts WHERE openid = 'alice'", args![]).await;
    assert_eq!(counts.int("n").unwrap(), 1);
    let logins = row(&app.context.db, "SELECT login_count AS n FROM accounts WHERE openid = 'alice'", args![]).await;
    assert_eq!(logins.int("n").unwrap(), 3);
    // The database holds the hash only.
    let stored = row(&app.context.db, "SELECT count(*) AS n FROM sessions WHERE token_hash = $1", args![token]).await;
    assert_eq!(stored.int("n").unwrap(), 0);
}

#[actix_web::test]
async fn racing_sign_ins_of_a_new_openid_make_one_account() {
    let app = spawn_app(&[]).await;
    let all = futures_util::future::join_all((0..20).map(|_| sign_in(&app, "sandbox:racer"))).await;
    assert!(all.iter().all(|(status, _)| *status == 200), "{all:?}");
    let counts = row(&app.context.db, "SELECT count(*) AS n FROM accounts WHERE openid = 'racer'", args![]).await;
    assert_eq!(counts.int("n").unwrap(), 1);
}

#[actix_web::test]
async fn refused_codes() {
    let app = spawn_app(&[]).await;
    let url = "/api/v1/token/user";
    let missing = json!({"msg": "获取CODE失败，请检查网页是否授权", "error_code": 99999, "request_url": url});
    for body in [json!({}), json!({"code": ""}), json!({"code": null}), json!({"code": "x".repeat(300)})] {
        let answer = app.client.post(app.at(url)).json(&body).send().await.unwrap();
        assert_eq!(told(answer).await, (400, missing.clone()), "{body}");
    }
    let refused = json!({"msg": "微信服务器异常：invalid code", "error_code": 50000, "request_url": url});
    assert_eq!(sign_in(&app, "no such code").await, (500, refused));
    let list = app.client.post(app.at(url)).json(&json!({"code": ["a"]})).send().await.unwrap();
    assert_eq!(told(list).await.1["error_code"], 99999);
}

#[actix_web::test]
async fn a_disabled_account_neither_signs_in_nor_stays() {
    let app = spawn_app(&[]).await;
    let token = sign_in(&app, "sandbox:gone").await.1["token"].as_str().unwrap().to_owned();
    execute(&app.context.db, "UPDATE accounts SET status = 0 WHERE openid = 'gone'", args![]).await;
    let refused = json!({"msg": "用户不存在或被禁用", "error_code": 10004, "request_url": "/api/v1/token/user"});
    assert_eq!(sign_in(&app, "sandbox:gone").await, (404, refused));
    assert_eq!(info_status(&app, &token).await, (404, json!(10004)));
}

#[actix_web::test]
async fn tokens_end_and_none_but_the_right_one_works() {
    let app = spawn_app(&[("h5.session_seconds", "600")]).await;
    let token = sign_in(&app, "sandbox:alice").await.1["token"].as_str().unwrap().to_owned();
    assert_eq!(info_status(&app, &token).await, (200, Value::Null));
    let stale = (401, json!(10003));
    for wrong in ["", "x", &token[1..], &token.to_uppercase().replace(char::is_numeric, "A"), &"0".repeat(32)] {
        assert_eq!(info_status(&app, wrong).await, stale, "{wrong:?}");
    }
    assert_eq!(told(app.get("/api/v1/user/info").await).await.0, 401);
    // Still cached, and over all the same.
    app.context.db.advance_clock(Duration::from_secs(601));
    assert_eq!(info_status(&app, &token).await, stale);
    assert_eq!(matchday::service::accounts::sweep_sessions(&app.context).await, Ok(1));
}

#[actix_web::test]
async fn too_many_sign_ins_from_an_address() {
    let limits = [("limits.enabled", "true"), ("limits.logins_per_minute_per_address", "3")];
    let app = spawn_app(&limits).await;
    for _ in 0..3 {
        assert_eq!(sign_in(&app, "sandbox:alice").await.0, 200);
    }
    let (status, body) = sign_in(&app, "sandbox:alice").await;
    assert_eq!((status, &body["error_code"]), (400, &json!(10010)));
}
