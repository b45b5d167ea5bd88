//! Orders whose window passes or that are given up: the gateway is asked and closed first.

use std::time::Duration;

use actors::domain::ids::OrderId;
use actors::error::{DomainError, Provider};
use matchday::args;
use matchday::service::{accounts, orders, refunds};
use matchday::store::sql::quota::PROVIDER_GRACE_MS;

use serde_json::json;

use super::on_each_gateway;
use super::wechat_gateway::pre_order;
use super::wechat_notices::seen;
use crate::support::fixtures::{Person, RaceOrder, game, membership_order, person, race_order, row};
use crate::support::gateway::{Gateway, Play, TradeState};
use crate::support::{TestApp, eventually};

const WINDOW: Duration = Duration::from_secs(1_801);

async fn setting(app: &TestApp) -> (Person, RaceOrder) {
    let alice = person(app, "alice").await;
    let game = game(&app.context.db, 1).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    assert_eq!(pre_order(app, &alice, &order).await.0, 200);
    (alice, order)
}

async fn status_becomes(app: &TestApp, order: &RaceOrder, status: i64) {
    eventually("the order's status changes", async || seen(app, order).await.0 == status).await;
}

/// Until the inquiry has failed so often.
async fn asked_in_vain(app: &TestApp, times: i64) {
    let sql =
        "SELECT CASE WHEN last_error IS NULL THEN 0 ELSE attempts END AS tries FROM outbox WHERE kind = 'inquiry'";
    eventually("the gateway was asked", async || {
        row(&app.context.db, sql, args![]).await.int("tries").unwrap() >= times
    })
    .await;
}

fn away(gateway: &Gateway) {
    gateway.play("orderquery", Play::Garbage, 1_000);
    gateway.play("out-trade-no", Play::Garbage, 1_000);
}

#[actix_web::test]
async fn an_order_that_was_not_paid_is_closed_there_and_then_expires_here() {
    on_each_gateway(async |gateway, app| {
        let (_, order) = setting(app).await;
        app.context.db.advance_clock(WINDOW);
        status_becomes(app, &order, 2).await;
        assert_eq!(gateway.trade(&order.order_no).state, TradeState::Closed);
        assert_eq!(seen(app, &order).await, (2, 0, 0, 0));
    })
    .await;
}

#[actix_web::test]
async fn a_payment_whose_notice_was_lost_is_found_when_the_window_passes() {
    on_each_gateway(async |gateway, app| {
        let (_, order) = setting(app).await;
        gateway.pay(&order.order_no);
        app.context.db.advance_clock(WINDOW);
        status_becomes(app, &order, 1).await;
        assert_eq!(seen(app, &order).await, (1, 0, 1, 1));
        // The notice comes after all.
        assert!(gateway.tell(app, &order.order_no, Play::Good).await);
        assert_eq!(seen(app, &order).await, (1, 0, 1, 1));
    })
    .await;
}

#[actix_web::test]
async fn answers_that_are_not_believed_neither_pay_nor_free_a_place() {
    on_each_gateway(async |gateway, app| {
        let (_, order) = setting(app).await;
        gateway.pay(&order.order_no);
        for path in ["orderquery", "out-trade-no"] {
            gateway.play(path, Play::WrongSignature, 1);
            gateway.play(path, Play::WrongMerchant, 1);
            gateway.play(path, Play::WrongAmount, 1);
        }
        app.context.db.advance_clock(WINDOW);
        for tries in 1..=3 {
            asked_in_vain(app, tries).await;
            assert_eq!(seen(app, &order).await, (0, 1, 0, 0));
            // On to the next try.
            app.context.db.advance_clock(Duration::from_secs(15 << tries));
        }
        status_becomes(app, &order, 1).await;
    })
    .await;
}

#[actix_web::test]
async fn a_gateway_that_is_away_neither_frees_a_place_at_once_nor_holds_it_for_ever() {
    on_each_gateway(async |gateway, app| {
        let (alice, order) = setting(app).await;
        // The red twin: an order that the gateway never heard of waits for nobody.
        let twin = race_order_elsewhere(app, &alice).await;
        gateway.pay(&order.order_no);
        away(gateway);
        app.context.db.advance_clock(WINDOW);
        asked_in_vain(app, 1).await;
        status_becomes(app, &twin, 2).await;
        assert_eq!(seen(app, &order).await, (0, 1, 0, 0), "its place is kept");
        app.context.db.advance_clock(Duration::from_millis(PROVIDER_GRACE_MS.unsigned_abs()));
        status_becomes(app, &order, 2).await;
        assert_eq!(seen(app, &order).await, (2, 0, 0, 0), "and not for ever");
        // It is back: the money is found, and the place was still free.
        gateway.behave();
        app.context.db.advance_clock(Duration::from_secs(3_600));
        status_becomes(app, &order, 1).await;
        assert_eq!(seen(app, &order).await, (1, 0, 1, 1));
    })
    .await;
}

