//! One registration of an order given back: its money and its place once, the order keeps the rest.

use actors::domain::order::OrderStatus;
use actors::error::{DomainError, Entity};
use actors::quota_queue::messages::QuotaLedger;
use futures_util::future::join;
use matchday::args;
use matchday::service::payments::{self, Settlement};
use matchday::service::refunds::Deadline;
use matchday::service::registration::replay::replay;
use matchday::store::sql::db::Db;
use matchday::store::sql::journal;
use matchday::store::sql::payments::{PayableOrder, Payment};

use super::databases::{Fixture, count, on_each};
use super::quota::request;
use super::refunds::{
    finish, give_back, give_back_by, give_back_one, give_back_one_by, ledger, order, pay, places, registrations,
    status, works,
};

/// The journal agrees, the line's log tells the same, and live registrations are the places of live orders.
async fn agrees(fixture: &Fixture) {
    let check = journal::check(&fixture.db).await.unwrap();
    assert!(check.holds(), "{check:?}");
    let log = replay(&fixture.db, fixture.game).await.unwrap();
    assert_eq!(log.differences, [""; 0]);
    let live = count(&fixture.db, "SELECT COUNT(*) AS n FROM registrations WHERE live = 1").await;
    let quota = places(fixture).await;
    assert_eq!(quota.sold + quota.held, live);
}

/// What came back of the order: registrations, fen.
async fn back(db: &Db, order: &PayableOrder) -> (i64, i64) {
    let sql = "SELECT refunded_count, refunded_fen FROM orders WHERE id = $1";
    let row = db.fetch_one(sql, args![order.id.0]).await.unwrap();
    (row.int("refunded_count").unwrap(), row.int("refunded_fen").unwrap())
}

#[actix_web::test]
async fn two_nodes_give_the_same_registration_back_at_once_and_it_goes_once() {
    on_each(5, async |fixture| {
        let (db, second) = (&fixture.db, fixture.another_node().await);
        let paid = order(&fixture, 1, &[1, 2, 3]).await.unwrap();
        pay(db, &paid, "t1").await.unwrap();
        let ids = registrations(db, &paid).await;
        let (here, there) = join(give_back_one(db, &paid, ids[1]), give_back_one(&second, &paid, ids[1])).await;
        here.unwrap();
        there.unwrap();
        agrees(&fixture).await;
        assert_eq!((status(db, &paid).await, places(&fixture).await.sold), (OrderStatus::Paid, 3), "kept for now");
        let mut works = works(db).await;
        assert_eq!(works.len(), 1);
        let (id, work) = works.remove(0);
        let (here, there) =
            join(finish(db, &fixture, id, work.clone()), finish(&second, &fixture, id, work.clone())).await;
        assert!(here.unwrap() != there.unwrap(), "one of them finished it");
        assert_eq!(back(db, &paid).await, (1, 8_000));
        assert_eq!((status(db, &paid).await, places(&fixture).await.sold), (OrderStatus::Paid, 2));
        assert_eq!(places(&fixture).await.balance, 3);
        agrees(&fixture).await;
        // Asked again it stays as it is, and its player may register again while the others cannot.
        give_back_one(db, &paid, ids[1]).await.unwrap();
        assert!(order(&fixture, 2, &[2]).await.is_some());
        assert!(order(&fixture, 2, &[3]).await.is_none());
        agrees(&fixture).await;
    })
    .await;
}

