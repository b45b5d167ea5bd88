//! Money back through the gateway: slow, lost answers, notices that are only hints.

use std::time::Duration;

use actors::domain::ids::RegistrationId;
use matchday::args;
use matchday::service::{accounts, refunds};

use super::on_each_gateway;
use super::wechat_gateway::pre_order;
use super::wechat_notices::seen;
use crate::support::fixtures::{Person, RaceOrder, game, person, race_order, row};
use crate::support::gateway::{Gateway, Play};
use crate::support::{TestApp, eventually};

/// A paid order whose owner has asked for its money.
async fn asked_back(gateway: &Gateway, app: &TestApp) -> RaceOrder {
    let alice = person(app, "alice").await;
    let game = game(&app.context.db, 3).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    assert_eq!(pre_order(app, &alice, &order).await.0, 200);
    gateway.pay(&order.order_no);
    assert!(gateway.tell(app, &order.order_no, Play::Good).await);
    let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
    refunds::ask(&app.context, &account, &order.order_no).await.unwrap();
    order
}

async fn tried(app: &TestApp, times: i64) {
    let sql = "SELECT CASE WHEN last_error IS NULL THEN 0 ELSE attempts END AS tries FROM outbox WHERE kind = 'refund'";
    eventually("the refund was tried", async || {
        row(&app.context.db, sql, args![]).await.int("tries").unwrap() >= times
    })
    .await;
}

#[actix_web::test]
async fn a_slow_refund_ends_when_the_gateway_says_so() {
    on_each_gateway(async |gateway, app| {
        gateway.state().slow_refunds = true;
        let order = asked_back(gateway, app).await;
        tried(app, 1).await;
        assert_eq!(seen(app, &order).await.0, 3, "the money is on its way, the place is not free");
        assert_eq!(gateway.finish_refunds(app).await, 1, "the notice is taken");
        eventually("refunded", async || seen(app, &order).await.0 == 4).await;
        assert_eq!(gateway.finish_refunds(app).await, 1, "told again");
        assert_eq!(gateway.state().refunds.len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn a_refund_whose_answer_was_lost_is_made_once() {
    on_each_gateway(async |gateway, app| {
        gateway.play("refund", Play::AnswerLost, 1);
        let order = asked_back(gateway, app).await;
        tried(app, 1).await;
        assert_eq!((seen(app, &order).await.0, gateway.state().refunds.len()), (3, 1), "made, and not known here");
        app.context.db.advance_clock(Duration::from_secs(16));
        eventually("refunded", async || seen(app, &order).await.0 == 4).await;
        assert_eq!(gateway.state().refunds.len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn a_refund_of_another_amount_is_not_believed() {
    on_each_gateway(async |gateway, app| {
        for path in ["refundquery", "domestic/refunds"] {
            gateway.play(path, Play::WrongAmount, 1);
        }
        let order = asked_back(gateway, app).await;
        tried(app, 1).await;
        assert_eq!(seen(app, &order).await.0, 3);
        app.context.db.advance_clock(Duration::from_secs(16));
        eventually("refunded", async || seen(app, &order).await.0 == 4).await;
    })
    .await;
}

/// A paid order of three with its registrations.
pub(super) async fn paid_for_three(gateway: &Gateway, app: &TestApp) -> (RaceOrder, Person, Vec<i64>) {
    let alice = person(app, "alice").await;
    let game = game(&app.context.db, 3).await;
    let order = race_order(&app.context.db, &alice, game, &["a", "b", "c"]).await;
    assert_eq!(pre_order(app, &alice, &order).await.0, 200);
    gateway.pay(&order.order_no);
    assert!(gateway.tell(app, &order.order_no, Play::Good).await);
    let sql = "SELECT id FROM registrations WHERE order_id = $1 ORDER BY id";
    let rows = app.context.db.fetch_all(sql, args![order.id]).await.unwrap();
    (order, alice, rows.iter().map(|row| row.int("id").unwrap()).collect())
}

pub(super) async fn ask_one(app: &TestApp, owner: &Person, order: &RaceOrder, registration: i64) {
    let account = accounts::authenticate(&app.context, &owner.token).await.unwrap();
    refunds::ask_one(&app.context, &account, &order.order_no, RegistrationId(registration)).await.unwrap();
}

pub(super) async fn back(app: &TestApp, order: &RaceOrder) -> (i64, i64) {
    let sql = "SELECT refunded_count, refunded_fen FROM orders WHERE id = $1";
    let it = row(&app.context.db, sql, args![order.id]).await;
    (it.int("refunded_count").unwrap(), it.int("refunded_fen").unwrap())
}

#[actix_web::test]
async fn parts_of_an_order_go_back_under_numbers_of_their_own() {
    on_each_gateway(async |gateway, app| {
        let (order, alice, ids) = paid_for_three(gateway, app).await;
        // The answer to the first is lost: it is the same refund when it is asked for again.
        gateway.play("refund", Play::AnswerLost, 1);
        ask_one(app, &alice, &order, ids[0]).await;
        tried(app, 1).await;
        assert_eq!((seen(app, &order).await, back(app, &order).await), ((1, 0, 3, 1), (0, 0)));
        app.context.db.advance_clock(Duration::from_secs(16));
        eventually("the first is back", async || back(app, &order).await == (1, 8_000)).await;
        assert_eq!((seen(app, &order).await, gateway.state().refunds.len()), ((1, 0, 2, 1), 1));

        // The second is slow, and the rest is asked for meanwhile.
        gateway.state().slow_refunds = true;
        ask_one(app, &alice, &order, ids[2]).await;
        eventually("the second is under way", async || gateway.state().refunds.len() == 2).await;
        let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
        refunds::ask(&app.context, &account, &order.order_no).await.unwrap();
        eventually("the rest is under way", async || gateway.state().refunds.len() == 3).await;
        assert_eq!(seen(app, &order).await, (3, 0, 2, 1));
        assert_eq!(gateway.finish_refunds(app).await, 3, "their notices are taken");
        eventually("refunded", async || seen(app, &order).await.0 == 4).await;
        assert_eq!(back(app, &order).await, (3, 24_000));
        let amounts: Vec<i64> = gateway.state().refunds.values().map(|refund| refund.amount).collect();
        assert_eq!(amounts, [8_000; 3]);
    })
    .await;
}
