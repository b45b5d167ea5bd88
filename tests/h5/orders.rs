use std::time::Duration;

use matchday::args;
use matchday::service::{accounts, refunds, sweeps};
use serde_json::{Value, json};

use super::{envelope, get, post, post_form};
use crate::support::fixtures::{
    Person, bind_phone, execute, game, notice_fields, person, race_order, row, sealed, send_notice,
};
use crate::support::{TestApp, spawn_app};
use actors::domain::money::Fen;
use actors::domain::order::OrderNo;

const COMMIT: &str = "/api/v1/order/commit";
const CANCEL: &str = "/api/v1/order/cancel";
const CLOSE: &str = "/api/v1/order/close";

async fn buyer(app: &TestApp, name: &str, phone: &str) -> Person {
    let person = person(app, name).await;
    bind_phone(app, person.account, phone).await;
    person
}

async fn ordered(app: &TestApp, caller: &Person) -> Value {
    let (status, placed) = post(app, caller, COMMIT, json!({"business_id": 1})).await;
    assert_eq!(status, 201, "{placed}");
    placed
}

async fn status(app: &TestApp, id: &Value) -> i64 {
    let sql = "SELECT status FROM orders WHERE id = $1";
    row(&app.context.db, sql, args![id.as_i64().unwrap()]).await.int("status").unwrap()
}

/// Takes out what differs from run to run after looking at its form.
fn steady(mut body: Value) -> Value {
    let order_no = body["order_no"].as_str().unwrap();
    assert!(OrderNo::parse(order_no).is_some());
    body["order_no"] = json!("22 digits");
    for time in ["create_time", "pay_time"] {
        if let Some(text) = body[time].as_str().filter(|text| !text.is_empty()) {
            body[time] = json!(format!("{} characters", text.len()));
        }
    }
    body
}