#[actix_web::test]
async fn the_last_one_takes_the_rest_and_the_order_is_refunded() {
    on_each(4, async |fixture| {
        let db = &fixture.db;
        // A total that three cannot share.
        let paid = order(&fixture, 1, &[1, 2, 3]).await.unwrap();
        let odd = "UPDATE orders SET total_fen = 10000 WHERE id = $1";
        let id = paid.id.0;
        db.write(move |tx| Box::pin(async move { Ok(tx.execute(odd, args![id]).await?) })).await.unwrap();
        let paid = PayableOrder { total: actors::domain::money::Fen::new(10_000).unwrap(), ..paid };
        pay(db, &paid, "t1").await.unwrap();
        let ids = registrations(db, &paid).await;
        for (at, registration) in ids.iter().enumerate() {
            give_back_one(db, &paid, *registration).await.unwrap();
            let expected = if at == 2 { OrderStatus::Refunding } else { OrderStatus::Paid };
            assert_eq!(status(db, &paid).await, expected);
            agrees(&fixture).await;
        }
        // Nothing is left for the order as a whole, nor for another of it.
        give_back(db, &paid).await.unwrap();
        give_back_one(db, &paid, ids[0]).await.unwrap();
        let mut works = works(db).await;
        assert_eq!(works.len(), 3);
        works.reverse();
        for ((id, work), (count, fen)) in works.into_iter().zip([(1, 3_334), (2, 6_667), (3, 10_000)]) {
            assert_eq!(finish(db, &fixture, id, work).await, Ok(true));
            assert_eq!(back(db, &paid).await, (count, fen));
            agrees(&fixture).await;
        }
        assert_eq!((status(db, &paid).await, places(&fixture).await.balance), (OrderStatus::Refunded, 4));
        let check = journal::check(db).await.unwrap();
        assert_eq!(check.booked, journal::Balances::default());
        // All three may register again, by the same request.
        assert!(order(&fixture, 1, &[1, 2, 3]).await.is_some());
    })
    .await;
}

#[actix_web::test]
async fn one_and_then_the_rest_end_in_either_order() {
    on_each(3, async |fixture| {
        let db = &fixture.db;
        for (round, rest_first) in [(1, false), (2, true)] {
            let paid = order(&fixture, round, &[1, 2, 3]).await.unwrap();
            pay(db, &paid, &format!("t{round}")).await.unwrap();
            let ids = registrations(db, &paid).await;
            give_back_one(db, &paid, ids[0]).await.unwrap();
            give_back(db, &paid).await.unwrap();
            give_back(db, &paid).await.unwrap();
            assert_eq!(status(db, &paid).await, OrderStatus::Refunding);
            agrees(&fixture).await;
            let all = works(db).await;
            let mut works: Vec<_> = all.into_iter().skip(2 * (usize::try_from(round).unwrap() - 1)).collect();
            assert_eq!(works.len(), 2);
            if rest_first {
                works.reverse();
            }
            let (id, work) = works.remove(0);
            assert_eq!(finish(db, &fixture, id, work).await, Ok(true));
            let half = if rest_first { (2, 16_000) } else { (1, 8_000) };
            assert_eq!((back(db, &paid).await, status(db, &paid).await), (half, OrderStatus::Refunding));
            assert_eq!(places(&fixture).await.balance, half.0);
            agrees(&fixture).await;
            let (id, work) = works.remove(0);
            assert_eq!(finish(db, &fixture, id, work).await, Ok(true));
            assert_eq!((back(db, &paid).await, status(db, &paid).await), ((3, 24_000), OrderStatus::Refunded));
            agrees(&fixture).await;
        }
    })
    .await;
}

#[actix_web::test]
async fn what_cannot_be_given_back_alone_changes_nothing() {
    on_each(5, async |fixture| {
        let db = &fixture.db;
        let unpaid = order(&fixture, 1, &[1, 2]).await.unwrap();
        let other = order(&fixture, 1, &[3]).await.unwrap();
        let (ids, others) = (registrations(db, &unpaid).await, registrations(db, &other).await);
        let refused = give_back_one(db, &unpaid, ids[0]).await.unwrap_err();
        assert!(matches!(refused, DomainError::InvalidField { .. }), "{refused:?}");
        for stranger in [others[0], 9_999] {
            let unknown = give_back_one(db, &unpaid, stranger).await;
            assert_eq!(unknown, Err(DomainError::NotFound(Entity::Registration)));
        }
        assert_eq!((status(db, &unpaid).await, places(&fixture).await.held), (OrderStatus::Unpaid, 3));
        // The only one of an unpaid order is the order.
        give_back_one(db, &other, others[0]).await.unwrap();
        assert_eq!(status(db, &other).await, OrderStatus::Cancelled);
        // Too late for its owner, not for an administrator.
        pay(db, &unpaid, "t1").await.unwrap();
        let late = "UPDATE games SET start_time = 1";
        db.write(move |tx| Box::pin(async move { Ok(tx.execute(late, args![]).await?) })).await.unwrap();
        let over = give_back_one_by(db, &unpaid, ids[0], Deadline::Kept).await;
        assert_eq!(over, Err(DomainError::RefundOver));
        assert_eq!(works(db).await.len(), 0);
        give_back_one(db, &unpaid, ids[0]).await.unwrap();
        assert_eq!(works(db).await.len(), 1);
        agrees(&fixture).await;
    })
    .await;
}

