//! The bound on what one account keeps of a game without paying.

use std::time::Duration;

use actors::error::OverLimit;
use actors::quota_queue::messages::{Enqueued, LineRules, Lottery, QuotaLedger};
use actors::quota_queue::open_places::ROUNDS;
use matchday::args;
use matchday::store::sql::quota::{self, SqlQuotaLedger};

use super::databases::{Fixture, count, on_each, postgres};
use super::quota::request;

const MOST: i64 = 4;
const DAY: Duration = Duration::from_secs(24 * 3_600 + 1);

fn ledger(fixture: &Fixture) -> SqlQuotaLedger {
    SqlQuotaLedger::new(fixture.db.clone(), 600).with_open_places(MOST)
}

async fn execute(fixture: &Fixture, sql: &'static str) {
    fixture.db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![]).await.map(drop)?) })).await.unwrap();
}

/// One request of an account.
async fn ask(ledger: &SqlQuotaLedger, fixture: &Fixture, owner: i64, people: &[u32]) -> Enqueued {
    let (_, mut answers) = ledger.enqueue(fixture.game, vec![request(owner, people)]).await.unwrap();
    answers.remove(0)
}

fn open(limit: i64, open: i64) -> Enqueued {
    Enqueued::OverLimit(OverLimit::Open { limit, open })
}

async fn open_places(fixture: &Fixture) -> i64 {
    let sql = "SELECT CAST(COALESCE(SUM(group_size), 0) AS BIGINT) AS n FROM queue_tokens
               WHERE account_id = 1 AND live = 1";
    count(&fixture.db, sql).await
}

#[actix_web::test]
async fn tokens_of_one_batch_and_of_the_next_are_counted_together() {
    on_each(500, async |fixture| {
        let ledger = ledger(&fixture);
        let batch = vec![request(1, &[1, 2, 3]), request(1, &[4, 5]), request(2, &[6, 7, 8, 9]), request(1, &[10])];
        let (_, answers) = ledger.enqueue(fixture.game, batch).await.unwrap();
        assert!(matches!(answers[0], Enqueued::Waiting { sequence: 1 }));
        assert_eq!(answers[1], open(MOST, 3), "all of a group or none");
        assert!(matches!(answers[2], Enqueued::Waiting { sequence: 2 }), "another account has its own");
        assert!(matches!(answers[3], Enqueued::Waiting { sequence: 3 }), "what still fits is taken");
        assert_eq!(ask(&ledger, &fixture, 1, &[11]).await, open(MOST, 4));
        ledger.admit(fixture.game, 512).await.unwrap();
        assert_eq!(ask(&ledger, &fixture, 1, &[11]).await, open(MOST, 4), "ordered and unpaid");
        assert_eq!(
            ask(&ledger, &fixture, 1, &[1, 2, 3]).await,
            Enqueued::Existing { sequence: 1 },
            "a repeated request"
        );
        assert_eq!(
            ask(&ledger, &fixture, 3, &[20, 21, 22, 23, 24]).await,
            open(MOST, 0),
            "larger than all it may have"
        );
        assert_eq!(open_places(&fixture).await, 4);
    })
    .await;
}

/// The red twin: the same ledger without the bound gives one account every place.
#[actix_web::test]
async fn without_the_bound_one_account_takes_every_place() {
    on_each(40, async |fixture| {
        let ledger = SqlQuotaLedger::new(fixture.db.clone(), 600);
        for first in 0..4 {
            let people: Vec<u32> = (first * 10..first * 10 + 10).collect();
            ask(&ledger, &fixture, 1, &people).await;
        }
        ledger.admit(fixture.game, 512).await.unwrap();
        assert_eq!(quota::row(&fixture.db, fixture.game).await.unwrap().quota.balance, 0);
        assert_eq!(open_places(&fixture).await, 40);
    })
    .await;
}

#[actix_web::test]
async fn payment_and_the_end_of_an_order_make_room() {
    on_each(500, async |fixture| {
        let ledger = ledger(&fixture);
        ask(&ledger, &fixture, 1, &[1, 2, 3, 4]).await;
        ledger.admit(fixture.game, 512).await.unwrap();
        execute(
            &fixture,
            "UPDATE orders SET status = 1, paid_at = 1, pay_amount_fen = total_fen, transaction_id = order_no",
        )
        .await;
        assert!(
            matches!(ask(&ledger, &fixture, 1, &[5, 6, 7, 8]).await, Enqueued::Waiting { .. }),
            "paid ones are free"
        );
        ledger.admit(fixture.game, 512).await.unwrap();
        assert_eq!(ask(&ledger, &fixture, 1, &[9]).await, open(MOST, 4));
        fixture.db.advance_clock(Duration::from_secs(601));
        ledger.release_due(fixture.game, 512).await.unwrap();
        assert!(matches!(ask(&ledger, &fixture, 1, &[9]).await, Enqueued::Waiting { .. }), "the hold ended");
    })
    .await;
}

