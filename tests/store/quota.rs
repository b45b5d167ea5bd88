//! The ledger of lines: tokens, decisions, holds, retries, several nodes.

use std::time::Duration;

use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity};
use actors::quota_queue::messages::{Committed, EnqueueRequest, Enqueued, Known, QuotaLedger, SealedPlayer};
use actors::quota_queue::state::Outcome;
use matchday::args;
use matchday::store::sql::quota::{self, SqlQuotaLedger, Stored};

use super::databases::{Fixture, account, count, on_each, postgres};

const WINDOW_SECONDS: u64 = 1_800;

pub(super) fn request(owner: i64, people: &[u32]) -> EnqueueRequest {
    EnqueueRequest {
        account: account(owner),
        request_key: format!("{owner}:{people:?}"),
        players: people
            .iter()
            .map(|person| SealedPlayer {
                certificate_key: format!("person-{person}"),
                sealed: format!("sealed-{person}"),
            })
            .collect(),
    }
}

fn ledger(fixture: &Fixture) -> SqlQuotaLedger {
    SqlQuotaLedger::new(fixture.db.clone(), WINDOW_SECONDS)
}

#[actix_web::test]
async fn tokens_are_decided_in_order_and_places_are_held() {
    on_each(3, async |fixture| {
        let (ledger, game) = (ledger(&fixture), fixture.game);
        let requests = vec![request(1, &[1, 2]), request(2, &[3, 4]), request(3, &[5]), request(4, &[1])];
        let (Committed { row, .. }, answers) = ledger.enqueue(game, requests).await.unwrap();
        assert_eq!((row.head, row.tail), (0, 4));
        assert_eq!(answers[3], Enqueued::Waiting { sequence: 4 });

        let admitted = ledger.admit(game, 512).await.unwrap();
        assert_eq!(admitted.first, 1);
        assert!(matches!(admitted.outcomes[0], Some(Outcome::Ordered(_))));
        assert_eq!(admitted.outcomes[1], Some(Outcome::Full), "a group that does not fit");
        assert!(matches!(admitted.outcomes[2], Some(Outcome::Ordered(_))), "a single passes it");
        assert_eq!(admitted.outcomes[3], Some(Outcome::AlreadyRegistered(None)), "a stranger is not told the order");
        assert_eq!(
            (admitted.committed.row.head, admitted.committed.row.quota.held, admitted.committed.row.quota.balance),
            (4, 3, 0)
        );

        // What was decided is what is stored, and a load finds it again.
        let loaded = ledger.load(game, Known { recent: 100, ..Known::default() }).await.unwrap();
        assert_eq!((loaded.first, loaded.outcomes), (1, admitted.outcomes.clone()));
        assert_eq!(quota::stored(&fixture.db, game, 2).await.unwrap(), Some(Stored::Decided(Outcome::Full)));
        assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM registrations WHERE live = 1").await, 3);
        let order = fixture
            .db
            .fetch_one("SELECT total_fen, item_count, name FROM orders ORDER BY id LIMIT 1", args![])
            .await
            .unwrap();
        assert_eq!((order.int("total_fen").unwrap(), order.int("item_count").unwrap()), (16_000, 2));
        assert_eq!(order.text("name").unwrap(), "Test ten");
    })
    .await;
}