#[actix_web::test]
async fn a_provider_gives_so_many_parts_back_and_then_the_rest_at_once() {
    on_each(60, async |fixture| {
        let db = &fixture.db;
        let people: Vec<u32> = (1..=52).collect();
        let paid = order(&fixture, 1, &people).await.unwrap();
        pay(db, &paid, "t1").await.unwrap();
        let ids = registrations(db, &paid).await;
        for registration in &ids[..49] {
            give_back_one(db, &paid, *registration).await.unwrap();
        }
        let refused = give_back_one(db, &paid, ids[50]).await.unwrap_err();
        assert!(refused.to_string().contains("give back the rest at once"), "{refused}");
        give_back(db, &paid).await.unwrap();
        let works = works(db).await;
        assert_eq!(works.len(), 50);
        for (id, work) in works {
            assert_eq!(finish(db, &fixture, id, work).await, Ok(true));
        }
        assert_eq!(status(db, &paid).await, OrderStatus::Refunded);
        agrees(&fixture).await;
    })
    .await;
}

#[actix_web::test]
async fn free_and_offline_orders_give_one_back_without_a_provider() {
    on_each(6, async |fixture| {
        let db = &fixture.db;
        let paid = order(&fixture, 1, &[1, 2, 3]).await.unwrap();
        let transaction_id = "cash".to_owned();
        let payment = Payment { order: paid.id, provider: "offline".into(), transaction_id, amount: paid.total };
        let (clock, subject) = (db.clone(), paid.subject);
        let settled = db.write(move |tx| Box::pin(async move { payments::settle(&clock, tx, subject, payment).await }));
        assert_eq!(settled.await, Ok(Settlement::Paid));
        let ids = registrations(db, &paid).await;
        // Its owner asks, an administrator has handed the money over.
        for _ in 0..2 {
            give_back_one_by(db, &paid, ids[0], Deadline::Kept).await.unwrap();
            assert_eq!((back(db, &paid).await, status(db, &paid).await), ((0, 0), OrderStatus::Paid));
            agrees(&fixture).await;
        }
        for _ in 0..2 {
            give_back_one(db, &paid, ids[0]).await.unwrap();
            assert_eq!(back(db, &paid).await, (1, 8_000));
        }
        give_back_one(db, &paid, ids[1]).await.unwrap();
        assert_eq!((back(db, &paid).await, places(&fixture).await.balance), ((2, 16_000), 5));
        agrees(&fixture).await;
        give_back_by(db, &paid, Deadline::Kept).await.unwrap();
        assert_eq!(status(db, &paid).await, OrderStatus::Refunding);
        give_back(db, &paid).await.unwrap();
        assert_eq!((back(db, &paid).await, status(db, &paid).await), ((3, 24_000), OrderStatus::Refunded));
        assert_eq!(works(db).await.len(), 0);
        agrees(&fixture).await;

        let free = "UPDATE games SET price_fen = 0";
        db.write(move |tx| Box::pin(async move { Ok(tx.execute(free, args![]).await?) })).await.unwrap();
        let free = order(&fixture, 2, &[7, 8]).await.unwrap();
        let ids = registrations(db, &free).await;
        for (registration, now) in ids.into_iter().zip([OrderStatus::Paid, OrderStatus::Refunded]) {
            give_back_one(db, &free, registration).await.unwrap();
            assert_eq!(status(db, &free).await, now);
            agrees(&fixture).await;
        }
        assert_eq!((places(&fixture).await.balance, works(db).await.len()), (6, 0));
    })
    .await;
}