/// Holding, cancelling and holding again, and joining and leaving, would otherwise keep the places for ever and fill the
/// database with players.
#[actix_web::test]
async fn rounds_of_taking_and_releasing_end_within_a_day() {
    on_each(500, async |fixture| {
        let ledger = ledger(&fixture);
        for round in 0..ROUNDS as u32 {
            let people: Vec<u32> = (round * 4..round * 4 + 4).collect();
            let Enqueued::Waiting { sequence } = ask(&ledger, &fixture, 1, &people).await else { panic!("{round}") };
            if round % 2 == 0 {
                ledger.leave(fixture.game, vec![sequence]).await.unwrap();
                continue;
            }
            ledger.admit(fixture.game, 512).await.unwrap();
            fixture.db.advance_clock(Duration::from_secs(601));
            ledger.release_due(fixture.game, 512).await.unwrap();
        }
        assert_eq!(open_places(&fixture).await, 0);
        let over = OverLimit::Window { limit: MOST * ROUNDS, requested: MOST * ROUNDS };
        assert_eq!(ask(&ledger, &fixture, 1, &[900]).await, Enqueued::OverLimit(over));
        assert!(matches!(ask(&ledger, &fixture, 2, &[900]).await, Enqueued::Waiting { .. }), "nobody else suffers");
        fixture.db.advance_clock(DAY);
        assert!(matches!(ask(&ledger, &fixture, 1, &[901]).await, Enqueued::Waiting { .. }), "another day");
    })
    .await;
}

#[actix_web::test]
async fn wait_list_and_entries_of_a_draw_are_open_places() {
    on_each(2, async |fixture| {
        let ledger = ledger(&fixture);
        let game = fixture.game;
        set(&fixture, |row| row.rules.wait_list = 50).await;
        ask(&ledger, &fixture, 2, &[1, 2]).await;
        ask(&ledger, &fixture, 1, &[3, 4]).await;
        ledger.admit(game, 512).await.unwrap();
        assert_eq!(quota::row(&fixture.db, game).await.unwrap().wait_listed, 1);
        assert!(matches!(ask(&ledger, &fixture, 1, &[5, 6]).await, Enqueued::Waiting { .. }));
        assert_eq!(ask(&ledger, &fixture, 1, &[7]).await, open(MOST, 4));
    })
    .await;
    on_each(500, async |fixture| {
        let ledger = ledger(&fixture);
        set(&fixture, |row| row.lottery = Lottery::Entries).await;
        assert!(matches!(ask(&ledger, &fixture, 1, &[1, 2, 3, 4]).await, Enqueued::Waiting { .. }));
        // Entries wait for weeks and still count.
        fixture.db.advance_clock(DAY);
        assert_eq!(ask(&ledger, &fixture, 1, &[5]).await, open(MOST, 4));
    })
    .await;
}

async fn set(fixture: &Fixture, change: fn(&mut actors::quota_queue::messages::QueueRow)) {
    let (game, db) = (fixture.game, fixture.db.clone());
    fixture
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut row = quota::lock(tx, game).await?;
                let before: LineRules = row.rules;
                change(&mut row);
                let now = db.now_in(tx).await?;
                let event = match row.rules == before {
                    true => actors::quota_queue::history::Event::Lottery { lottery: row.lottery.code(), count: 0 },
                    false => actors::quota_queue::history::Event::RulesSet { rules: row.rules },
                };
                quota::commit(tx, game, &mut row, now, &[event]).await
            })
        })
        .await
        .unwrap();
}

/// Nothing is paid for them, so payment cannot bound them.
#[actix_web::test]
async fn orders_that_cost_nothing_count_until_they_are_given_back() {
    on_each(500, async |fixture| {
        let ledger = ledger(&fixture);
        execute(&fixture, "UPDATE games SET price_fen = 0").await;
        ask(&ledger, &fixture, 1, &[1, 2, 3, 4]).await;
        ledger.admit(fixture.game, 512).await.unwrap();
        assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM orders WHERE status = 1").await, 1);
        assert_eq!(ask(&ledger, &fixture, 1, &[5]).await, open(MOST, 4));
        execute(&fixture, "UPDATE orders SET refunded_count = 1").await;
        assert!(matches!(ask(&ledger, &fixture, 1, &[5]).await, Enqueued::Waiting { .. }), "one place came back");
        assert_eq!(ask(&ledger, &fixture, 1, &[6]).await, open(MOST, 4));
        execute(&fixture, "UPDATE orders SET status = 4").await;
        assert!(matches!(ask(&ledger, &fixture, 1, &[6]).await, Enqueued::Waiting { .. }));
    })
    .await;
}

#[actix_web::test]
async fn allowance_is_the_account_s_own_and_never_less_than_everybody_s() {
    on_each(500, async |fixture| {
        let ledger = ledger(&fixture);
        execute(&fixture, "UPDATE accounts SET open_places_allowance = 7 WHERE id = 1").await;
        execute(&fixture, "UPDATE accounts SET open_places_allowance = 1 WHERE id = 2").await;
        let people: Vec<u32> = (1..8).collect();
        assert!(matches!(ask(&ledger, &fixture, 1, &people).await, Enqueued::Waiting { .. }));
        assert_eq!(ask(&ledger, &fixture, 1, &[8]).await, open(7, 7));
        assert!(matches!(ask(&ledger, &fixture, 2, &[11, 12, 13, 14]).await, Enqueued::Waiting { .. }));
        assert_eq!(ask(&ledger, &fixture, 2, &[15]).await, open(MOST, 4));
    })
    .await;
}

#[actix_web::test]
async fn several_nodes_count_one_account_together() {
    let Some(fixture) = postgres(500).await else { return };
    let mut nodes = Vec::new();
    for node in 0..3_u32 {
        let ledger = SqlQuotaLedger::new(fixture.another_node().await, 600).with_open_places(MOST);
        let game = fixture.game;
        nodes.push(actix_web::rt::spawn(async move {
            for round in 0..10 {
                ledger.enqueue(game, vec![request(1, &[node * 100 + round])]).await.unwrap();
                ledger.admit(game, 512).await.unwrap();
            }
        }));
    }
    for node in nodes {
        node.await.unwrap();
    }
    assert_eq!(open_places(&fixture).await, MOST);
}
