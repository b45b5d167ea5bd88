//! The bill of a day against the journal.

use std::time::Duration;

use matchday::args;
use matchday::service::reconciliation;
use serde_json::{Value, json};

use super::on_each_gateway;
use super::wechat_gateway::pre_order;
use super::wechat_notices::seen;
use crate::support::fixtures::{game, person, race_order, row};
use crate::support::gateway::{MCH_ID, Play};
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
