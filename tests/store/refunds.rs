//! Giving orders back: places and money go back exactly once, whoever finishes a refund and how often.

use actors::domain::ids::{OrderId, RegistrationId};
use actors::domain::money::Fen;
use actors::domain::order::OrderStatus;
use actors::error::DomainError;
use actors::quota_queue::messages::QuotaLedger;
use actors::quota_queue::state::{Outcome, Quota};
use futures_util::future::join;
use matchday::args;
use matchday::service::locked_order::LockedOrder;
use matchday::service::payments::{self, Settlement};
use matchday::service::refund_work::{self, RefundWork};
use matchday::service::refunds::{self, Deadline};
use matchday::store::sql::db::Db;
use matchday::store::sql::journal;
use matchday::store::sql::payments::{self as store, PayableOrder, Payment, Subject};
use matchday::store::sql::quota::{self, SqlQuotaLedger};

use super::databases::{Fixture, count, on_each};
use super::quota::request;

const WINDOW_SECONDS: u64 = 1_800;

pub(super) fn ledger(fixture: &Fixture) -> SqlQuotaLedger {
    SqlQuotaLedger::new(fixture.db.clone(), WINDOW_SECONDS)
}

/// An unpaid order of the line, or `None` when its players do not fit.
pub(super) async fn order(fixture: &Fixture, owner: i64, people: &[u32]) -> Option<PayableOrder> {
    let ledger = ledger(fixture);
    ledger.enqueue(fixture.game, vec![request(owner, people)]).await.unwrap();
    let admitted = ledger.admit(fixture.game, 512).await.unwrap();
    match admitted.outcomes.last() {
        Some(Some(Outcome::Ordered(order_no))) => store::order_by_no(&fixture.db, order_no).await.unwrap(),
        _ => None,
    }
}

pub(super) async fn pay(db: &Db, order: &PayableOrder, transaction: &str) -> Result<Settlement, DomainError> {
    let payment = Payment {
        order: order.id,
        provider: "sandbox".into(),
        transaction_id: transaction.to_owned(),
        amount: order.total,
    };
    let (clock, subject) = (db.clone(), order.subject);
    db.write(move |tx| Box::pin(async move { payments::settle(&clock, tx, subject, payment).await })).await
}

pub(super) async fn give_back(db: &Db, order: &PayableOrder) -> Result<(), DomainError> {
    give_back_by(db, order, Deadline::Waived).await
}

pub(super) async fn give_back_by(db: &Db, order: &PayableOrder, deadline: Deadline) -> Result<(), DomainError> {
    let (clock, id, subject) = (db.clone(), order.id, order.subject);
    db.write(move |tx| {
        Box::pin(async move {
            let locked = LockedOrder::take(tx, id, subject).await?;
            refunds::give_back(&clock, tx, locked, deadline).await
        })
    })
    .await
}

pub(super) async fn give_back_one(db: &Db, order: &PayableOrder, registration: i64) -> Result<(), DomainError> {
    give_back_one_by(db, order, registration, Deadline::Waived).await
}

pub(super) async fn give_back_one_by(
    db: &Db,
    order: &PayableOrder,
    registration: i64,
    deadline: Deadline,
) -> Result<(), DomainError> {
    let (clock, id, subject) = (db.clone(), order.id, order.subject);
    db.write(move |tx| {
        Box::pin(async move {
            let locked = LockedOrder::take(tx, id, subject).await?;
            refunds::give_back_one(&clock, tx, locked, RegistrationId(registration), deadline).await
        })
    })
    .await
}

/// The registrations of an order, by id.
pub(super) async fn registrations(db: &Db, order: &PayableOrder) -> Vec<i64> {
    let sql = "SELECT id FROM registrations WHERE order_id = $1 ORDER BY id";
    db.fetch_all(sql, args![order.id.0]).await.unwrap().iter().map(|row| row.int("id").unwrap()).collect()
}

/// The refunds of the outbox, done or not.
pub(super) async fn works(db: &Db) -> Vec<(i64, RefundWork)> {
    let rows = db.fetch_all("SELECT id, payload FROM outbox ORDER BY id", args![]).await.unwrap();
    rows.iter()
        .map(|row| (row.int("id").unwrap(), serde_json::from_str(&row.text("payload").unwrap()).unwrap()))
        .collect()
}

