//! What the tables refuse whatever a program does.

use actors::error::DomainError;
use matchday::args;
use matchday::store::sql::db::{Db, Dialect, StoreError, Value};

use super::databases::on_each;

/// Runs one statement; the error's kind as text: `unique`, `check`, `other`, or `none`.
async fn refused(db: &Db, sql: &'static str, args: Vec<Value>) -> &'static str {
    let (kind, answer) = tokio::sync::oneshot::channel();
    let outcome = db
        .write(move |tx| {
            Box::pin(async move {
                let outcome = tx.execute(sql, args).await;
                let text = match &outcome {
                    Ok(_) => "none",
                    Err(error) if error.is_unique_violation() => "unique",
                    Err(error) if error.is_check_violation() => "check",
                    Err(_) => "other",
                };
                let _ = kind.send(text);
                outcome.map(drop).map_err(|_: StoreError| DomainError::Internal)
            })
        })
        .await;
    let kind = answer.await.unwrap();
    assert_eq!(outcome.is_ok(), kind == "none");
    kind
}

#[actix_web::test]
async fn oversell_is_refused() {
    on_each(5, async |fixture| {
        let db = &fixture.db;
        let negative = "UPDATE game_queue SET balance = balance - 6, held = held + 6 WHERE game_id = 1";
        assert_eq!(refused(db, negative, args![]).await, "check");
        let forgotten = "UPDATE game_queue SET held = held + 1 WHERE game_id = 1";
        assert_eq!(refused(db, forgotten, args![]).await, "check", "a hold that did not take its place");
        let beyond = "UPDATE game_queue SET balance = 6 WHERE game_id = 1";
        assert_eq!(refused(db, beyond, args![]).await, "check", "more free than the limit leaves");
        assert_eq!(refused(db, "UPDATE game_queue SET head = 1 WHERE game_id = 1", args![]).await, "check");
        let right = "UPDATE game_queue SET balance = balance - 5, held = held + 5 WHERE game_id = 1";
        assert_eq!(refused(db, right, args![]).await, "none");
    })
    .await;
}

#[actix_web::test]
async fn double_certificate_offset_payment_and_sequence_are_refused() {
    on_each(5, async |fixture| {
        let db = &fixture.db;
        let order = "INSERT INTO orders (order_no, account_id, kind, game_id, name, item_count, price_fen, total_fen,
                                         created_at, expires_at) VALUES ($1, 1, 0, 1, 'x', 1, 1, 1, 1, 1)";
        assert_eq!(refused(db, order, args!["a"]).await, "none");
        assert_eq!(refused(db, order, args!["a"]).await, "unique");
        assert_eq!(refused(db, "INSERT INTO players (certificate_key, created_at) VALUES ('k', 1)", args![]).await, "none");

        let registration = "INSERT INTO registrations (order_id, game_id, competition_id, player_id, account_id,
                                certificate_key, player_sealed, live, created_at) VALUES (1, 1, 1, 1, 1, 'k', '', $1, 1)";
        assert_eq!(refused(db, registration, args![1_i64]).await, "none");
        assert_eq!(refused(db, registration, args![1_i64]).await, "unique");
        assert_eq!(refused(db, registration, args![0_i64]).await, "none", "one that is over does not count");

        let live = "INSERT INTO lives (title, publish_time, created_at) VALUES ('live', 1, 1)";
        assert_eq!(refused(db, live, args![]).await, "none");
        assert_eq!(refused(db, "INSERT INTO rooms (live_id, epoch) VALUES (1, 'e')", args![]).await, "none");
        let line = "INSERT INTO publications (room_id, line_offset, account_id, uuid, content, username, head_img, msg_time)
                    VALUES (1, 1, 1, '', '', '', '', 1)";
        assert_eq!(refused(db, line, args![]).await, "none");
        assert_eq!(refused(db, line, args![]).await, "unique");

        let payment = "INSERT INTO payments (order_id, provider, transaction_id, amount_fen, state, received_at)
                       VALUES (1, 'wechat', $1, 1, $2, 1)";
        assert_eq!(refused(db, payment, args!["t1", 1_i64]).await, "none");
        assert_eq!(refused(db, payment, args!["t1", 2_i64]).await, "unique", "one transaction once");
        assert_eq!(refused(db, payment, args!["t2", 1_i64]).await, "unique", "one settled payment an order");
        assert_eq!(refused(db, payment, args!["t2", 2_i64]).await, "none", "a surplus one is kept to be refunded");
        let paid = "UPDATE orders SET status = 1 WHERE id = 1";
        assert_eq!(refused(db, paid, args![]).await, "check", "a paid order names its payment");

        let token = "INSERT INTO queue_tokens (game_id, sequence, account_id, request_key, group_size, players_sealed, created_at)
                     VALUES (1, $1, 1, $2, 1, '', 1)";
        assert_eq!(refused(db, token, args![1_i64, "r"]).await, "none");
        assert_eq!(refused(db, token, args![1_i64, "s"]).await, "unique");
        assert_eq!(refused(db, token, args![2_i64, "r"]).await, "unique", "one live token a request");
    })
    .await;
}

/// The red twins: without the guard the same statements are taken, so it is the guard that refuses them.
#[actix_web::test]
async fn without_the_guards_the_same_writes_are_taken() {
    on_each(5, async |fixture| {
        let db = &fixture.db;
        let without = "DROP INDEX registrations_one_live_certificate";
        assert_eq!(refused(db, without, args![]).await, "none");
        let order = "INSERT INTO orders (order_no, account_id, kind, game_id, name, item_count, price_fen, total_fen,
                                         created_at, expires_at) VALUES ('a', 1, 0, 1, 'x', 1, 1, 1, 1, 1)";
        assert_eq!(refused(db, order, args![]).await, "none");
        let player = "INSERT INTO players (certificate_key, created_at) VALUES ('k', 1)";
        assert_eq!(refused(db, player, args![]).await, "none");
        let registration = "INSERT INTO registrations (order_id, game_id, competition_id, player_id, account_id,
                                certificate_key, player_sealed, created_at) VALUES (1, 1, 1, 1, 1, 'k', '', 1)";
        assert_eq!(refused(db, registration, args![]).await, "none");
        assert_eq!(refused(db, registration, args![]).await, "none", "one person, two places");

        assert_eq!(refused(db, "DROP INDEX payments_one_settled", args![]).await, "none");
        let payment = "INSERT INTO payments (order_id, provider, transaction_id, amount_fen, state, received_at)
                       VALUES (1, 'wechat', $1, 1, 1, 1)";
        assert_eq!(refused(db, payment, args!["t1"]).await, "none");
        assert_eq!(refused(db, payment, args!["t2"]).await, "none", "one order, paid twice");

        let unchecked = match db.dialect() {
            Dialect::Sqlite => "PRAGMA ignore_check_constraints = 1",
            Dialect::Postgres => "ALTER TABLE game_queue DROP CONSTRAINT never_oversold",
        };
        assert_eq!(refused(db, unchecked, args![]).await, "none");
        let forgotten = "UPDATE game_queue SET held = held + 1 WHERE game_id = 1";
        assert_eq!(refused(db, forgotten, args![]).await, "none", "more given than there is");
    })
    .await;
}