async fn race_order_elsewhere(app: &TestApp, owner: &Person) -> RaceOrder {
    let other = game(&app.context.db, 1).await;
    race_order(&app.context.db, owner, other, &["a"]).await
}

#[actix_web::test]
async fn giving_up_an_order_asks_first() {
    on_each_gateway(async |gateway, app| {
        let (alice, order) = setting(app).await;
        let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
        away(gateway);
        let refused = refunds::ask(&app.context, &account, &order.order_no).await;
        assert_eq!(refused, Err(DomainError::ProviderFailed(Provider::Payment)));
        assert_eq!(seen(app, &order).await, (0, 1, 0, 0));
        gateway.behave();
        assert_eq!(refunds::ask(&app.context, &account, &order.order_no).await, Ok(()));
        assert_eq!(seen(app, &order).await, (5, 0, 0, 0));
        assert_eq!(gateway.trade(&order.order_no).state, TradeState::Closed);
    })
    .await;
}

#[actix_web::test]
async fn an_order_that_cannot_be_closed_there_is_not_closed_here() {
    on_each_gateway(async |gateway, app| {
        let (alice, order) = setting(app).await;
        let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
        let cancel = async || orders::cancel(&app.context, &account, OrderId(order.id)).await;
        gateway.play("close", Play::Fault, 3);
        assert_eq!(cancel().await, Err(DomainError::ProviderFailed(Provider::Payment)));
        assert_eq!(seen(app, &order).await, (0, 1, 0, 0));
        // Between the question and the closing the payer pays: that is what counts.
        gateway.behave();
        gateway.play("close", Play::PaidMeanwhile, 1);
        assert_eq!(cancel().await, Err(DomainError::NotCancellable));
        assert_eq!(seen(app, &order).await, (1, 0, 1, 1));
    })
    .await;
}

#[actix_web::test]
async fn a_payment_of_another_amount_is_the_providers_fault_and_ends_no_order() {
    on_each_gateway(async |gateway, app| {
        let (alice, order) = setting(app).await;
        gateway.pay(&order.order_no);
        gateway.state().trades.get_mut(order.order_no.as_str()).unwrap().total += 1;
        let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
        let cancelled = orders::cancel(&app.context, &account, OrderId(order.id)).await;
        assert_eq!(cancelled, Err(DomainError::ProviderFailed(Provider::Payment)));
        assert_eq!(seen(app, &order).await, (0, 1, 0, 0));
    })
    .await;
}

#[actix_web::test]
async fn an_order_that_was_paid_before_it_was_given_up_is_given_back() {
    on_each_gateway(async |gateway, app| {
        let (alice, order) = setting(app).await;
        let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
        gateway.pay(&order.order_no);
        assert_eq!(refunds::ask(&app.context, &account, &order.order_no).await, Ok(()));
        status_becomes(app, &order, 4).await;
        assert_eq!(gateway.state().refunds.len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn a_membership_whose_day_is_over_is_asked_for_too() {
    on_each_gateway(async |gateway, app| {
        let alice = person(app, "alice").await;
        let mut orders = Vec::new();
        for _ in 0..2 {
            let (order_no, _) = membership_order(&app.context.db, &alice, 1).await;
            let body = json!({"order_no": order_no.as_str()});
            let request = app.client.post(app.at("/api/v1/pay/pre_order")).header("token", &alice.token).json(&body);
            assert_eq!(request.send().await.unwrap().status(), 200);
            orders.push(order_no);
        }
        gateway.pay(&orders[0]);
        app.context.db.advance_clock(Duration::from_secs(24 * 3_600 + 1));
        for (order_no, status) in orders.iter().zip([1, -1]) {
            let sql = "SELECT status FROM orders WHERE order_no = $1";
            eventually("the membership ends", async || {
                orders::sweep_memberships(&app.context).await.unwrap();
                row(&app.context.db, sql, args![order_no.as_str()]).await.int("status").unwrap() == status
            })
            .await;
        }
        assert_eq!(gateway.trade(&orders[1]).state, TradeState::Closed);
    })
    .await;
}