#[actix_web::test]
async fn same_request_gets_the_same_token_while_its_order_lives() {
    on_each(2, async |fixture| {
        let (ledger, game) = (ledger(&fixture), fixture.game);
        let both = vec![request(1, &[1]), request(1, &[1])];
        let (_, answers) = ledger.enqueue(game, both).await.unwrap();
        assert_eq!(answers, [Enqueued::Waiting { sequence: 1 }, Enqueued::Existing { sequence: 1 }]);
        ledger.admit(game, 512).await.unwrap();
        let again = ledger.enqueue(game, vec![request(1, &[1])]).await.unwrap().1;
        assert_eq!(again, [Enqueued::Existing { sequence: 1 }]);

        fixture.db.advance_clock(Duration::from_secs(WINDOW_SECONDS + 1));
        let (Committed { row, .. }, released) = ledger.release_due(game, 512).await.unwrap();
        assert_eq!((released, row.quota.held, row.quota.balance), (1, 0, 2));
        let fresh = ledger.enqueue(game, vec![request(1, &[1])]).await.unwrap().1;
        assert_eq!(fresh, [Enqueued::Waiting { sequence: 2 }], "its order is over");
        let admitted = ledger.admit(game, 512).await.unwrap();
        assert!(matches!(admitted.outcomes[0], Some(Outcome::Ordered(_))), "and the person may register again");
    })
    .await;
}

#[actix_web::test]
async fn expired_hold_goes_to_the_next_in_line() {
    on_each(1, async |fixture| {
        let (ledger, game) = (ledger(&fixture), fixture.game);
        ledger.enqueue(game, vec![request(1, &[1])]).await.unwrap();
        ledger.admit(game, 512).await.unwrap();
        assert_eq!(ledger.enqueue(game, vec![request(2, &[2])]).await.unwrap().1, [Enqueued::Full]);
        assert_eq!(ledger.release_due(game, 512).await.unwrap().1, 0, "the window has not passed");

        fixture.db.advance_clock(Duration::from_secs(WINDOW_SECONDS + 1));
        assert_eq!(quota::games_with_work(&fixture.db).await.unwrap(), [game], "the sweep sees the due hold");
        assert_eq!(ledger.release_due(game, 512).await.unwrap().1, 1);
        assert_eq!(ledger.enqueue(game, vec![request(2, &[2])]).await.unwrap().1, [Enqueued::Waiting { sequence: 2 }]);
        assert!(matches!(ledger.admit(game, 512).await.unwrap().outcomes[0], Some(Outcome::Ordered(_))));
        assert_eq!(quota::games_with_work(&fixture.db).await.unwrap(), []);
    })
    .await;
}

/// The red twin of hold expiry: a payment window that nobody looks at frees nothing, however long it has passed.
#[actix_web::test]
async fn without_the_release_a_place_stays_with_who_never_pays() {
    on_each(1, async |fixture| {
        let (ledger, game) = (ledger(&fixture), fixture.game);
        ledger.enqueue(game, vec![request(1, &[1])]).await.unwrap();
        ledger.admit(game, 512).await.unwrap();
        fixture.db.advance_clock(Duration::from_secs(WINDOW_SECONDS * 100));
        ledger.admit(game, 512).await.unwrap();
        assert_eq!(ledger.enqueue(game, vec![request(2, &[2])]).await.unwrap().1, [Enqueued::Full]);
        let unpaid = "SELECT COUNT(*) AS n FROM orders WHERE status = 0 AND expires_at < created_at + 1800001";
        assert_eq!(count(&fixture.db, unpaid).await, 1, "its window has passed and its place is gone for all");
    })
    .await;
}

#[actix_web::test]
async fn owner_is_told_the_earlier_order() {
    on_each(5, async |fixture| {
        let (ledger, game) = (ledger(&fixture), fixture.game);
        ledger.enqueue(game, vec![request(1, &[1])]).await.unwrap();
        let admitted = ledger.admit(game, 512).await.unwrap();
        let Some(Outcome::Ordered(order_no)) = &admitted.outcomes[0] else { panic!("{:?}", admitted.outcomes) };
        assert!(OrderNo::parse(order_no.as_str()).is_some());
        ledger.enqueue(game, vec![request(1, &[1, 2]), request(2, &[1])]).await.unwrap();
        let outcomes = ledger.admit(game, 512).await.unwrap().outcomes;
        assert_eq!(outcomes[0], Some(Outcome::AlreadyRegistered(Some(order_no.clone()))));
        assert_eq!(outcomes[1], Some(Outcome::AlreadyRegistered(None)));
        assert_eq!(quota::stored(&fixture.db, game, 2).await.unwrap(), outcomes[0].clone().map(Stored::Decided));
    })
    .await;
}

