//! `RegAskRefund`: cancelling an unpaid order, giving a paid one back until the deadline.

use matchday::args;
use matchday::store::sql::journal;
use serde_json::{Value, json};

use super::client::{Registrant, admin_command, players};
use crate::support::fixtures::execute;
use crate::support::{TestApp, eventually, spawn_app};

async fn ask(runner: &Registrant<'_>, order_no: &str) -> Value {
    runner.send(json!({"cmd": "RegAskRefund", "order_no": order_no})).await
}

async fn status(runner: &Registrant<'_>) -> Value {
    runner.send(json!({"cmd": "RegQueryUserOrders"})).await["orders"][0]["pay_status"].clone()
}

async fn balance(app: &TestApp) -> Value {
    admin_command(app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": 2})).await["balance"].clone()
}

fn done() -> Value {
    json!({"result": 0, "msg": ""})
}

#[actix_web::test]
async fn an_unpaid_order_is_cancelled_once_and_its_places_are_free() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(2, players(&[1, 2])).await;
    assert_eq!(balance(&app).await, 1);
    for _ in 0..2 {
        assert_eq!(ask(&runner, &order_no).await, done());
        assert_eq!((status(&runner).await, balance(&app).await), (json!(2), json!(3)));
    }
    let row = "SELECT status FROM orders";
    assert_eq!(app.context.db.fetch_one(row, vec![]).await.unwrap().int("status").unwrap(), 5);
    let again = runner.order(2, players(&[1, 2])).await;
    assert_ne!(again, order_no, "the same people may register again, with another token");
}

#[actix_web::test]
async fn a_paid_order_is_refunded_by_the_provider() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(2, players(&[1, 2])).await;
    runner.pay(&order_no).await;
    assert_eq!(ask(&runner, &order_no).await, done());
    assert_eq!(ask(&runner, &order_no).await, done(), "asking twice is one refund");
    eventually("refunded", async || status(&runner).await == 3).await;
    assert_eq!(balance(&app).await, 3);
    assert_eq!(ask(&runner, &order_no).await, done(), "refunded already");
    let rows = runner.send(json!({"cmd": "RegQueryOrder", "order_no": order_no})).await;
    assert_eq!(rows["registrations"][0]["pay_status"], 3);
    let work = app.context.db.fetch_one("SELECT COUNT(*) AS n FROM outbox", vec![]).await.unwrap();
    assert_eq!(work.int("n").unwrap(), 1);
    assert!(journal::check(&app.context.db).await.unwrap().holds());
    assert_eq!(journal::latest(&app.context.db, 9).await.unwrap().len(), 3);
    runner.order(2, players(&[1, 2])).await;
}

#[actix_web::test]
async fn after_the_deadline_paid_orders_stay_and_unpaid_ones_are_still_cancelled() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let paid = runner.order(2, players(&[1])).await;
    runner.pay(&paid).await;
    let unpaid = runner.order(2, players(&[2])).await;
    let deadline = async |at: Option<i64>| {
        execute(&app.context.db, "UPDATE competitions SET refund_deadline = $1", args![at]).await;
    };
    deadline(Some(app.context.db.now_ms() - 1)).await;
    let late = ask(&runner, &paid).await;
    assert_eq!((&late["result"], &late["msg"]), (&json!(-14), &json!("退款超时")));
    assert_eq!(ask(&runner, &unpaid).await, done());
    // Without a deadline of its own the game's start is it.
    deadline(None).await;
    execute(&app.context.db, "UPDATE games SET start_time = $1", args![app.context.db.now_ms() - 1]).await;
    assert_eq!(ask(&runner, &paid).await["result"], -14);
    deadline(Some(app.context.db.now_ms() + 60_000)).await;
    assert_eq!(ask(&runner, &paid).await, done(), "a later deadline is kept, too");
}

