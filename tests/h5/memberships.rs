use std::time::Duration;

use actors::domain::money::Fen;
use actors::domain::order::OrderNo;
use chrono::DateTime;
use matchday::args;
use matchday::service::sweeps;
use serde_json::{Value, json};

use super::get;
use crate::support::fixtures::{Person, bind_phone, membership_order, notice_fields, person, row, sealed, send_notice};
use crate::support::{TestApp, eventually, spawn_app};

async fn act(app: &TestApp, token: &str, account: &Person, act: &str, body: Value) -> (u16, Value) {
    let path = format!("/admin/api/v1/accounts/{}/{act}", account.account);
    let request = app.client.post(app.at(&path)).bearer_auth(token);
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn stored(app: &TestApp, account: &Person) -> (i64, Option<i64>) {
    let sql = "SELECT member_status, member_expire_time FROM accounts WHERE id = $1";
    let row = row(&app.context.db, sql, args![account.account.0]).await;
    (row.int("member_status").unwrap(), row.opt_int("member_expire_time").unwrap())
}

#[actix_web::test]
async fn memberships_are_granted_extended_disabled_and_end() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    bind_phone(&app, alice.account, "13800000009").await;
    let owner = app.admin_token().await;
    let (status, body) = act(&app, &owner, &alice, "membership", json!({"until": "2100-01-01 00:00:00"})).await;
    assert_eq!((status, &body["member_status"]), (200, &json!(1)));
    assert_eq!(body["member_expire_time"], "2100-01-01 00:00:00");
    let (_, body) = act(&app, &owner, &alice, "membership", json!({"years": 2})).await;
    assert_eq!(body["member_expire_time"], "2102-01-01 00:00:00", "from its end");
    let (_, user) = get(&app, &alice, "/api/v1/user/info").await;
    let members = ["is_member", "member_status", "member_expire_time"].map(|name| user[name].clone());
    assert_eq!(members, [json!(true), json!(1), json!("2102-01-01 00:00:00")]);

    assert_eq!(act(&app, &owner, &alice, "membership/disable", Value::Null).await.1["member_status"], 2);
    let (_, user) = get(&app, &alice, "/api/v1/user/info").await;
    assert_eq!((&user["is_member"], &user["member_status"]), (&json!(false), &json!(2)));
    assert_eq!(act(&app, &owner, &alice, "membership", json!({"years": 1})).await.1["member_status"], 2);
    assert_eq!(act(&app, &owner, &alice, "membership/enable", Value::Null).await.1["member_status"], 1);

    let soon = app.context.db.now_ms() + 60_000;
    let until = DateTime::from_timestamp_millis(soon).unwrap().to_rfc3339();
    assert_eq!(act(&app, &owner, &alice, "membership", json!({"until": until})).await.0, 200);
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(stored(&app, &alice).await.0, 1, "not yet");
    app.context.db.advance_clock(Duration::from_secs(61));
    assert_eq!(sweeps::step(&app.context).await.unwrap(), 1);
    assert_eq!(stored(&app, &alice).await.0, 3);
    assert_eq!(sweeps::step(&app.context).await.unwrap(), 0, "once");
    eventually("told", async || {
        let sms = app.get_as("/admin/api/v1/sms", &owner).await;
        sms["data"][0]["kind"] == "membership_over" && sms["total"] == 1
    })
    .await;
    assert_eq!(act(&app, &owner, &alice, "membership/disable", Value::Null).await.1["member_status"], 2);
    assert_eq!(act(&app, &owner, &alice, "membership/enable", Value::Null).await.1["member_status"], 3);
    let trail = app.get_as("/admin/api/v1/audit?search=membership", &owner).await;
    assert!(trail.to_string().contains("grant_membership"), "{trail}");
}

#[actix_web::test]
async fn a_membership_that_is_over_begins_anew_by_paying() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let pay = async |transaction: &str| {
        let (order_no, total) = membership_order(&app.context.db, &alice, 1).await;
        send_notice(&app, sealed(&app, notice_fields(&app, &order_no, transaction, total).await)).await;
        stored(&app, &alice).await
    };
    let (status, first) = pay("m1").await;
    assert_eq!(status, 1);
    let (_, second) = pay("m2").await;
    let years = (second.unwrap() - app.context.db.now_ms()) as f64 / (365.25 * 86_400_000.0);
    assert!((1.99..2.01).contains(&years), "{years}");
    assert!(second > first);
    app.context.db.advance_clock(Duration::from_secs(3 * 366 * 86_400));
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(stored(&app, &alice).await.0, 3);
    let (status, until) = pay("m3").await;
    assert!(status == 1 && until.unwrap() > app.context.db.now_ms());
}

#[actix_web::test]
async fn a_membership_lasts_as_long_as_was_sold() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    bind_phone(&app, alice.account, "13912345678").await;
    let sold = app
        .client
        .post(app.at("/api/v1/order/commit"))
        .header("token", &alice.token)
        .json(&json!({"business_id": 1}))
        .send()
        .await
        .unwrap();
    let sold: Value = sold.json().await.unwrap();
    // Between the order and its payment the offer is changed.
    let owner = app.admin_token().await;
    let patched = app
        .client
        .patch(app.at("/admin/api/v1/businesses/1"))
        .bearer_auth(&owner)
        .json(&json!({"valid_time": 5}))
        .send()
        .await
        .unwrap();
    assert_eq!(patched.status(), 200);
    let order_no = OrderNo::parse(sold["order_no"].as_str().unwrap()).unwrap();
    send_notice(&app, sealed(&app, notice_fields(&app, &order_no, "m1", Fen::new(9900).unwrap()).await)).await;
    let (status, until) = stored(&app, &alice).await;
    let years = (until.unwrap() - app.context.db.now_ms()) as f64 / (365.25 * 86_400_000.0);
    assert!(status == 1 && (0.99..1.01).contains(&years), "{status}, {years} years");
}

#[actix_web::test]
async fn grants_that_are_refused() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let owner = app.admin_token().await;
    for bad in [
        json!({}),
        json!({"years": 0}),
        json!({"years": 11}),
        json!({"years": 1, "until": "2100-01-01 00:00:00"}),
        json!({"until": "2020-01-01 00:00:00"}),
        json!({"months": 1}),
    ] {
        let (status, problem) = act(&app, &owner, &alice, "membership", bad.clone()).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_field")), "{bad}");
    }
    let nobody = Person { account: actors::domain::ids::AccountId(999_999), token: String::new() };
    assert_eq!(act(&app, &owner, &nobody, "membership", json!({"years": 1})).await.0, 404);
    assert_eq!(act(&app, &owner, &nobody, "membership/disable", Value::Null).await.0, 404);
    assert_eq!(act(&app, "", &alice, "membership", json!({"years": 1})).await.0, 401);
    let body = json!({"username": "editor", "password": "a password", "role": "editor"});
    app.client.post(app.at("/admin/api/v1/admins")).bearer_auth(&owner).json(&body).send().await.unwrap();
    let login = json!({"username": "editor", "password": "a password"});
    let session = app.client.post(app.at("/admin/api/v1/login")).json(&login).send().await.unwrap();
    let session: Value = session.json().await.unwrap();
    let editor = session["token"].as_str().unwrap();
    assert_eq!(act(&app, editor, &alice, "membership", json!({"years": 1})).await.0, 403);
    assert_eq!(act(&app, editor, &alice, "membership/disable", Value::Null).await.0, 403);
    assert_eq!(stored(&app, &alice).await, (0, None));
}
