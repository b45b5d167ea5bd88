//! The journal of money: after every step it agrees with orders and payments, and what is missing is seen.

use std::time::Duration;

use actors::error::DomainError;
use actors::quota_queue::messages::QuotaLedger;
use matchday::args;
use matchday::service::payments::Settlement;
use matchday::service::registration::replay::replay;
use matchday::store::sql::db::{Db, Value};
use matchday::store::sql::journal::{self, Check, Transfer};
use matchday::store::sql::payments::{PayableOrder, Payment};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::databases::{Fixture, count, on_each};
use super::refunds::{finish, give_back, give_back_one, ledger, order, pay, registrations, works};

async fn run(db: &Db, sql: &'static str, values: Vec<Value>) {
    db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, values).await?) })).await.unwrap();
}

async fn check(db: &Db) -> Check {
    journal::check(db).await.unwrap()
}

/// Places are where the orders say, and money is where orders and payments say.
async fn agrees(db: &Db, what: &str) {
    let check = check(db).await;
    assert!(check.holds(), "after {what}: {check:?}");
    assert_eq!(check.booked.cash, check.booked.sales + check.booked.refunds_due, "the accounts sum to zero");
    let sql = "SELECT
        (SELECT COUNT(*) FROM game_queue q WHERE
            q.sold = (SELECT COALESCE(SUM(item_count - refunded_count), 0) FROM orders WHERE status IN (1, 3))
            AND q.held = (SELECT COALESCE(SUM(item_count), 0) FROM orders WHERE status = 0)
            AND q.sold + q.held + q.balance = q.limitation
            AND q.sold + q.held = (SELECT COUNT(*) FROM registrations WHERE live = 1)) AS n";
    assert_eq!(count(db, sql).await, 1, "places after {what}");
}

/// Random payments, late payments, cancellations, refunds and ends of windows; `steps` of them.
async fn random_steps(fixture: &Fixture, seed: u64, steps: u32, parts: bool) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut orders: Vec<PayableOrder> = Vec::new();
    let mut paid = 0;
    let db = &fixture.db;
    for step in 0..steps {
        let kind = random.random_range(0..if parts { 11 } else { 10 });
        let any = |random: &mut StdRng, orders: &[PayableOrder]| {
            (!orders.is_empty()).then(|| orders[random.random_range(0..orders.len())].clone())
        };
        let what = match (kind, any(&mut random, &orders)) {
            (0..=2, _) | (_, None) => {
                let people: Vec<u32> = (0..random.random_range(1..=3)).map(|player| step * 10 + player).collect();
                orders.extend(order(fixture, random.random_range(1..=5), &people).await);
                "a new order"
            }
            (3..=5, Some(order)) => {
                paid += 1;
                let transaction = format!("t{paid}");
                pay(db, &order, &transaction).await.unwrap();
                assert_eq!(pay(db, &order, &transaction).await, Ok(Settlement::Duplicate));
                "a payment"
            }
            (6..=7, Some(order)) => {
                give_back(db, &order).await.unwrap();
                "a refund asked for"
            }
            (10, Some(order)) => {
                let ids = registrations(db, &order).await;
                let one = ids[random.random_range(0..ids.len())];
                match give_back_one(db, &order, one).await {
                    Ok(()) | Err(DomainError::InvalidField { .. }) => "one registration asked back",
                    Err(error) => panic!("{error}"),
                }
            }
            (8, _) => {
                let works = works(db).await;
                if !works.is_empty() {
                    let (id, work) = works[random.random_range(0..works.len())].clone();
                    finish(db, fixture, id, work).await.unwrap();
                }
                "a refund done"
            }
            _ => {
                db.advance_clock(Duration::from_secs(600));
                ledger(fixture).release_due(fixture.game, 512).await.unwrap();
                "the end of a window"
            }
        };
        agrees(db, &format!("step {step} of seed {seed}: {what}")).await;
    }
}

#[actix_web::test]
async fn every_step_of_a_random_history_is_booked() {
    on_each(12, async |fixture| {
        let seed = rand::random();
        random_steps(&fixture, seed, 250, true).await;
        let log = replay(&fixture.db, fixture.game).await.unwrap();
        assert_eq!(log.differences, Vec::<String>::new(), "seed {seed}: the line's own log tells the same");
        for kind in Transfer::ALL {
            let sql = "SELECT COUNT(*) AS n FROM journal WHERE kind = $1";
            let row = fixture.db.fetch_one(sql, args![kind.name()]).await.unwrap();
            assert!(row.int("n").unwrap() > 0, "seed {seed} never did {}", kind.name());
        }
    })
    .await;
}