#[actix_web::test]
async fn unreadable_players_fail_alone_and_unknown_games_are_not_found() {
    on_each(5, async |fixture| {
        let (ledger, game) = (ledger(&fixture), fixture.game);
        ledger.enqueue(game, vec![request(1, &[1]), request(2, &[2])]).await.unwrap();
        fixture
            .db
            .write(|tx| {
                Box::pin(async move {
                    tx.execute("UPDATE queue_tokens SET players_sealed = '?' WHERE sequence = 1", args![]).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        let outcomes = ledger.admit(game, 512).await.unwrap().outcomes;
        assert_eq!(outcomes[0], Some(Outcome::Failed));
        assert!(matches!(outcomes[1], Some(Outcome::Ordered(_))));
        let unknown = ledger.enqueue(actors::domain::ids::GameId(99), vec![request(1, &[1])]).await;
        assert_eq!(unknown.unwrap_err(), DomainError::NotFound(Entity::Game));
    })
    .await;
}

#[actix_web::test]
async fn several_nodes_never_sell_a_place_twice() {
    // Only a server has several nodes; one SQLite file belongs to one process.
    let Some(fixture) = postgres(40).await else { return };
    let game = fixture.game;
    let mut nodes = Vec::new();
    for node in 0..3_u32 {
        let ledger = SqlQuotaLedger::new(fixture.another_node().await, WINDOW_SECONDS);
        nodes.push(actix_web::rt::spawn(async move {
            for round in 0..20 {
                let person = node * 1_000 + round;
                // Every second person queues on two nodes at once.
                let shared = 9_000 + round;
                let batch = vec![request(i64::from(node) + 1, &[person]), request(i64::from(node) + 1, &[shared])];
                ledger.enqueue(game, batch).await.unwrap();
                ledger.admit(game, 3).await.unwrap();
            }
            while !ledger.admit(game, 512).await.unwrap().outcomes.is_empty() {}
        }));
    }
    for node in nodes {
        node.await.unwrap();
    }
    let row = quota::row(&fixture.db, game).await.unwrap();
    assert_eq!((row.head, row.quota.balance, row.quota.held), (row.tail, 0, 40));
    assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM registrations WHERE live = 1").await, 40);
    assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM queue_tokens WHERE state = 0").await, 0);
}

/// The red twin of the row's lock: the same decision from a read that took no lock loses the other node's.
#[actix_web::test]
async fn without_the_lock_two_nodes_sell_the_same_place() {
    let Some(fixture) = postgres(1).await else { return };
    let (one, other) = (fixture.db.clone(), fixture.another_node().await);
    let both_have_read = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    let sell = |db: matchday::store::sql::db::Db| {
        let both_have_read = both_have_read.clone();
        async move {
            db.write(move |tx| {
                Box::pin(async move {
                    let row = tx.fetch_one("SELECT balance, held FROM game_queue WHERE game_id = 1", args![]).await?;
                    both_have_read.wait().await;
                    let (balance, held) = (row.int("balance")?, row.int("held")?);
                    assert!(balance > 0, "both see the place");
                    let sql = "UPDATE game_queue SET balance = $1, held = $2 WHERE game_id = 1";
                    tx.execute(sql, args![balance - 1, held + 1]).await?;
                    Ok(())
                })
            })
            .await
        }
    };
    let (first, second) = tokio::join!(sell(one), sell(other));
    assert!(first.is_ok() && second.is_ok(), "no constraint can see a lost update");
    let row = quota::row(&fixture.db, fixture.game).await.unwrap();
    assert_eq!(row.quota.held, 1, "two were told they have a place and one is counted: this is what the lock prevents");
}
