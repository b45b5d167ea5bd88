//! What the gateway tells: forged, wrong, twice, late, in another order, and over rotating certificates.

use matchday::args;

use super::on_each_gateway;
use super::wechat_gateway::pre_order;
use crate::support::fixtures::{RaceOrder, game, person, race_order, row};
use crate::support::gateway::{Play, Version, start};
use crate::support::{TestApp, spawn_app};

/// The order's status, the places (held, sold), payments.
pub(super) async fn seen(app: &TestApp, order: &RaceOrder) -> (i64, i64, i64, i64) {
    let sql = "SELECT o.status, q.held, q.sold, (SELECT COUNT(*) FROM payments p WHERE p.order_id = o.id) AS payments
               FROM orders o JOIN game_queue q ON q.game_id = o.game_id WHERE o.id = $1";
    let it = row(&app.context.db, sql, args![order.id]).await;
    let int = |name| it.int(name).unwrap();
    (int("status"), int("held"), int("sold"), int("payments"))
}

#[actix_web::test]
async fn wrong_notices_change_nothing_and_the_right_one_pays_once() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let game = game(&app.context.db, 10).await;
        let order = race_order(&app.context.db, &alice, game, &["a"]).await;
        assert_eq!(pre_order(app, &alice, &order).await.0, 200);
        gateway.pay(&order.order_no);
        for play in [Play::WrongSignature, Play::WrongAmount, Play::WrongMerchant, Play::Garbage] {
            assert!(!gateway.tell(app, &order.order_no, play).await, "{play:?}");
            assert_eq!(seen(app, &order).await, (0, 1, 0, 0), "{play:?}");
        }
        for _ in 0..3 {
            assert!(gateway.tell(app, &order.order_no, Play::Good).await);
            assert_eq!(seen(app, &order).await, (1, 0, 1, 1));
        }
        // A forged one changes nothing of a paid order either.
        assert!(!gateway.tell(app, &order.order_no, Play::WrongSignature).await);
        assert_eq!(seen(app, &order).await, (1, 0, 1, 1));
    })
    .await;
}

#[actix_web::test]
async fn notices_in_another_order_pay_their_own_orders() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let game = game(&app.context.db, 10).await;
        let first = race_order(&app.context.db, &alice, game, &["a"]).await;
        let second = race_order(&app.context.db, &alice, game, &["b"]).await;
        for order in [&first, &second] {
            assert_eq!(pre_order(app, &alice, order).await.0, 200);
            gateway.pay(&order.order_no);
        }
        assert!(gateway.tell(app, &second.order_no, Play::Good).await);
        assert_eq!((seen(app, &first).await, seen(app, &second).await), ((0, 1, 1, 0), (1, 1, 1, 1)));
        let (one, other) = futures_util::future::join(
            gateway.tell(app, &second.order_no, Play::Good),
            gateway.tell(app, &first.order_no, Play::Good),
        )
        .await;
        assert!(one && other);
        assert_eq!((seen(app, &first).await, seen(app, &second).await), ((1, 0, 2, 1), (1, 0, 2, 1)));
    })
    .await;
}

#[actix_web::test]
async fn certificates_rotate_and_an_unknown_one_is_not_believed() {
    let (gateway, _stop) = start(Version::V3);
    gateway.state().listed = vec![1, 2];
    let app = spawn_app(&gateway.settings()).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 10).await;
    for (signing, player) in [(1, "a"), (2, "b")] {
        gateway.state().signing = signing;
        let order = race_order(&app.context.db, &alice, game, &[player]).await;
        assert_eq!(pre_order(&app, &alice, &order).await.0, 200);
        gateway.pay(&order.order_no);
        assert!(gateway.tell(&app, &order.order_no, Play::Good).await);
    }
    assert_eq!(gateway.calls("/v3/certificates"), 1);
}

