use std::time::Duration;

use matchday::args;
use matchday::clients::wechat::sign::Fields;
use serde_json::{Value, json};

use super::told;
use crate::support::fixtures::{Person, execute, game, person, race_order};
use crate::support::{TestApp, spawn_app};

async fn pre_order(app: &TestApp, caller: &Person, body: Value) -> (u16, Value) {
    let request = app.client.post(app.at("/api/v1/pay/pre_order")).header("token", &caller.token).json(&body);
    told(request.send().await.unwrap()).await
}

fn text<'v>(body: &'v Value, member: &str) -> &'v str {
    body[member].as_str().unwrap()
}

#[actix_web::test]
async fn an_own_unpaid_order_gets_signed_page_parameters() {
    let app = spawn_app(&[("pay.sign_type", "HMAC-SHA256")]).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 10).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    let (status, body) = pre_order(&app, &alice, json!({"id": order.id})).await;
    assert_eq!(status, 200);
    let merchant = app.context.outside.merchant.as_ref().unwrap();
    let signed: Fields = [
        ("appId", merchant.app_id.as_str()),
        ("timeStamp", text(&body, "timestamp")),
        ("nonceStr", text(&body, "nonceStr")),
        ("package", text(&body, "package")),
        ("signType", "HMAC-SHA256"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    assert_eq!(text(&body, "paySign"), merchant.sign(&signed));
    assert!(text(&body, "package").starts_with("prepay_id=wx"));
    assert_eq!(body["timestamp"], body["timeStamp"]);
    let mut shown = body.clone();
    for changing in ["timestamp", "timeStamp", "nonceStr", "package", "paySign"] {
        shown[changing] = json!(format!("{} characters", text(&body, changing).len()));
    }
    insta::assert_json_snapshot!(shown, @r#"
    {
      "nonceStr": "32 characters",
      "package": "46 characters",
      "paySign": "64 characters",
      "signType": "HMAC-SHA256",
      "timeStamp": "10 characters",
      "timestamp": "10 characters"
    }
    "#);
}

#[actix_web::test]
async fn repeated_calls_use_one_prepay_id_while_it_lives() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 10).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    let calls = (0..8).map(|_| pre_order(&app, &alice, json!({"order_no": order.order_no.as_str()})));
    let answers = futures_util::future::join_all(calls).await;
    let package = answers[0].1["package"].clone();
    assert!(package.is_string());
    assert!(answers.iter().all(|(status, body)| *status == 200 && body["package"] == package), "{answers:?}");
    let sql = "UPDATE orders SET expires_at = expires_at + 10000000, prepay_expires_at = $2 WHERE id = $1";
    execute(&app.context.db, sql, args![order.id, app.context.db.now_ms()]).await;
    let (status, body) = pre_order(&app, &alice, json!({"id": order.id.to_string()})).await;
    assert_eq!(status, 200);
    assert_ne!(body["package"], package);
}

