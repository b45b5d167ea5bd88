//! Registering orders at a gateway that misbehaves.

use matchday::args;
use serde_json::{Value, json};

use super::{on_each_gateway, told};
use crate::support::TestApp;
use crate::support::fixtures::{Person, RaceOrder, game, membership_order, person, race_order, row};
use crate::support::gateway::Play;

pub(super) async fn pre_order(app: &TestApp, caller: &Person, order: &RaceOrder) -> (u16, Value) {
    let body = json!({"order_no": order.order_no.as_str()});
    let request = app.client.post(app.at("/api/v1/pay/pre_order")).header("token", &caller.token).json(&body);
    told(request.send().await.unwrap()).await
}

async fn prepay_id(app: &TestApp, order: &RaceOrder) -> Option<String> {
    row(&app.context.db, "SELECT prepay_id FROM orders WHERE id = $1", args![order.id])
        .await
        .opt_text("prepay_id")
        .unwrap()
}

#[actix_web::test]
async fn an_order_is_registered_once_and_its_page_signed() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let game = game(&app.context.db, 10).await;
        let order = race_order(&app.context.db, &alice, game, &["a"]).await;
        for _ in 0..2 {
            let (status, body) = pre_order(app, &alice, &order).await;
            assert_eq!(status, 200, "{body}");
            let trade = gateway.trade(&order.order_no);
            assert_eq!(body["package"], format!("prepay_id={}", trade.prepay_id));
            assert_eq!((trade.total, trade.openid.as_str()), (8_000, "alice"));
        }
        assert_eq!(gateway.calls("/unifiedorder") + gateway.calls("/jsapi"), 1);
        let (no, _) = membership_order(&app.context.db, &alice, 1).await;
        let body = json!({"order_no": no.as_str()});
        let request = app.client.post(app.at("/api/v1/pay/pre_order")).header("token", &alice.token).json(&body);
        assert_eq!(told(request.send().await.unwrap()).await.0, 200);
    })
    .await;
}

#[actix_web::test]
async fn a_lost_answer_and_a_fault_are_asked_again_and_change_nothing_twice() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let game = game(&app.context.db, 10).await;
        for (play, player) in [(Play::AnswerLost, "a"), (Play::Fault, "b")] {
            let order = race_order(&app.context.db, &alice, game, &[player]).await;
            for path in ["/unifiedorder", "/jsapi"] {
                gateway.play(path, play, 1);
            }
            let (status, body) = pre_order(app, &alice, &order).await;
            assert_eq!(status, 200, "{body}");
            assert_eq!(prepay_id(app, &order).await, Some(gateway.trade(&order.order_no).prepay_id));
            gateway.behave();
        }
        assert_eq!(gateway.calls("/unifiedorder") + gateway.calls("/jsapi"), 4);
    })
    .await;
}

#[actix_web::test]
async fn an_answer_that_is_not_believed_changes_nothing() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let game = game(&app.context.db, 10).await;
        let order = race_order(&app.context.db, &alice, game, &["a"]).await;
        // v3's answer to a registration names no merchant.
        let mut plays = vec![Play::WrongSignature, Play::Garbage];
        if gateway.settings().contains(&("pay.provider", "v2")) {
            plays.push(Play::WrongMerchant);
        }
        for play in plays {
            gateway.play("/", play, 1);
            // The provider's certificates may be what goes wrong first.
            let (status, body) = pre_order(app, &alice, &order).await;
            if status != 200 {
                assert_eq!((status, body["error_code"].as_i64()), (500, Some(50000)), "{play:?}");
                assert_eq!(prepay_id(app, &order).await, None, "{play:?}");
            }
            gateway.behave();
        }
        let (status, body) = pre_order(app, &alice, &order).await;
        assert_eq!(status, 200, "{body}");
    })
    .await;
}

#[actix_web::test]
async fn an_order_that_the_gateway_knows_as_paid_is_booked() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let game = game(&app.context.db, 10).await;
        let order = race_order(&app.context.db, &alice, game, &["a"]).await;
        assert_eq!(pre_order(app, &alice, &order).await.0, 200);
        gateway.pay(&order.order_no);
        // Its notice is lost, and the prepay id is over.
        let sql = "UPDATE orders SET prepay_expires_at = 1 WHERE id = $1";
        crate::support::fixtures::execute(&app.context.db, sql, args![order.id]).await;
        let (status, body) = pre_order(app, &alice, &order).await;
        assert_eq!((status, body["error_code"].as_i64()), (400, Some(60001)), "{body}");
        let status = row(&app.context.db, "SELECT status FROM orders WHERE id = $1", args![order.id]).await;
        assert_eq!(status.int("status").unwrap(), 1);
    })
    .await;
}
