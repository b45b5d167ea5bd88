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
