//! The bill of a day against the journal.

use std::time::Duration;

use matchday::args;
use matchday::service::reconciliation;
use serde_json::{Value, json};

use super::on_each_gateway;
use super::wechat_gateway::pre_order;
use super::wechat_notices::seen;
use super::wechat_refunds::{ask_one, back, paid_for_three};
use crate::support::fixtures::{execute, game, person, race_order, row};
use crate::support::gateway::{Gateway, MCH_ID, Play};
use crate::support::{TestApp, eventually};

const HEADING: &str =
    "\u{feff}交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易状态,申请退款金额,商品名称,订单金额";

fn line(transaction: &str, order_no: &str, yuan: &str) -> String {
    format!("`2026-11-22 10:00:00,`wx,`{MCH_ID},`{transaction},`{order_no},`SUCCESS,`0.00,`十公里,`{yuan}\r\n")
}

async fn report(app: &TestApp) -> Value {
    let path = "/admin/api/v1/bills";
    let token = app.admin_token().await;
    eventually("a report", async || app.get_as(path, &token).await["total"] == 1).await;
    app.get_as(path, &token).await["data"][0].clone()
}

#[actix_web::test]
async fn a_payment_that_only_the_bill_knows_is_told_and_booked() {
    on_each_gateway(async |gateway, app| {
        let db = &app.context.db;
        let alice = person(app, "alice").await;
        let game = game(db, 5).await;
        let known = race_order(db, &alice, game, &["a"]).await;
        let lost = race_order(db, &alice, game, &["b"]).await;
        for order in [&known, &lost] {
            assert_eq!(pre_order(app, &alice, order).await.0, 200);
            gateway.pay(&order.order_no);
        }
        assert!(gateway.tell(app, &known.order_no, Play::Good).await);
        let of = |order: &crate::support::fixtures::RaceOrder| gateway.trade(&order.order_no).transaction;
        let bill = [
            line(&of(&known), known.order_no.as_str(), "80.00"),
            line(&of(&lost), lost.order_no.as_str(), "80.00"),
            line("4200000000000000000000000000", "another-shop-1", "1.5"),
        ];
        gateway.state().bill = format!("{HEADING}\r\n{}总交易单数,订单总金额\r\n`3,`161.50\r\n", bill.concat());
        // Only the bill shall find it.
        db.write(|tx| {
            Box::pin(async move { Ok(tx.execute("DELETE FROM outbox WHERE kind = 'inquiry'", args![]).await?) })
        })
        .await
        .unwrap();
        db.advance_clock(Duration::from_secs(36 * 3600));
        reconciliation::schedule(&app.context).await.unwrap();
        let sql = "DELETE FROM outbox WHERE kind = 'bill' AND id <> (SELECT MIN(id) FROM outbox WHERE kind = 'bill')";
        db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![]).await?) })).await.unwrap();
        db.advance_clock(Duration::from_secs(24 * 3600));
        let told = report(app).await;
        assert_eq!(
            (&told["lines"], &told["paid"], &told["difference_count"]),
            (&json!(3), &json!(161.5), &json!(2)),
            "{told}"
        );
        let faults: Vec<_> = told["differences"].as_array().unwrap().iter().map(|it| it["fault"].clone()).collect();
        assert_eq!(faults, ["unknown_payment", "unknown_payment"]);
        eventually("booked", async || seen(app, &lost).await.0 == 1).await;
        let billed = row(db, "SELECT COUNT(*) AS n FROM payments WHERE billed_on IS NOT NULL", args![]).await;
        assert_eq!(billed.int("n").unwrap(), 1);
    })
    .await;
}

/// The report of one day whose bill is `lines`.
async fn compared(gateway: &Gateway, app: &TestApp, lines: &str) -> (i64, String) {
    gateway.state().bill = format!(
        "\u{feff}商户号,微信订单号,商户订单号,交易状态,商户退款单号,申请退款金额,订单金额\r\n{lines}总交易单数\r\n`1\r\n"
    );
    let db = &app.context.db;
    let beijing = chrono::DateTime::from_timestamp_millis(db.now_ms() + 8 * 3_600_000).unwrap();
    let day = beijing.format("%Y-%m-%d").to_string();
    let payload = json!({"provider": "wechat", "day": day}).to_string();
    let insert = "INSERT INTO outbox (kind, work_key, payload, next_at, created_at) VALUES ('bill', $1, $2, $3, $3)";
    execute(db, insert, args![format!("bill of {day}"), payload, db.now_ms()]).await;
    let sql = "SELECT difference_count, differences FROM bill_reports WHERE day = $1";
    eventually("a report", async || db.fetch_optional(sql, args![&day]).await.unwrap().is_some()).await;
    let report = row(db, sql, args![&day]).await;
    (report.int("difference_count").unwrap(), report.text("differences").unwrap())
}

#[actix_web::test]
async fn parts_of_one_payment_agree_with_the_bills_of_their_days() {
    on_each_gateway(async |gateway, app| {
        let (order, alice, ids) = paid_for_three(gateway, app).await;
        let transaction = gateway.trade(&order.order_no).transaction;
        let number = order.order_no.as_str();
        let start = format!("`{MCH_ID},`{transaction},`{number}");
        let newest = |known: &[String]| {
            let state = gateway.state();
            state.refunds.keys().find(|it| !known.contains(it)).unwrap().clone()
        };
        ask_one(app, &alice, &order, ids[0]).await;
        eventually("the first is back", async || back(app, &order).await.0 == 1).await;
        let first = newest(&[]);
        let bill = format!("{start},`SUCCESS,`,`0.00,`240.00\r\n{start},`REFUND,`{first},`80.00,`240.00\r\n");
        assert_eq!(compared(gateway, app, &bill).await, (0, "[]".to_owned()));
        app.context.db.advance_clock(Duration::from_secs(2 * 86_400));
        // The session has ended meanwhile.
        let alice = person(app, "alice").await;
        ask_one(app, &alice, &order, ids[1]).await;
        eventually("the second is back", async || back(app, &order).await.0 == 2).await;
        let second = newest(std::slice::from_ref(&first));
        let bill = format!("{start},`REFUND,`{second},`80.00,`240.00\r\n");
        assert_eq!(compared(gateway, app, &bill).await, (0, "[]".to_owned()));
        // Another amount, and one that nobody here asked for.
        app.context.db.advance_clock(Duration::from_secs(2 * 86_400));
        let bill = format!("{start},`REFUND,`{first},`79.00,`240.00\r\n{start},`REFUND,`x,`1.00,`240.00\r\n");
        let (count, differences) = compared(gateway, app, &bill).await;
        assert!(differences.contains("wrong_refund") && differences.contains("unknown_refund"), "{differences}");
        assert_eq!(count, 2, "{differences}");
    })
    .await;
}
