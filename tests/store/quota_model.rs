//! Random operations on the real ledger, with everything checked in SQL after each of them.

use std::time::Duration;

use actors::quota_queue::messages::{QueueState, QuotaLedger};
use matchday::args;
use matchday::store::sql::quota::{self, SqlQuotaLedger};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::databases::{Fixture, count, on_each};
use super::quota::request;

/// Operations on each database; a nightly run asks for more.
fn operations() -> u32 {
    std::env::var("MATCHDAY_MODEL_OPERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

#[actix_web::test]
async fn ledger_stays_exact_under_random_operations() {
    on_each(12, async |fixture| {
        let seed = rand::random();
        let mut random = StdRng::seed_from_u64(seed);
        let ledger = SqlQuotaLedger::new(fixture.db.clone(), 60);
        for step in 0..operations() {
            let what = apply(&mut random, &fixture, &ledger).await;
            if let Err(fault) = check(&fixture).await {
                panic!("seed {seed}, step {step}, after {what}: {fault}");
            }
        }
        at_rest(&fixture, &ledger).await;
    })
    .await;
}

/// When nothing more happens: nobody is stranded in an open line, and every token has exactly one outcome, in order.
async fn at_rest(fixture: &Fixture, ledger: &SqlQuotaLedger) {
    change(fixture, |row| row.state = QueueState::Open).await;
    while quota::games_with_work(&fixture.db).await.unwrap() == [fixture.game] {
        ledger.release_due(fixture.game, 512).await.unwrap();
        ledger.admit(fixture.game, 512).await.unwrap();
    }
    let row = quota::row(&fixture.db, fixture.game).await.unwrap();
    assert_eq!(row.head, row.tail, "nobody waits in an open line");
    let loaded = ledger.load(fixture.game, row.tail).await.unwrap();
    assert_eq!((loaded.first, loaded.outcomes.len() as i64), (1, row.tail), "one outcome each, in order");
    assert_eq!(check(fixture).await, Ok(()));
}

async fn apply(random: &mut StdRng, fixture: &Fixture, ledger: &SqlQuotaLedger) -> &'static str {
    let game = fixture.game;
    match random.random_range(0..100) {
        0..35 => {
            let batch = (0..random.random_range(1..4))
                .map(|_| {
                    let first = random.random_range(0..40_u32);
                    let people: Vec<u32> = (first..first + random.random_range(1..4)).collect();
                    request(random.random_range(1..6), &people)
                })
                .collect();
            ledger.enqueue(game, batch).await.unwrap();
            "enqueue"
        }
        35..65 => {
            ledger.admit(game, random.random_range(1..5)).await.unwrap();
            "admit"
        }
        65..80 => {
            settle_one(fixture).await;
            "pay"
        }
        80..92 => {
            fixture.db.advance_clock(Duration::from_secs(random.random_range(1..40)));
            ledger.release_due(game, random.random_range(1..4)).await.unwrap();
            "expire"
        }
        92..97 => {
            let limitation = random.random_range(0..25);
            let balance = random.random_bool(0.5).then(|| random.random_range(0..25));
            change(fixture, move |row| row.quota.set(limitation, balance)).await;
            "set places"
        }
        _ => {
            let state =
                [QueueState::Open, QueueState::Open, QueueState::Paused, QueueState::Closed][random.random_range(0..4)];
            change(fixture, move |row| row.state = state).await;
            "set state"
        }
    }
}

async fn change(fixture: &Fixture, change: impl FnOnce(&mut actors::quota_queue::messages::QueueRow) + Send + 'static) {
    let game = fixture.game;
    fixture
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut row = quota::lock(tx, game).await?;
                change(&mut row);
                quota::store(tx, game, &row).await
            })
        })
        .await
        .unwrap();
}

/// Pays the oldest unpaid order.
async fn settle_one(fixture: &Fixture) {
    let game = fixture.game;
    fixture
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut row = quota::lock(tx, game).await?;
                let sql =
                    "UPDATE orders SET status = 1, paid_at = 1, pay_amount_fen = total_fen, transaction_id = order_no
                           WHERE id = (SELECT MIN(id) FROM orders WHERE status = 0) RETURNING item_count";
                if let Some(order) = tx.fetch_optional(sql, args![]).await? {
                    row.quota.settle_held(order.int("item_count")?);
                    quota::store(tx, game, &row).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

async fn check(fixture: &Fixture) -> Result<(), String> {
    let db = &fixture.db;
    let row = quota::row(db, fixture.game).await.map_err(|error| error.to_string())?;
    let quota = row.quota;
    let expected = [
        (
            "sold",
            quota.sold,
            count(db, "SELECT CAST(COALESCE(SUM(item_count), 0) AS BIGINT) AS n FROM orders WHERE status = 1").await,
        ),
        (
            "held",
            quota.held,
            count(db, "SELECT CAST(COALESCE(SUM(item_count), 0) AS BIGINT) AS n FROM orders WHERE status = 0").await,
        ),
        (
            "live registrations",
            quota.sold + quota.held,
            count(db, "SELECT COUNT(*) AS n FROM registrations WHERE live = 1").await,
        ),
        ("undecided", row.tail - row.head, count(db, "SELECT COUNT(*) AS n FROM queue_tokens WHERE state = 0").await),
        ("tokens", row.tail, count(db, "SELECT COUNT(*) AS n FROM queue_tokens").await),
        (
            "orders of tokens",
            count(db, "SELECT COUNT(*) AS n FROM queue_tokens WHERE state = 1").await,
            count(db, "SELECT COUNT(*) AS n FROM orders").await,
        ),
        (
            "live tokens",
            count(db, "SELECT COUNT(*) AS n FROM queue_tokens WHERE live = 1").await,
            row.tail - row.head + count(db, "SELECT COUNT(*) AS n FROM orders WHERE status IN (0, 1)").await,
        ),
    ];
    for (what, left, right) in expected {
        if left != right {
            return Err(format!("{what}: {left} is not {right} in {row:?}"));
        }
    }
    if !quota.is_unlimited() && quota.limitation != quota.sold + quota.held + quota.withheld() + quota.balance {
        return Err(format!("places do not add up: {quota:?}"));
    }
    Ok(())
}

/// The check itself must see a fault.
#[actix_web::test]
async fn model_check_sees_a_lost_place() {
    on_each(12, async |fixture| {
        let ledger = SqlQuotaLedger::new(fixture.db.clone(), 60);
        ledger.enqueue(fixture.game, vec![request(1, &[1])]).await.unwrap();
        ledger.admit(fixture.game, 1).await.unwrap();
        assert_eq!(check(&fixture).await, Ok(()));
        change(&fixture, |row| row.quota.give_back_held(1)).await;
        assert!(check(&fixture).await.is_err());
    })
    .await;
}