#[actix_web::test]
async fn a_membership_is_ordered_read_paid_and_counts() {
    let app = spawn_app(&[]).await;
    let alice = buyer(&app, "alice", "13800000009").await;
    let placed = ordered(&app, &alice).await;
    let id = placed["id"].as_i64().unwrap();
    insta::assert_json_snapshot!(steady(placed.clone()), @r#"
    {
      "create_time": "19 characters",
      "id": 1,
      "name": "年度会员",
      "order_no": "22 digits",
      "total_price": 99.0
    }
    "#);
    let (code, body) = get(&app, &alice, &format!("/api/v1/order/{id}?_=17")).await;
    assert_eq!(code, 200);
    insta::assert_json_snapshot!(steady(body), @r#"
    {
      "business_id": 1,
      "count": 1,
      "coupon": "",
      "create_time": "19 characters",
      "discounts": 0.0,
      "id": 1,
      "name": "年度会员",
      "order_no": "22 digits",
      "pay_amount": null,
      "pay_time": "",
      "pay_way": 0,
      "phone": "13800000009",
      "price": 99.0,
      "refund_amount": 0.0,
      "refund_count": 0,
      "remark": "",
      "snap_items": {
        "content": "一年会员：优先报名、训练营、赛后影像",
        "cost": 99.0,
        "id": 1,
        "price": 99.0,
        "specs": "",
        "title": "年度会员",
        "valid_time": 1
      },
      "status": 0,
      "total_price": 99.0
    }
    "#);
    let order_no = OrderNo::parse(placed["order_no"].as_str().unwrap()).unwrap();
    let total = Fen::new(9900).unwrap();
    send_notice(&app, sealed(&app, notice_fields(&app, &order_no, "m1", total).await)).await;
    let (_, body) = get(&app, &alice, &format!("/api/v1/order/{id}")).await;
    let paid = ["status", "pay_amount", "pay_way"].map(|name| body[name].clone());
    assert_eq!(paid, [json!(1), json!(99.0), json!(1)]);
    assert_eq!(body["pay_time"].as_str().unwrap().len(), 19);
    let (_, user) = get(&app, &alice, "/api/v1/user/info").await;
    assert_eq!((&user["is_member"], &user["member_status"]), (&json!(true), &json!(1)));
}

#[actix_web::test]
async fn forms_and_names_are_taken() {
    let app = spawn_app(&[]).await;
    let alice = buyer(&app, "alice", "13800000009").await;
    let form = [("business_id", "1"), ("name", "我的会员")];
    let (code, body) = post_form(&app, &alice, COMMIT, &form).await;
    assert_eq!((code, &body["name"]), (201, &json!("我的会员")));
    let (code, body) = post_form(&app, &alice, CANCEL, &[("id", &body["id"].to_string())]).await;
    assert_eq!((code, body), (200, envelope(CANCEL, "success", 0)));
}

#[actix_web::test]
async fn orders_that_cannot_be_placed() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let no_phone = (400, envelope(COMMIT, "请先绑定手机号码", 10011));
    assert_eq!(post(&app, &alice, COMMIT, json!({"business_id": 1})).await, no_phone);
    bind_phone(&app, alice.account, "13800000009").await;
    let none = (404, envelope(COMMIT, "业务不存在或已禁用", 20000));
    assert_eq!(post(&app, &alice, COMMIT, json!({"business_id": 77})).await, none);
    let long = "名".repeat(101);
    for bad in [
        json!({}),
        json!({"business_id": "x"}),
        json!({"business_id": 0}),
        json!({"business_id": 1, "name": long}),
        json!({"business_id": 1, "uid": 1}),
    ] {
        let (code, body) = post(&app, &alice, COMMIT, bad.clone()).await;
        assert_eq!((code, &body["error_code"]), (400, &json!(99999)), "{bad}");
    }
    execute(&app.context.db, "UPDATE businesses SET status = 0", args![]).await;
    assert_eq!(post(&app, &alice, COMMIT, json!({"business_id": 1})).await, none);
    let count = row(&app.context.db, "SELECT COUNT(*) AS n FROM orders", args![]).await;
    assert_eq!(count.int("n").unwrap(), 0, "nothing was ordered");
}

#[actix_web::test]
async fn an_order_is_cancelled_once_then_closed_once() {
    let app = spawn_app(&[]).await;
    let (alice, bob) = (buyer(&app, "alice", "13800000009").await, person(&app, "bob").await);
    let id = ordered(&app, &alice).await["id"].clone();
    let body = json!({"id": id});
    let not_his = |path| (403, envelope(path, "没有权限更改订单状态", 60007));
    assert_eq!(post(&app, &bob, CANCEL, body.clone()).await, not_his(CANCEL));
    assert_eq!(post(&app, &bob, CLOSE, body.clone()).await, not_his(CLOSE));
    let not_closable = (400, envelope(CLOSE, "订单不允许关闭", 60003));
    assert_eq!(post(&app, &alice, CLOSE, body.clone()).await, not_closable);
    assert_eq!(post(&app, &alice, CANCEL, body.clone()).await, (200, envelope(CANCEL, "success", 0)));
    assert_eq!(status(&app, &id).await, 5);
    let not_cancellable = (400, envelope(CANCEL, "订单不允许取消", 60002));
    assert_eq!(post(&app, &alice, CANCEL, body.clone()).await, not_cancellable);
    assert_eq!(post(&app, &alice, CLOSE, body.clone()).await, (200, envelope(CLOSE, "success", 0)));
    assert_eq!(status(&app, &id).await, -1);
    assert_eq!(post(&app, &alice, CLOSE, body.clone()).await, not_closable);
    assert_eq!(post(&app, &alice, CANCEL, body).await, not_cancellable);
    for path in [CANCEL, CLOSE] {
        assert_eq!(post(&app, &alice, path, json!({"id": 999})).await, (404, envelope(path, "订单不存在", 60000)));
        for bad in [json!({}), json!({"id": "1x"}), json!({"id": -1}), json!({"id": [1]})] {
            assert_eq!(post(&app, &alice, path, bad).await.1["error_code"], 99999);
        }
    }
    let path = format!("/api/v1/order/{id}");
    assert_eq!(get(&app, &bob, &path).await, (403, envelope(&path, "订单与用户不匹配", 10005)));
    let path = "/api/v1/order/999";
    assert_eq!(get(&app, &alice, path).await, (404, envelope(path, "订单不存在", 60000)));
    for bad in ["0", "x", "-1", "1.5"] {
        let path = format!("/api/v1/order/{bad}");
        assert_eq!(get(&app, &alice, &path).await, (400, envelope(&path, "参数错误：id 必须是正整数", 99999)));
    }
}

#[actix_web::test]
async fn who_orders_without_end_is_told_to_wait() {
    let settings = [("limits.enabled", "true"), ("limits.enqueues_per_minute_per_account", "2")];
    let app = spawn_app(&settings).await;
    let (alice, bob) = (buyer(&app, "alice", "13800000009").await, buyer(&app, "bob", "13800000008").await);
    for _ in 0..2 {
        ordered(&app, &alice).await;
    }
    let too_fast = (400, envelope(COMMIT, "用户重复发送验证码", 10010));
    assert_eq!(post(&app, &alice, COMMIT, json!({"business_id": 1})).await, too_fast);
    ordered(&app, &bob).await;
}

/// The numbers of a game, and what of an order is live.
async fn places(app: &TestApp, game: i64) -> [i64; 6] {
    let sql = "SELECT balance, held, sold, event_count,
                   (SELECT COUNT(*) FROM registrations r WHERE r.game_id = $1 AND live = 1) AS registrations,
                   (SELECT COUNT(*) FROM queue_tokens t WHERE t.game_id = $1 AND live = 1) AS tokens
               FROM game_queue WHERE game_id = $1";
    let row = row(&app.context.db, sql, args![game]).await;
    ["balance", "held", "sold", "event_count", "registrations", "tokens"].map(|name| row.int(name).unwrap())
}

#[actix_web::test]
async fn cancelling_a_race_order_does_what_asking_for_its_refund_does() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let alice = person(&app, "alice").await;
    let (one, other) = (game(db, 10).await, game(db, 10).await);
    let cancelled = race_order(db, &alice, one, &["a", "b"]).await;
    let refunded = race_order(db, &alice, other, &["a", "b"]).await;
    assert_eq!(places(&app, one.0).await, [8, 2, 0, 0, 2, 1]);
    let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
    refunds::ask(&app.context, &account, &refunded.order_no).await.unwrap();
    let (code, _) = post(&app, &alice, CANCEL, json!({"id": cancelled.id})).await;
    assert_eq!(code, 200);
    let after = places(&app, one.0).await;
    assert_eq!(after, [10, 0, 0, 2, 0, 0]);
    assert_eq!(after, places(&app, other.0).await);
    let sql = "SELECT status, cancelled_at IS NULL AS open, version FROM orders WHERE id = $1";
    let (mine, theirs) = (row(db, sql, args![cancelled.id]).await, row(db, sql, args![refunded.id]).await);
    assert_eq!(mine.int("status").unwrap(), theirs.int("status").unwrap());
    assert_eq!(mine.int("version").unwrap(), theirs.int("version").unwrap());
    assert_eq!(post(&app, &alice, CLOSE, json!({"id": cancelled.id})).await.0, 200);
    // Money for a closed order goes back.
    send_notice(&app, sealed(&app, notice_fields(&app, &cancelled.order_no, "late", cancelled.total).await)).await;
    assert_eq!(places(&app, one.0).await, [10, 0, 0, 2, 0, 0]);
    let sql = "SELECT COUNT(*) AS n FROM journal WHERE kind = 'late_payment'";
    assert_eq!(row(db, sql, args![]).await.int("n").unwrap(), 1);
}