#[actix_web::test]
async fn a_place_that_came_back_goes_to_the_wait_list() {
    on_each(2, async |fixture| {
        let db = &fixture.db;
        let rules = "UPDATE game_queue SET wait_list = 5, wait_for_refunds = 1";
        db.write(move |tx| Box::pin(async move { Ok(tx.execute(rules, args![]).await?) })).await.unwrap();
        let paid = order(&fixture, 1, &[1, 2]).await.unwrap();
        pay(db, &paid, "t1").await.unwrap();
        let line = ledger(&fixture);
        line.enqueue(fixture.game, vec![request(2, &[3])]).await.unwrap();
        line.admit(fixture.game, 512).await.unwrap();
        assert_eq!(count(db, "SELECT COUNT(*) AS n FROM queue_tokens WHERE wait_position IS NOT NULL").await, 1);
        give_back_one(db, &paid, registrations(db, &paid).await[0]).await.unwrap();
        line.admit(fixture.game, 512).await.unwrap();
        assert_eq!(places(&fixture).await.held, 0, "not before the money is back");
        let (id, work) = works(db).await.remove(0);
        finish(db, &fixture, id, work).await.unwrap();
        line.admit(fixture.game, 512).await.unwrap();
        let now = places(&fixture).await;
        assert_eq!((now.sold, now.held, now.balance), (1, 1, 0));
    })
    .await;
}

/// The red twin of the table's guards: what the code overlooks is refused by the schema, and nothing changes.
#[actix_web::test]
async fn the_schema_takes_no_part_twice_and_gives_back_no_more_than_there_is() {
    on_each(3, async |fixture| {
        let db = &fixture.db;
        let paid = order(&fixture, 1, &[1, 2]).await.unwrap();
        pay(db, &paid, "t1").await.unwrap();
        let ids = registrations(db, &paid).await;
        give_back_one(db, &paid, ids[0]).await.unwrap();
        let again = "INSERT INTO refunds (order_id, provider, transaction_id, registration_id, amount_fen, requested_at)
                     SELECT order_id, provider, 't2', registration_id, amount_fen, 0 FROM refunds";
        let booked = "INSERT INTO journal (at, kind, debit_account, credit_account, amount_fen, order_id, provider,
                                           transaction_id, part)
                      SELECT at, kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id, part
                      FROM journal WHERE kind = 'refund_requested'";
        let more = "UPDATE orders SET refunded_count = 3";
        for sql in [again, booked, more] {
            let refused = db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![]).await?) })).await;
            assert!(refused.is_err(), "{sql}");
        }
        agrees(&fixture).await;
    })
    .await;
}

/// The key of order numbers is drawn once for a database, whichever node is first.
#[actix_web::test]
async fn nodes_share_the_key_of_order_numbers_and_other_databases_have_another() {
    static KEYS: std::sync::Mutex<Vec<i64>> = std::sync::Mutex::new(Vec::new());
    on_each(9, async |fixture| {
        let key = async |db: &Db| {
            let sql = "SELECT value FROM installation WHERE name = 'order_key'";
            db.fetch_optional(sql, args![]).await.unwrap().map(|row| row.int("value").unwrap())
        };
        assert_eq!(key(&fixture.db).await, None);
        let second = fixture.another_node().await;
        let there = matchday::store::sql::quota::SqlQuotaLedger::new(second, 60);
        let here = ledger(&fixture);
        here.enqueue(fixture.game, vec![request(1, &[1]), request(2, &[2]), request(3, &[3])]).await.unwrap();
        here.admit(fixture.game, 1).await.unwrap();
        let drawn = key(&fixture.db).await;
        there.admit(fixture.game, 1).await.unwrap();
        here.admit(fixture.game, 1).await.unwrap();
        assert_eq!((key(&fixture.db).await, count(&fixture.db, "SELECT COUNT(*) AS n FROM orders").await), (drawn, 3));
        KEYS.lock().unwrap().push(drawn.unwrap());
    })
    .await;
    let keys = KEYS.lock().unwrap();
    assert!(keys.len() < 2 || keys[0] != keys[1]);
}
