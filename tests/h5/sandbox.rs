use matchday::args;
use serde_json::Value;

use crate::support::fixtures::{execute, game, person, race_order, row};
use crate::support::{TestApp, spawn_app};

async fn pay(app: &TestApp, order_no: &str) -> (u16, Value) {
    let answer = app.client.post(app.at(&format!("/sandbox/pay/{order_no}"))).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[actix_web::test]
async fn the_sandbox_pays_an_order_over_http() {
    for sign_type in ["MD5", "HMAC-SHA256"] {
        let app = spawn_app(&[("pay.sign_type", sign_type)]).await;
        let alice = person(&app, "alice").await;
        let game = game(&app.context.db, 3).await;
        let order = race_order(&app.context.db, &alice, game, &["a"]).await;
        let (status, body) = pay(&app, order.order_no.as_str()).await;
        assert_eq!((status, body["order_no"].as_str()), (200, Some(order.order_no.as_str())));
        let sql = "SELECT status, transaction_id FROM orders WHERE id = $1";
        let paid = row(&app.context.db, sql, args![order.id]).await;
        assert_eq!(paid.int("status").unwrap(), 1);
        assert_eq!(body["transaction_id"], paid.text("transaction_id").unwrap());
        assert_eq!(pay(&app, order.order_no.as_str()).await, (200, body), "the same notice again");
    }
}

#[actix_web::test]
async fn the_sandbox_says_when_the_notice_was_refused() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 3).await;
    let (first, second) = (
        race_order(&app.context.db, &alice, game, &["a"]).await,
        race_order(&app.context.db, &alice, game, &["b"]).await,
    );
    let transaction = pay(&app, first.order_no.as_str()).await.1["transaction_id"].as_str().unwrap().to_owned();
    // Our side knows the transaction as another order's.
    let move_it = "UPDATE payments SET order_id = $1, state = 2 WHERE transaction_id = $2";
    execute(&app.context.db, move_it, args![second.id, transaction]).await;
    assert_eq!(pay(&app, first.order_no.as_str()).await.0, 409);
    assert_eq!(pay(&app, "2611220000000000000000").await.0, 404);
    assert_eq!(pay(&app, "nonsense").await.0, 404);
}

#[actix_web::test]
async fn the_sandbox_is_not_there_without_its_provider() {
    let app = spawn_app(&[("pay.provider", "none")]).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 3).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    assert_eq!(pay(&app, order.order_no.as_str()).await.0, 404);
    let sql = "SELECT status FROM orders WHERE id = $1";
    assert_eq!(row(&app.context.db, sql, args![order.id]).await.int("status").unwrap(), 0);
}