pub(super) async fn finish(db: &Db, fixture: &Fixture, work_id: i64, work: RefundWork) -> Result<bool, DomainError> {
    let (clock, subject) = (db.clone(), Subject::Race { game: fixture.game, places: places_of(db, work_id).await });
    db.write(move |tx| Box::pin(async move { refund_work::finish(&clock, tx, subject, &work, work_id).await })).await
}

/// How many places the order of a refund has.
async fn places_of(db: &Db, work_id: i64) -> i64 {
    let payload = db.fetch_one("SELECT payload FROM outbox WHERE id = $1", args![work_id]).await.unwrap();
    let payload: serde_json::Value = serde_json::from_str(&payload.text("payload").unwrap()).unwrap();
    let id = payload["order_id"].as_i64().unwrap();
    match store::order(db, OrderId(id)).await.unwrap().unwrap().subject {
        Subject::Race { places, .. } => places,
        Subject::Membership { .. } => 0,
    }
}

pub(super) async fn status(db: &Db, order: &PayableOrder) -> OrderStatus {
    store::order(db, order.id).await.unwrap().unwrap().status
}

pub(super) async fn places(fixture: &Fixture) -> Quota {
    quota::row(&fixture.db, fixture.game).await.unwrap().quota
}

#[actix_web::test]
async fn two_nodes_finish_a_refund_at_once_and_the_places_go_back_once() {
    on_each(5, async |fixture| {
        let paid = order(&fixture, 1, &[1, 2]).await.unwrap();
        let other = order(&fixture, 2, &[3]).await.unwrap();
        assert_eq!(pay(&fixture.db, &paid, "t1").await, Ok(Settlement::Paid));
        assert_eq!(pay(&fixture.db, &other, "t2").await, Ok(Settlement::Paid));
        give_back(&fixture.db, &paid).await.unwrap();
        give_back(&fixture.db, &paid).await.unwrap();
        assert_eq!(
            (places(&fixture).await.sold, places(&fixture).await.balance),
            (3, 2),
            "kept until the money is back"
        );
        let (id, work) = works(&fixture.db).await.remove(0);
        let second = fixture.another_node().await;
        let here = finish(&fixture.db, &fixture, id, work.clone());
        let (here, there) = join(here, finish(&second, &fixture, id, work.clone())).await;
        let (here, there) = (here.unwrap(), there.unwrap());
        assert!(here != there, "one of them finished it: {here} {there}");
        assert_eq!(finish(&second, &fixture, id, work.clone()).await, Ok(false));
        let after = places(&fixture).await;
        assert_eq!((after.sold, after.held, after.balance), (1, 0, 4));
        assert_eq!(status(&fixture.db, &paid).await, OrderStatus::Refunded);
        assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM registrations WHERE live = 1").await, 1);
        assert!(journal::check(&fixture.db).await.unwrap().holds());

        // The red twin: without the work's own end as a guard, the same refund comes a second time. The journal's
        // constraint refuses it, and nothing changes.
        let sql = "INSERT INTO outbox (kind, work_key, payload, next_at, created_at)
                   SELECT kind, 'again', payload, 0, 0 FROM outbox WHERE id = $1";
        fixture.db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![id]).await?) })).await.unwrap();
        let (again, work) = works(&fixture.db).await.pop().unwrap();
        assert_eq!(finish(&fixture.db, &fixture, again, work).await, Err(DomainError::Internal));
        assert_eq!(places(&fixture).await, after);
        assert!(journal::check(&fixture.db).await.unwrap().holds());
    })
    .await;
}