/// The red twins: each fault is made and seen, and unmade again.
#[actix_web::test]
async fn a_fault_in_the_journal_is_seen() {
    on_each(6, async |fixture| {
        let db = &fixture.db;
        let orders = [order(&fixture, 1, &[1]).await.unwrap(), order(&fixture, 2, &[2]).await.unwrap()];
        pay(db, &orders[0], "a").await.unwrap();
        pay(db, &orders[1], "b").await.unwrap();
        pay(db, &orders[1], "c").await.unwrap();
        give_back(db, &orders[0]).await.unwrap();
        agrees(db, "two payments, one late, one refund asked for").await;
        let right = check(db).await.booked;
        assert_eq!((right.cash, right.sales, right.refunds_due), (24_000, 8_000, 16_000));

        run(db, "UPDATE journal SET amount_fen = amount_fen + 1 WHERE kind = 'late_payment'", args![]).await;
        let wrong = check(db).await;
        assert!(!wrong.holds() && wrong.wrong_payments == 1 && wrong.booked != wrong.expected, "{wrong:?}");
        run(db, "UPDATE journal SET amount_fen = amount_fen - 1 WHERE kind = 'late_payment'", args![]).await;

        // Two faults that even out in every balance.
        run(
            db,
            "UPDATE journal SET amount_fen = amount_fen + 1 WHERE transaction_id = 'a' AND kind = 'payment'",
            args![],
        )
        .await;
        run(db, "UPDATE journal SET amount_fen = amount_fen - 1 WHERE transaction_id = 'b'", args![]).await;
        let even = check(db).await;
        assert!(even.booked == even.expected && even.wrong_payments == 2 && !even.holds(), "{even:?}");
        run(
            db,
            "UPDATE journal SET amount_fen = amount_fen - 1 WHERE transaction_id = 'a' AND kind = 'payment'",
            args![],
        )
        .await;
        run(db, "UPDATE journal SET amount_fen = amount_fen + 1 WHERE transaction_id = 'b'", args![]).await;
        agrees(db, "the faults are unmade").await;

        run(db, "UPDATE journal SET transaction_id = 'x' WHERE transaction_id = 'b'", args![]).await;
        let stray = check(db).await;
        assert!(stray.booked == stray.expected && stray.stray_transfers == 1 && stray.wrong_payments == 1, "{stray:?}");
        run(db, "UPDATE journal SET transaction_id = 'b' WHERE transaction_id = 'x'", args![]).await;

        run(db, "DELETE FROM journal WHERE kind = 'refund_requested'", args![]).await;
        let missing = check(db).await;
        assert!(!missing.holds() && missing.wrong_payments == 1, "{missing:?}");
    })
    .await;
}

#[actix_web::test]
async fn a_transfer_is_booked_once_and_nothing_moves_no_money() {
    on_each(6, async |fixture| {
        let order = order(&fixture, 1, &[1]).await.unwrap();
        pay(&fixture.db, &order, "a").await.unwrap();
        let post = async |payment: Payment| {
            let work = fixture
                .db
                .write(move |tx| Box::pin(async move { Ok(journal::post(tx, Transfer::Payment, &payment, 0).await?) }));
            work.await
        };
        let payment =
            Payment { order: order.id, provider: "sandbox".into(), transaction_id: "a".into(), amount: order.total };
        post(payment).await.unwrap_err();
        post(Payment::free(&order)).await.unwrap();
        assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM journal").await, 1);
    })
    .await;
}

#[actix_web::test]
async fn payments_of_an_older_database_are_booked_when_it_is_upgraded() {
    on_each(9, async |fixture| {
        let db = &fixture.db;
        // Releases before knew no refund of a part.
        random_steps(&fixture, rand::random(), 120, false).await;
        let sql = "SELECT kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id
                   FROM journal ORDER BY transaction_id, kind";
        let booked = async |db: &Db| -> Vec<String> {
            let rows = db.fetch_all(sql, args![]).await.unwrap();
            let text = |row: &matchday::store::sql::db::Row, name: &str| row.text(name).unwrap();
            rows.iter()
                .map(|row| {
                    let texts = ["kind", "debit_account", "credit_account", "provider", "transaction_id"];
                    let texts: Vec<String> = texts.iter().map(|name| text(row, name)).collect();
                    format!("{texts:?} {} {}", row.int("amount_fen").unwrap(), row.int("order_id").unwrap())
                })
                .collect()
        };
        let before = booked(db).await;
        // As the release before knew it.
        for sql in [
            "DROP TABLE journal",
            "DROP TABLE refunds",
            "DROP TABLE installation",
            "ALTER TABLE orders DROP COLUMN refunded_count",
            "ALTER TABLE orders DROP COLUMN refunded_fen",
            "ALTER TABLE payments ADD COLUMN refund_billed_on TEXT",
            "CREATE INDEX refunds_not_billed ON payments (provider, received_at)
             WHERE state = 3 AND refund_billed_on IS NULL",
        ] {
            run(db, sql, args![]).await;
        }
        run(db, "ALTER TABLE registrations DROP COLUMN certificate_corrections", args![]).await;
        run(db, "DELETE FROM _sqlx_migrations WHERE version IN (3, 17)", args![]).await;
        let upgraded = fixture.another_node().await;
        assert_eq!(booked(&upgraded).await, before);
        agrees(&upgraded, "the upgrade").await;
        assert!(!before.is_empty());
    })
    .await;
}
