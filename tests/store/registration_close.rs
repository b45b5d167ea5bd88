//! The wait-list after registration has closed.

use actors::quota_queue::history::Event;
use actors::quota_queue::messages::{LineRules, Lottery, QuotaLedger};
use actors::quota_queue::state::Outcome;
use matchday::args;
use matchday::service::registration::replay::replay;
use matchday::store::sql::quota::{self, SqlQuotaLedger, events};
use std::time::Duration;

use super::databases::{Fixture, count, on_each, postgres};
use super::quota::request;

const WAITING: &str = "SELECT COUNT(*) AS n FROM queue_tokens WHERE wait_position IS NOT NULL";

/// One place, held by the first of three; the others are on the wait-list.
async fn full(fixture: &Fixture) -> SqlQuotaLedger {
    let ledger = SqlQuotaLedger::new(fixture.db.clone(), 600);
    let (game, db) = (fixture.game, fixture.db.clone());
    fixture
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut row = quota::lock(tx, game).await?;
                row.rules = LineRules { wait_list: 9, ..row.rules };
                let now = db.now_in(tx).await?;
                let event = Event::RulesSet { rules: row.rules };
                quota::commit(tx, game, &mut row, now, &[event]).await
            })
        })
        .await
        .unwrap();
    ledger.enqueue(game, vec![request(1, &[1]), request(2, &[2]), request(3, &[3])]).await.unwrap();
    ledger.admit(game, 512).await.unwrap();
    assert_eq!(count(&fixture.db, WAITING).await, 2);
    ledger
}

/// Registration closes so many seconds from now; none: no time is set.
async fn close_in(fixture: &Fixture, seconds: Option<i64>) {
    let at = seconds.map(|seconds| fixture.db.now_ms() + seconds * 1_000);
    let sql = "UPDATE competitions SET registration_close_at = $1";
    fixture.db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![at]).await.map(drop)?) })).await.unwrap();
}

#[actix_web::test]
async fn close_ends_the_wait_list_and_leaves_what_was_offered_before() {
    on_each(1, async |fixture| {
        let ledger = full(&fixture).await;
        let game = fixture.game;
        close_in(&fixture, Some(60)).await;
        assert!(ledger.admit(game, 512).await.unwrap().late.is_empty(), "not yet");
        fixture.db.advance_clock(Duration::from_secs(61));
        // A place came free after the close: nobody on the list is offered it.
        execute_release(&fixture, &ledger).await;
        let admitted = ledger.admit(game, 512).await.unwrap();
        assert_eq!(admitted.late, [(2, Outcome::Full), (3, Outcome::Full)]);
        assert_eq!((admitted.committed.row.wait_listed, admitted.committed.row.quota.balance), (0, 1));
        assert_eq!(admitted.committed.row.rules.wait_list, 9, "the rule stays for another time");
        let log = events::page(&fixture.db, game, 0, 100).await.unwrap();
        let closed = |event: &Event| matches!(event, Event::Decided { closed: true, .. });
        assert_eq!(log.iter().filter(|logged| closed(&logged.event)).count(), 1, "the log says why");
        assert_eq!(replay(&fixture.db, game).await.unwrap().differences, [""; 0]);
        // Who was in the line in time is still decided, and nobody is put on the list.
        ledger.enqueue(game, vec![request(4, &[4]), request(5, &[5])]).await.unwrap();
        let decided = ledger.admit(game, 512).await.unwrap().outcomes;
        assert!(matches!(decided[..], [Some(Outcome::Ordered(_)), Some(Outcome::Full)]), "{decided:?}");
        assert_eq!(replay(&fixture.db, game).await.unwrap().differences, [""; 0]);
    })
    .await;
}

/// Ends the holder's order as the end of its window does.
async fn execute_release(fixture: &Fixture, ledger: &SqlQuotaLedger) {
    fixture.db.advance_clock(Duration::from_secs(600));
    assert_eq!(ledger.release_due(fixture.game, 512).await.unwrap().1, 1);
}

#[actix_web::test]
async fn order_offered_before_the_close_keeps_its_whole_window() {
    on_each(1, async |fixture| {
        let ledger = full(&fixture).await;
        execute_release(&fixture, &ledger).await;
        assert!(matches!(ledger.admit(fixture.game, 512).await.unwrap().late[..], [(2, Outcome::Ordered(_))]));
        close_in(&fixture, Some(1)).await;
        fixture.db.advance_clock(Duration::from_secs(300));
        assert_eq!(ledger.admit(fixture.game, 512).await.unwrap().late, [(3, Outcome::Full)]);
        assert_eq!(ledger.release_due(fixture.game, 512).await.unwrap().1, 0);
        assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM orders WHERE status = 0").await, 1, "still payable");
    })
    .await;
}

#[actix_web::test]
async fn later_close_or_none_keeps_the_wait_list() {
    on_each(1, async |fixture| {
        let ledger = full(&fixture).await;
        close_in(&fixture, Some(60)).await;
        fixture.db.advance_clock(Duration::from_secs(50));
        close_in(&fixture, Some(3_600)).await;
        fixture.db.advance_clock(Duration::from_secs(60));
        assert!(ledger.admit(fixture.game, 512).await.unwrap().late.is_empty(), "moved before it came");
        close_in(&fixture, None).await;
        fixture.db.advance_clock(Duration::from_secs(24 * 3_600));
        execute_release(&fixture, &ledger).await;
        assert!(matches!(ledger.admit(fixture.game, 512).await.unwrap().late[..], [(2, Outcome::Ordered(_))]));
    })
    .await;
}

/// Entries of a draw close before it is drawn; who follows the winners waits until the race.
#[actix_web::test]
async fn wait_round_of_a_draw_goes_on() {
    on_each(1, async |fixture| {
        let ledger = full(&fixture).await;
        let game = fixture.game;
        let sql = "UPDATE game_queue SET lottery = $1, shuffled_count = 3";
        let drawn = Lottery::Drawn.code();
        fixture
            .db
            .write(move |tx| {
                Box::pin(async move {
                    tx.execute(sql, args![drawn]).await?;
                    let order = "INSERT INTO line_orders (game_id, sequences) VALUES (1, '[1,2,3]')";
                    Ok(tx.execute(order, args![]).await.map(drop)?)
                })
            })
            .await
            .unwrap();
        close_in(&fixture, Some(-1)).await;
        execute_release(&fixture, &ledger).await;
        assert!(matches!(ledger.admit(game, 512).await.unwrap().late[..], [(2, Outcome::Ordered(_))]));
        assert_eq!(count(&fixture.db, WAITING).await, 1);
    })
    .await;
}

#[actix_web::test]
async fn several_nodes_end_the_wait_list_once() {
    let Some(fixture) = postgres(1).await else { return };
    let first = full(&fixture).await;
    let second = SqlQuotaLedger::new(fixture.another_node().await, 600);
    close_in(&fixture, Some(-1)).await;
    let (one, other) = tokio::join!(first.admit(fixture.game, 512), second.admit(fixture.game, 512));
    assert_eq!(one.unwrap().late.len() + other.unwrap().late.len(), 2);
    assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM queue_tokens WHERE state = 2").await, 2);
    assert_eq!(replay(&fixture.db, fixture.game).await.unwrap().differences, [""; 0]);
}
