use matchday::args;
use matchday::service::{accounts, outbox, refunds};

use crate::support::fixtures::{end_order, execute, game, notice_fields, person, race_order, row, sealed, send_notice};
use crate::support::{TestApp, eventually, spawn_app};

async fn payment_state(app: &TestApp, transaction: &str) -> i64 {
    let sql = "SELECT state FROM payments WHERE transaction_id = $1";
    row(&app.context.db, sql, args![transaction]).await.int("state").unwrap()
}

async fn order_status(app: &TestApp, id: i64) -> i64 {
    row(&app.context.db, "SELECT status FROM orders WHERE id = $1", args![id]).await.int("status").unwrap()
}

#[actix_web::test]
async fn money_that_came_too_late_is_given_back_by_the_loop() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 1).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    end_order(&app.context.db, &order, 2).await;
    race_order(&app.context.db, &alice, game, &["b"]).await;
    send_notice(&app, sealed(&app, notice_fields(&app, &order.order_no, "late", order.total).await)).await;
    eventually("refunded", async || payment_state(&app, "late").await == 3).await;
    assert_eq!(order_status(&app, order.id).await, 2, "the order stays expired");
    let work = row(&app.context.db, "SELECT state, attempts FROM outbox", args![]).await;
    assert_eq!((work.int("state").unwrap(), work.int("attempts").unwrap()), (1, 1));
}

#[actix_web::test]
async fn a_refunded_order_gives_its_places_back_once() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 3).await;
    let order = race_order(&app.context.db, &alice, game, &["a", "b"]).await;
    let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
    let ask = async || refunds::ask(&app.context, &account, &order.order_no).await;
    send_notice(&app, sealed(&app, notice_fields(&app, &order.order_no, "t1", order.total).await)).await;
    ask().await.unwrap();
    ask().await.unwrap();
    eventually("refunded", async || order_status(&app, order.id).await == 4).await;
    ask().await.unwrap();
    assert_eq!(payment_state(&app, "t1").await, 3);
    let sql = "SELECT balance, sold, held, (SELECT count(*) FROM registrations WHERE live = 1) AS live,
               (SELECT count(*) FROM outbox) AS work FROM game_queue WHERE game_id = $1";
    let after = row(&app.context.db, sql, args![game.0]).await;
    let numbers: Vec<i64> =
        ["balance", "sold", "held", "live", "work"].iter().map(|name| after.int(name).unwrap()).collect();
    assert_eq!(numbers, [3, 0, 0, 0, 1]);
}

#[actix_web::test]
async fn work_that_fails_is_put_off_and_in_the_end_given_up() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let now = db.now_ms();
    let sql = "INSERT INTO outbox (kind, work_key, payload, attempts, next_at, created_at)
               VALUES ('unheard-of', $1, '{}', $2, $3, $3)";
    execute(db, sql, args!["young", 0_i64, now]).await;
    execute(db, sql, args!["old", 49_i64, now]).await;
    outbox::step(&app.context).await.unwrap();
    let look = |key: &'static str| async move {
        let sql = "SELECT state, attempts, next_at, last_error FROM outbox WHERE work_key = $1";
        let it = row(db, sql, args![key]).await;
        (
            it.int("state").unwrap(),
            it.int("attempts").unwrap(),
            it.int("next_at").unwrap(),
            it.opt_text("last_error").unwrap(),
        )
    };
    eventually("tried", async || look("young").await.3.is_some() && look("old").await.3.is_some()).await;
    let young = look("young").await;
    assert_eq!((young.0, young.1), (0, 1));
    assert!(young.2 > now + 10_000, "not before 15 s");
    let old = look("old").await;
    assert_eq!((old.0, old.1), (2, 50));
}