#[actix_web::test]
async fn another_payment_during_a_refund_goes_back_too_and_takes_no_places() {
    on_each(6, async |fixture| {
        let paid = order(&fixture, 1, &[1, 2]).await.unwrap();
        pay(&fixture.db, &paid, "t1").await.unwrap();
        give_back(&fixture.db, &paid).await.unwrap();
        assert_eq!(pay(&fixture.db, &paid, "t2").await, Ok(Settlement::Refund));
        assert_eq!((places(&fixture).await.sold, places(&fixture).await.balance), (2, 4));
        assert!(journal::check(&fixture.db).await.unwrap().holds());
        // The later one comes back first.
        let mut works = works(&fixture.db).await;
        works.reverse();
        for ((id, work), (sold, state)) in
            works.into_iter().zip([(2, OrderStatus::Refunding), (0, OrderStatus::Refunded)])
        {
            assert_eq!(finish(&fixture.db, &fixture, id, work).await, Ok(true));
            assert_eq!((places(&fixture).await.sold, status(&fixture.db, &paid).await), (sold, state));
            assert!(journal::check(&fixture.db).await.unwrap().holds());
        }
        assert_eq!(places(&fixture).await.balance, 6);
    })
    .await;
}

#[actix_web::test]
async fn money_taken_offline_is_back_when_an_administrator_says_so() {
    on_each(2, async |fixture| {
        let db = fixture.db.clone();
        let paid = order(&fixture, 1, &[1, 2]).await.unwrap();
        let payment = Payment {
            order: paid.id,
            provider: "offline".into(),
            transaction_id: "cash".to_owned(),
            amount: paid.total,
        };
        let (clock, subject) = (db.clone(), paid.subject);
        let settled = db.write(move |tx| Box::pin(async move { payments::settle(&clock, tx, subject, payment).await }));
        assert_eq!(settled.await, Ok(Settlement::Paid));
        for _ in 0..2 {
            give_back_by(&db, &paid, Deadline::Kept).await.unwrap();
            assert_eq!((status(&db, &paid).await, places(&fixture).await.sold), (OrderStatus::Refunding, 2));
            assert!(journal::check(&db).await.unwrap().holds());
        }
        assert_eq!(works(&db).await.len(), 0, "there is no provider to ask");
        for _ in 0..2 {
            give_back(&db, &paid).await.unwrap();
            assert_eq!((status(&db, &paid).await, places(&fixture).await.balance), (OrderStatus::Refunded, 2));
            assert!(journal::check(&db).await.unwrap().holds());
        }
    })
    .await;
}

#[actix_web::test]
async fn cancelling_and_paying_at_once_ends_in_one_of_both() {
    on_each(2, async |fixture| {
        let second = fixture.another_node().await;
        for round in 0..8 {
            let order = order(&fixture, 1, &[1, 2]).await.unwrap();
            let transaction = format!("t{round}");
            let (cancelled, paid) = join(give_back(&fixture.db, &order), pay(&second, &order, &transaction)).await;
            cancelled.unwrap();
            assert_eq!(paid, Ok(Settlement::Paid), "its own places are free in any order");
            let after = places(&fixture).await;
            assert_eq!((after.sold, after.held, after.balance), (2, 0, 0));
            assert!(journal::check(&fixture.db).await.unwrap().holds());
            // Paid before it was cancelled: it is on its way back. Else the late payment brought it back to life.
            if status(&fixture.db, &order).await == OrderStatus::Paid {
                give_back(&fixture.db, &order).await.unwrap();
            }
            let (id, work) = works(&fixture.db).await.pop().unwrap();
            assert_eq!(finish(&second, &fixture, id, work).await, Ok(true));
            assert_eq!(places(&fixture).await.balance, 2);
        }
    })
    .await;
}

#[actix_web::test]
async fn orders_of_nothing_are_paid_as_they_are_made_and_go_back_at_once() {
    on_each(3, async |fixture| {
        let free = "UPDATE games SET price_fen = 0";
        fixture.db.write(move |tx| Box::pin(async move { Ok(tx.execute(free, args![]).await?) })).await.unwrap();
        let order = order(&fixture, 1, &[1, 2]).await.unwrap();
        assert_eq!((order.status, order.total), (OrderStatus::Paid, Fen::ZERO));
        for _ in 0..2 {
            give_back(&fixture.db, &order).await.unwrap();
            assert_eq!(status(&fixture.db, &order).await, OrderStatus::Refunded);
            let row = places(&fixture).await;
            assert_eq!((row.sold, row.held, row.balance), (0, 0, 3));
        }
        assert_eq!(works(&fixture.db).await.len(), 0, "no provider is asked");
        assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM journal").await, 0);
        assert!(journal::check(&fixture.db).await.unwrap().holds());
    })
    .await;
}