#[actix_web::test]
async fn an_order_of_nothing_is_paid_and_given_back_without_a_provider() {
    let app = spawn_app(&[("pay.provider", "none")]).await;
    let db = &app.context.db;
    execute(db, "UPDATE games SET price_fen = 0 WHERE id = 2", args![]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(2, players(&[1, 2])).await;
    let pay = app.client.post(app.at("/api/v1/pay/pre_order")).header("token", &runner.token);
    let answer: Value = pay.json(&json!({"order_no": order_no})).send().await.unwrap().json().await.unwrap();
    assert_eq!((&status(&runner).await, &answer["error_code"]), (&json!(1), &json!(60001)), "nothing to pay: {answer}");
    assert_eq!(ask(&runner, &order_no).await, done());
    assert_eq!((status(&runner).await, balance(&app).await), (json!(3), json!(3)));
    let check = journal::check(db).await.unwrap();
    assert!(check.holds() && check.booked == journal::Balances::default(), "{check:?}");
}

#[actix_web::test]
async fn one_registration_goes_back_and_the_order_keeps_the_rest() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(2, players(&[1, 2])).await;
    let ask_one =
        async |reg_id: Value| runner.send(json!({"cmd": "RegAskRefund", "order_no": order_no, "reg_id": reg_id})).await;
    let rows = async || {
        let answer = runner.send(json!({"cmd": "RegQueryOrder", "order_no": order_no})).await;
        answer["registrations"].as_array().unwrap().clone()
    };
    let first = rows().await[0]["reg_id"].clone();
    let early = ask_one(first.clone()).await;
    assert_eq!(early["result"], -13);
    assert!(early["msg"].as_str().unwrap().contains("reg_id: the order is not paid"), "{early}");
    runner.pay(&order_no).await;
    for unknown in [json!("x"), json!(""), json!(9999), json!([1]), Value::Null] {
        let refused = ask_one(unknown.clone()).await;
        assert_eq!((&refused["result"], &refused["msg"]), (&json!(-16), &json!("无效reg_id")), "{unknown}");
    }
    assert_eq!(status(&runner).await, 1);
    assert_eq!(ask_one(first.clone()).await, done());
    assert_eq!(ask_one(first.clone()).await, done(), "asking twice is one refund");
    eventually("refunded", async || rows().await[0]["pay_status"] == 3).await;
    assert_eq!((&rows().await[1]["pay_status"], balance(&app).await), (&json!(1), json!(2)));
    let orders = runner.send(json!({"cmd": "RegQueryUserOrders"})).await;
    let order = &orders["orders"][0];
    let (price, back) = (order["price"].as_f64().unwrap(), order["refunded_price"].as_f64().unwrap());
    assert_eq!((&order["pay_status"], &order["refunded_count"], back * 2.0), (&json!(1), &json!(1), price));
    let by_certificate = async |person: u32| {
        let number = format!("E{person:07}");
        let party =
            json!({"cmd": "QueryRegStateByCert", "party_id": 1, "certificate_type": 1, "certificate_no": number});
        runner.send(party).await["order_info"].clone()
    };
    assert_eq!((by_certificate(1).await, by_certificate(2).await["pay_status"].clone()), (Value::Null, json!(1)));
    // The one who left may register again, the one who stays may not.
    runner.order(2, players(&[1])).await;
    let again = runner.enqueue(2, players(&[2])).await;
    assert_eq!(runner.decided(again["token"].as_str().unwrap()).await["queue_state"], 4);
    // The rest, and the order is refunded.
    assert_eq!(ask_one(rows().await[1]["reg_id"].clone()).await, done());
    eventually("all refunded", async || status(&runner).await == 3 || rows().await[1]["pay_status"] == 3).await;
    let all = runner.send(json!({"cmd": "RegQueryUserOrders"})).await;
    let order = all["orders"].as_array().unwrap().iter().find(|it| it["order_no"] == json!(order_no)).unwrap();
    assert_eq!((&order["pay_status"], &order["refunded_price"]), (&json!(3), &json!(price)));
    let check = journal::check(&app.context.db).await.unwrap();
    assert!(check.holds(), "{check:?}");
}