#[actix_web::test]
async fn a_certificate_that_is_not_listed_proves_nothing_and_is_asked_for_once() {
    let (gateway, _stop) = start(Version::V3);
    let app = spawn_app(&gateway.settings()).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 10).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    assert_eq!(pre_order(&app, &alice, &order).await.0, 200);
    gateway.pay(&order.order_no);
    gateway.state().signing = 2;
    for _ in 0..5 {
        assert!(!gateway.tell(&app, &order.order_no, Play::Good).await);
    }
    assert_eq!(seen(&app, &order).await, (0, 1, 0, 0));
    assert_eq!(gateway.calls("/v3/certificates"), 1);
    gateway.state().signing = 1;
    assert!(gateway.tell(&app, &order.order_no, Play::Good).await);
}

/// Another server of the same merchant has an order of the same number, and its payer paid: neither the notice nor the
/// inquiry books it, and the order here can be ended.
#[actix_web::test]
async fn money_of_somebody_else_pays_no_order_of_the_same_number() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let game = game(&app.context.db, 10).await;
        let order = race_order(&app.context.db, &alice, game, &["a"]).await;
        assert_eq!(pre_order(app, &alice, &order).await.0, 200);
        gateway.pay(&order.order_no);
        gateway.state().trades.get_mut(order.order_no.as_str()).unwrap().openid = "somebody-else".to_owned();
        assert!(!gateway.tell(app, &order.order_no, Play::Good).await);
        assert_eq!(seen(app, &order).await, (0, 1, 0, 0), "the notice");
        let account = matchday::service::accounts::authenticate(&app.context, &alice.token).await.unwrap();
        matchday::service::refunds::ask(&app.context, &account, &order.order_no).await.unwrap();
        assert_eq!(seen(app, &order).await, (5, 0, 0, 0), "the inquiry; cancelled, and nothing booked");
    })
    .await;
}

/// The red twin: who made the order pays it.
#[actix_web::test]
async fn a_number_that_somebody_else_paid_cannot_be_paid_here() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let game = game(&app.context.db, 10).await;
        let order = race_order(&app.context.db, &alice, game, &["a"]).await;
        assert_eq!(pre_order(app, &alice, &order).await.0, 200);
        gateway.pay(&order.order_no);
        crate::support::fixtures::execute(&app.context.db, "UPDATE orders SET prepay_expires_at = 0", args![]).await;
        gateway.state().trades.get_mut(order.order_no.as_str()).unwrap().openid = "somebody-else".to_owned();
        let (status, body) = pre_order(app, &alice, &order).await;
        assert!(status >= 400 && body["error_code"] != 60001, "not paid: {status} {body}");
        gateway.state().trades.get_mut(order.order_no.as_str()).unwrap().openid = "alice".to_owned();
        assert!(gateway.tell(app, &order.order_no, Play::Good).await);
        assert_eq!(seen(app, &order).await, (1, 0, 1, 1));
    })
    .await;
}

/// While certificates are downloaded slowly for a forged serial number, a notice of a known one is answered.
#[actix_web::test]
async fn forged_serial_numbers_do_not_hold_genuine_notices_up() {
    let (gateway, _stop) = start(Version::V3);
    let app = spawn_app(&gateway.settings()).await;
    let alice = person(&app, "alice").await;
    let game = game(&app.context.db, 10).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    assert_eq!(pre_order(&app, &alice, &order).await.0, 200);
    gateway.pay(&order.order_no);
    assert_eq!(gateway.calls("/v3/certificates"), 1);
    let forged = |serial: String| {
        let request = app.client.post(app.at("/api/v1/pay/notify")).header("wechatpay-serial", serial);
        let now = chrono::Utc::now().timestamp().to_string();
        request.header("wechatpay-timestamp", now).header("wechatpay-nonce", "n").header("wechatpay-signature", "AA==")
    };
    for n in 0..100 {
        let answer = forged(format!("F{n:039}")).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    assert_eq!(gateway.calls("/v3/certificates"), 1, "however many serial numbers are made up");
    assert!(gateway.tell(&app, &order.order_no, Play::Good).await);
    assert_eq!(seen(&app, &order).await, (1, 0, 1, 1));
}
