//! Money back through the gateway: slow, lost answers, notices that are only hints.

use std::time::Duration;

use matchday::args;
use matchday::service::{accounts, refunds};

use super::on_each_gateway;
use super::wechat_gateway::pre_order;
use super::wechat_notices::seen;
use crate::support::fixtures::{RaceOrder, game, person, race_order, row};
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