#[actix_web::test]
async fn refusals() {
    let app = spawn_app(&[]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let game = game(&app.context.db, 10).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    let by_id = json!({"id": order.id});
    let envelope =
        |msg: &str, code: u32| json!({"msg": msg, "error_code": code, "request_url": "/api/v1/pay/pre_order"});

    let missing = (404, envelope("订单不存在", 60000));
    assert_eq!(pre_order(&app, &alice, json!({"id": 999_999})).await, missing);
    assert_eq!(pre_order(&app, &alice, json!({"order_no": "2611220000000000000000"})).await, missing);
    for bad in [
        json!({}),
        json!({"id": 0}),
        json!({"id": "x"}),
        json!({"id": -1}),
        json!({"id": 1.5}),
        json!({"id": [1]}),
        json!({"order_no": "1"}),
    ] {
        let (status, body) = pre_order(&app, &alice, bad.clone()).await;
        assert_eq!((status, &body["error_code"]), (400, &json!(99999)), "{bad}");
    }
    assert_eq!(pre_order(&app, &bob, by_id.clone()).await, (403, envelope("没有权限更改订单状态", 60007)));
    let nobody = app.client.post(app.at("/api/v1/pay/pre_order")).json(&by_id).send().await.unwrap();
    assert_eq!(told(nobody).await, (401, envelope("Token已过期或无效Token", 10003)));
    for over in [2_i64, 5, -1] {
        execute(&app.context.db, "UPDATE orders SET status = $2 WHERE id = $1", args![order.id, over]).await;
        assert_eq!(pre_order(&app, &alice, by_id.clone()).await, (400, envelope("操作错误", 10000)), "{over}");
    }
    execute(&app.context.db, "UPDATE orders SET status = 0 WHERE id = $1", args![order.id]).await;
    app.context.db.advance_clock(Duration::from_secs(1800));
    assert_eq!(pre_order(&app, &alice, by_id.clone()).await.1["error_code"], 10000, "the window is over");
    let paid = "UPDATE orders SET status = 1, transaction_id = 't', paid_at = 1, pay_amount_fen = 8000 WHERE id = $1";
    execute(&app.context.db, paid, args![order.id]).await;
    assert_eq!(pre_order(&app, &alice, by_id).await, (400, envelope("订单已经支付过", 60001)));
}

#[actix_web::test]
async fn without_a_provider_or_an_openid_nothing_is_signed() {
    let app = spawn_app(&[("pay.provider", "none")]).await;
    let alice = person(&app, "alice").await;
    let game_id = game(&app.context.db, 10).await;
    let order = race_order(&app.context.db, &alice, game_id, &["a"]).await;
    assert_eq!(pre_order(&app, &alice, json!({"id": order.id})).await.1["error_code"], 50000);
    drop(app);
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let game_id = game(&app.context.db, 10).await;
    let order = race_order(&app.context.db, &alice, game_id, &["a"]).await;
    execute(&app.context.db, "UPDATE accounts SET openid = NULL WHERE id = $1", args![alice.account.0]).await;
    assert_eq!(pre_order(&app, &alice, json!({"id": order.id})).await.1["error_code"], 99999);
}

#[actix_web::test]
async fn an_unpaid_order_of_nothing_is_paid_by_asking_and_no_provider_is_needed() {
    let app = spawn_app(&[("pay.provider", "none")]).await;
    let db = &app.context.db;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let game = game(db, 10).await;
    let order = race_order(db, &alice, game, &["a", "b"]).await;
    execute(db, "UPDATE orders SET price_fen = 0, total_fen = 0", args![]).await;
    assert_eq!(pre_order(&app, &bob, json!({"id": order.id})).await.1["error_code"], 60007);
    for _ in 0..2 {
        let (status, body) = pre_order(&app, &alice, json!({"id": order.id})).await;
        assert_eq!((status, &body["error_code"]), (400, &json!(60001)), "{body}");
        let sql = "SELECT o.status, o.pay_amount_fen, o.pay_way, q.sold, q.held,
                   (SELECT COUNT(*) FROM payments WHERE provider = 'free' AND state = 1) AS payments
                   FROM orders o JOIN game_queue q ON q.game_id = o.game_id WHERE o.id = $1";
        let row = db.fetch_one(sql, args![order.id]).await.unwrap();
        let numbers = ["status", "pay_amount_fen", "pay_way", "sold", "held", "payments"];
        assert_eq!(numbers.map(|name| row.int(name).unwrap()), [1, 0, 0, 2, 0, 1]);
    }
}

#[actix_web::test]
async fn one_account_uses_up_its_own_calls_to_the_provider_only() {
    let settings = [("limits.enabled", "true"), ("limits.payment_calls_per_minute_per_account", "3")];
    let app = spawn_app(&settings).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let (pay, end) = ("/api/v1/pay/pre_order", ["/api/v1/order/cancel", "/api/v1/order/close"]);
    let call = async |caller: &Person, path: &str| {
        let request = app.client.post(app.at(path)).header("token", &caller.token).json(&json!({"id": 4711}));
        let answer = request.send().await.unwrap();
        (answer.headers().contains_key("retry-after"), told(answer).await.1["error_code"].clone())
    };
    for _ in 0..3 {
        assert_eq!(call(&alice, pay).await, (false, json!(60000)));
    }
    for path in [pay, end[0], end[1]] {
        assert_eq!(call(&alice, path).await, (true, json!(10010)), "{path}");
        assert_eq!(call(&bob, path).await, (false, json!(60000)), "{path}");
    }
}