#[actix_web::test]
async fn paid_orders_are_neither_cancelled_nor_closed() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let alice = person(&app, "alice").await;
    let game = game(db, 10).await;
    let order = race_order(db, &alice, game, &["a"]).await;
    send_notice(&app, sealed(&app, notice_fields(&app, &order.order_no, "t", order.total).await)).await;
    let before = places(&app, game.0).await;
    assert_eq!(post(&app, &alice, CANCEL, json!({"id": order.id})).await.1["error_code"], 60002);
    assert_eq!(post(&app, &alice, CLOSE, json!({"id": order.id})).await.1["error_code"], 60003);
    assert_eq!(places(&app, game.0).await, before);
}

#[actix_web::test]
async fn of_many_who_cancel_at_once_one_does() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let alice = person(&app, "alice").await;
    let game = game(db, 10).await;
    let order = race_order(db, &alice, game, &["a"]).await;
    let calls = (0..6).map(|_| post(&app, &alice, CANCEL, json!({"id": order.id})));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|(code, _)| *code == 200).count(), 1, "{answers:?}");
    assert_eq!(places(&app, game.0).await, [10, 0, 0, 2, 0, 0]);
}

#[actix_web::test]
async fn own_orders_in_pages() {
    let app = spawn_app(&[]).await;
    let alice = buyer(&app, "alice", "13800000009").await;
    let bob = buyer(&app, "bob", "13800000008").await;
    let path = "/api/v1/order/by_user";
    assert_eq!(get(&app, &alice, path).await, (200, json!({"current_page": 1, "total": 0, "data": []})));
    let game = game(&app.context.db, 10).await;
    let race = race_order(&app.context.db, &alice, game, &["a"]).await;
    ordered(&app, &bob).await;
    ordered(&app, &alice).await;
    let last = ordered(&app, &alice).await;
    let (code, body) = get(&app, &alice, &format!("{path}?page=1&size=2&_=17")).await;
    assert_eq!(code, 200);
    assert_eq!(body["data"][0]["id"], last["id"]);
    let numbers = ["total", "per_page", "current_page", "last_page"].map(|name| body[name].as_i64().unwrap());
    assert_eq!((numbers, body["data"].as_array().unwrap().len()), ([3, 2, 1, 2], 2));
    let (_, mut body) = get(&app, &alice, &format!("{path}?page=2&size=2")).await;
    assert_eq!(body["data"][0]["order_no"], race.order_no.as_str());
    body["data"][0] = steady(body["data"][0].take());
    body["data"][0]["id"] = json!("id");
    insta::assert_json_snapshot!(body, @r#"
    {
      "current_page": 2,
      "data": [
        {
          "business_id": null,
          "count": 1,
          "coupon": "",
          "create_time": "19 characters",
          "discounts": 0.0,
          "id": "id",
          "name": "十公里",
          "order_no": "22 digits",
          "pay_amount": null,
          "pay_time": "",
          "pay_way": 0,
          "phone": "",
          "price": 80.0,
          "refund_amount": 0.0,
          "refund_count": 0,
          "remark": "",
          "status": 0,
          "total_price": 80.0
        }
      ],
      "last_page": 2,
      "per_page": 2,
      "total": 3
    }
    "#);
    let (_, empty) = get(&app, &alice, &format!("{path}?page=9")).await;
    assert_eq!(empty, json!({"current_page": 9, "total": 3, "data": []}));
    assert_eq!(get(&app, &alice, &format!("{path}?size=100000")).await.1["per_page"], 100);
    for bad in ["page=0", "page=x", "size=-1", "size=1.5", "page=99999999999999999999"] {
        let path = format!("{path}?{bad}");
        assert_eq!(get(&app, &alice, &path).await.1["error_code"], 99999, "{bad}");
    }
}

#[actix_web::test]
async fn unpaid_memberships_close_after_a_day_and_their_owners_hear_of_it() {
    let app = spawn_app(&[]).await;
    let alice = buyer(&app, "alice", "13800000009").await;
    let id = ordered(&app, &alice).await["id"].clone();
    app.context.db.advance_clock(Duration::from_secs(24 * 3600 - 60));
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(status(&app, &id).await, 0);
    app.context.db.advance_clock(Duration::from_secs(61));
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(status(&app, &id).await, -1);
    let owner = app.admin_token().await;
    crate::support::eventually("told", async || {
        app.get_as("/admin/api/v1/sms", &owner).await["data"][0]["kind"] == "order_closed"
    })
    .await;
    let sms = app.get_as("/admin/api/v1/sms", &owner).await;
    assert_eq!((&sms["total"], &sms["data"][0]["phone"]), (&json!(1), &json!("13800000009")));
}
