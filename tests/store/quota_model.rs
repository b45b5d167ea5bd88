//! Random operations on the real ledger, with everything checked in SQL after each of them and the event log replayed.

use std::time::Duration;

use actors::domain::ids::{OrderId, RegistrationId};
use actors::quota_queue::history::{Event, OrderPlaces};
use actors::quota_queue::messages::{Known, LineRules, QueueRow, QueueState, QuotaLedger};
use actors::quota_queue::open_places::{ROUNDS, WINDOW_MS};
use matchday::args;
use matchday::service::locked_order::LockedOrder;
use matchday::service::refunds::{self, Deadline};
use matchday::service::registration::replay::replay;
use matchday::store::sql::db::{Row, Tx};
use matchday::store::sql::payments::{self, Payment, PaymentState};
use matchday::store::sql::quota::{self, SqlQuotaLedger};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::databases::{Fixture, count, on_each};
use super::quota::request;

/// Operations on each database; a nightly run asks for more.
fn operations() -> u32 {
    std::env::var("MATCHDAY_MODEL_OPERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

/// The log of so many operations is replayed at once; a replay walks all of it.
const REPLAY_EVERY: u32 = 500;
/// A life of a database: what is checked after each operation grows with it.
const LIFE: u32 = 1_000;
/// Places that an account may have open; account 1 has an allowance.
const MOST_OPEN: i64 = 6;

async fn set_allowance(fixture: &Fixture) {
    let sql = "UPDATE accounts SET open_places_allowance = 11 WHERE id = 1";
    fixture.db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![]).await.map(drop)?) })).await.unwrap();
}

/// Registration closes at this time, or never.
async fn close_at(fixture: &Fixture, at: Option<i64>) {
    let sql = "UPDATE competitions SET registration_close_at = $1";
    fixture.db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![at]).await.map(drop)?) })).await.unwrap();
}

#[actix_web::test]
async fn ledger_stays_exact_under_random_operations() {
    let mut left = operations();
    while left > 0 {
        let life = left.min(LIFE);
        left -= life;
        on_each(12, async |fixture| {
            let seed = rand::random();
            let mut random = StdRng::seed_from_u64(seed);
            // A crash forgets what is not stored: the ledger is made anew now and then.
            let model = || SqlQuotaLedger::new(fixture.db.clone(), 60).with_open_places(MOST_OPEN);
            let mut ledger = model();
            set_allowance(&fixture).await;
            for step in 0..life {
                let what = apply(&mut random, &fixture, &ledger).await;
                if random.random_range(0..100) == 0 {
                    ledger = model();
                }
                if let Err(fault) = check(&fixture).await {
                    panic!("seed {seed}, step {step}, after {what}: {fault}");
                }
                if step % REPLAY_EVERY == REPLAY_EVERY - 1 {
                    let report = replay(&fixture.db, fixture.game).await.unwrap();
                    assert_eq!(report.differences, [""; 0], "seed {seed}, step {step}");
                }
            }
            at_rest(&fixture, &ledger).await;
        })
        .await;
    }
}

/// When nothing more happens: nobody whose group fits waits in an open, uncapped line, and every token is accounted for.
async fn at_rest(fixture: &Fixture, ledger: &SqlQuotaLedger) {
    change(fixture, |row| {
        row.state = QueueState::Open;
        Event::StateSet { state: QueueState::Open.code() }
    })
    .await;
    set_rules(fixture, |rules| (rules.orders_per_minute, rules.most_unpaid) = (0, 0)).await;
    for _ in 0..200 {
        ledger.release_due(fixture.game, 512).await.unwrap();
        ledger.admit(fixture.game, 512).await.unwrap();
    }
    let row = quota::row(&fixture.db, fixture.game).await.unwrap();
    assert_eq!(row.head, row.tail, "nobody waits in an open line");
    let waiting = "SELECT COALESCE(MIN(group_size), 1000) AS n FROM queue_tokens WHERE wait_position IS NOT NULL";
    let smallest = count(&fixture.db, waiting).await;
    assert!(!row.quota.fits(smallest) || row.wait_listed == 0, "a group of {smallest} waits although it fits: {row:?}");
    let closed = "SELECT COUNT(*) AS n FROM competitions WHERE registration_close_at <= $1";
    let closed = fixture.db.fetch_one(closed, args![fixture.db.now_ms()]).await.unwrap().int("n").unwrap() > 0;
    assert!(!closed || row.wait_listed == 0, "somebody waits after registration closed: {row:?}");
    let largest = "SELECT COALESCE(MAX(group_size), 0) AS n FROM queue_tokens WHERE wait_position IS NOT NULL";
    let largest = count(&fixture.db, largest).await;
    assert!(largest <= row.largest_that_waits(), "a group of {largest} waits for nothing: {row:?}");
    let loaded = ledger.load(fixture.game, Known { recent: row.tail, ..Known::default() }).await.unwrap();
    assert_eq!((loaded.first, loaded.outcomes.len() as i64), (1, row.tail), "one outcome each, in order");
    let undecided = loaded.outcomes.iter().filter(|outcome| outcome.is_none()).count() as i64;
    assert_eq!(undecided, row.wait_listed);
    assert_eq!(loaded.lists.unwrap().wait_listed.len() as i64, row.wait_listed);
    assert_eq!(check(fixture).await, Ok(()));
    let report = replay(&fixture.db, fixture.game).await.unwrap();
    assert_eq!(report.differences, [""; 0]);
    assert!(report.events > 0 && report.tokens as i64 == row.tail);
}

async fn apply(random: &mut StdRng, fixture: &Fixture, ledger: &SqlQuotaLedger) -> &'static str {
    let game = fixture.game;
    match random.random_range(0..100) {
        0..30 => {
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
        30..55 => {
            ledger.admit(game, random.random_range(1..5)).await.unwrap();
            "admit"
        }
        55..67 => {
            turn_one(fixture, "WHERE status = 0", PAY, |row, order| {
                row.quota.settle_held(order.places);
                Event::Paid(order)
            })
            .await;
            "pay"
        }
        67..77 => {
            fixture.db.advance_clock(Duration::from_secs(random.random_range(1..40)));
            ledger.release_due(game, random.random_range(1..4)).await.unwrap();
            "expire"
        }
        77..82 => {
            let all = "UPDATE orders SET status = 4, refunded_count = item_count WHERE id = $1";
            turn_one(fixture, "WHERE status = 1", all, |row, order| {
                row.quota.give_back_sold(order.places);
                Event::Refunded(order)
            })
            .await;
            "refund"
        }
        82..84 => {
            give_one_back(fixture).await;
            "refund a part"
        }
        84..86 => {
            turn_one(fixture, "WHERE status = 0", "UPDATE orders SET status = 5 WHERE id = $1", |row, order| {
                row.quota.give_back_held(order.places);
                Event::Cancelled(order)
            })
            .await;
            "cancel"
        }
        86..90 => {
            let tail = quota::row(&fixture.db, game).await.unwrap().tail;
            let leaving = (0..2).map(|_| random.random_range(1..=tail + 2)).collect();
            ledger.leave(game, leaving).await.unwrap();
            "leave"
        }
        90..93 => {
            let limitation = random.random_range(0..25);
            let balance = random.random_bool(0.5).then(|| random.random_range(0..25));
            change(fixture, move |row| {
                row.quota.set(limitation, balance);
                Event::PlacesSet { limitation, balance }
            })
            .await;
            "set places"
        }
        93..96 => {
            let rules = LineRules {
                wait_list: random.random_range(0..6),
                wait_for_refunds: random.random_bool(0.3),
                offer_seconds: random.random_range(0..30),
                orders_per_minute: [0, 0, 30, 600][random.random_range(0..4)],
                most_unpaid: [0, 0, 1, 3][random.random_range(0..4)],
                ..LineRules::default()
            };
            set_rules(fixture, move |stored| *stored = rules).await;
            "set rules"
        }
        96 => {
            fixture.db.advance_clock(Duration::from_secs(24 * 3_600));
            "a day passes"
        }
        97 => {
            let at = [None, None, Some(-1), Some(100_000)][random.random_range(0..4)];
            close_at(fixture, at.map(|ms| fixture.db.now_ms() + ms)).await;
            "registration closes or opens again"
        }
        _ => {
            let state =
                [QueueState::Open, QueueState::Open, QueueState::Paused, QueueState::Closed][random.random_range(0..4)];
            change(fixture, move |row| {
                row.state = state;
                Event::StateSet { state: state.code() }
            })
            .await;
            "set state"
        }
    }
}

async fn set_rules(fixture: &Fixture, set: impl FnOnce(&mut LineRules) + Send + 'static) {
    change(fixture, move |row| {
        set(&mut row.rules);
        Event::RulesSet { rules: row.rules }
    })
    .await;
}

async fn change(fixture: &Fixture, change: impl FnOnce(&mut QueueRow) -> Event + Send + 'static) {
    let (game, db) = (fixture.game, fixture.db.clone());
    fixture
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut row = quota::lock(tx, game).await?;
                let event = change(&mut row);
                let now = db.now_in(tx).await?;
                quota::commit(tx, game, &mut row, now, &[event]).await
            })
        })
        .await
        .unwrap();
}

const PAY: &str =
    "UPDATE orders SET status = 1, paid_at = 1, pay_amount_fen = total_fen, transaction_id = order_no WHERE id = $1";

/// Changes the oldest order in some state as payments, refunds and their owners do.
async fn turn_one(
    fixture: &Fixture,
    which: &'static str,
    update: &'static str,
    turn: fn(&mut QueueRow, OrderPlaces) -> Event,
) {
    let (game, db) = (fixture.game, fixture.db.clone());
    let oldest = match which {
        "WHERE status = 0" => {
            "SELECT id, order_no, item_count AS places FROM orders WHERE status = 0 ORDER BY id LIMIT 1"
        }
        _ => {
            "SELECT id, order_no, item_count - refunded_count AS places FROM orders WHERE status = 1 ORDER BY id LIMIT 1"
        }
    };
    fixture
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut row = quota::lock(tx, game).await?;
                let Some(order) = tx.fetch_optional(oldest, args![]).await? else { return Ok(()) };
                let event = turn(&mut row, places(&order));
                end(tx, &order, update).await?;
                let now = db.now_in(tx).await?;
                quota::commit(tx, game, &mut row, now, &[event]).await
            })
        })
        .await
        .unwrap();
}

/// Gives one registration of the oldest order back that keeps others, by the code that does it for registrants.
async fn give_one_back(fixture: &Fixture) {
    let sql = "SELECT o.id AS order_id, r.id, r.game_id FROM orders o JOIN registrations r ON r.order_id = o.id
               WHERE o.status = 1 AND o.item_count - o.refunded_count > 1 AND r.live = 1 ORDER BY o.id, r.id LIMIT 1";
    let Some(one) = fixture.db.fetch_optional(sql, args![]).await.unwrap() else { return };
    let (order, registration) = (OrderId(one.int("order_id").unwrap()), RegistrationId(one.int("id").unwrap()));
    let order = payments::order(&fixture.db, order).await.unwrap().unwrap();
    let (clock, subject) = (fixture.db.clone(), order.subject);
    let written = fixture.db.write(move |tx| {
        Box::pin(async move {
            // As paid by hand: an administrator's word ends it in the same transaction.
            let paid = Payment {
                order: order.id,
                provider: "offline".into(),
                transaction_id: order.order_no.to_string(),
                amount: order.total,
            };
            payments::insert_payment(tx, &paid, PaymentState::Settled, 0).await?;
            let locked = LockedOrder::take(tx, order.id, subject).await?;
            refunds::give_back_one(&clock, tx, locked, registration, Deadline::Waived).await
        })
    });
    written.await.unwrap();
}

fn places(order: &Row) -> OrderPlaces {
    OrderPlaces { order_no: order.text("order_no").unwrap(), places: order.int("places").unwrap() }
}

async fn end(tx: &mut Tx, order: &Row, update: &'static str) -> actors::error::Result<()> {
    let id = order.int("id")?;
    tx.execute(update, args![id]).await?;
    if update != PAY {
        quota::end_registrations(tx, &[quota::OrderKey { id }]).await?;
    }
    Ok(())
}

/// Everything that must agree with the row, counted in one statement: it runs after every operation.
const COUNTS: &str = "
SELECT (SELECT CAST(COALESCE(SUM(item_count - refunded_count), 0) AS BIGINT) FROM orders WHERE status = 1) AS sold,
       (SELECT CAST(COALESCE(SUM(item_count), 0) AS BIGINT) FROM orders WHERE status = 0) AS held,
       (SELECT COUNT(*) FROM registrations WHERE live = 1) AS registered,
       (SELECT COUNT(*) FROM queue_tokens WHERE state = 0) AS undecided,
       (SELECT COUNT(*) FROM queue_tokens WHERE state = 0 AND wait_position IS NOT NULL) AS wait_listed,
       (SELECT COUNT(*) FROM queue_tokens WHERE wait_position IS NOT NULL) AS positions,
       (SELECT COUNT(*) FROM queue_tokens WHERE state = 5 AND sequence > $1) AS left_ahead,
       (SELECT COUNT(*) FROM queue_tokens) AS tokens,
       (SELECT COUNT(*) FROM queue_tokens WHERE state = 1) AS ordered,
       (SELECT COUNT(*) FROM queue_tokens WHERE live = 1) AS live,
       (SELECT COUNT(*) FROM orders) AS orders,
       (SELECT COUNT(*) FROM orders WHERE status IN (0, 1)) AS live_orders";

/// By how many places the worst account passes its limit now, and that of a day.
const OVER: &str = "
SELECT CAST(COALESCE(MAX(u.open - u.most), 0) AS BIGINT) AS open,
       CAST(COALESCE(MAX(u.unpaid - u.most * $3), 0) AS BIGINT) AS unpaid
FROM (SELECT a.id, CASE WHEN COALESCE(a.open_places_allowance, 0) > $1 THEN a.open_places_allowance ELSE $1 END AS most,
             (SELECT COALESCE(SUM(t.group_size), 0) FROM queue_tokens t WHERE t.account_id = a.id AND t.state = 0)
             + (SELECT COALESCE(SUM(o.item_count), 0) FROM orders o WHERE o.account_id = a.id AND o.status = 0) AS open,
             (SELECT COALESCE(SUM(t.group_size), 0) FROM queue_tokens t
              WHERE t.account_id = a.id AND t.created_at > $2
                AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_no = t.order_no AND t.state = 1
                                                         AND o.paid_at IS NOT NULL)) AS unpaid
      FROM accounts a) u";

async fn check(fixture: &Fixture) -> Result<(), String> {
    let db = &fixture.db;
    let row = quota::row(db, fixture.game).await.map_err(|error| error.to_string())?;
    let counts = db.fetch_one(COUNTS, args![row.head]).await.unwrap();
    let count = |name: &str| counts.int(name).unwrap();
    let quota = row.quota;
    let expected = [
        ("sold", quota.sold, count("sold")),
        ("held", quota.held, count("held")),
        ("live registrations", quota.sold + quota.held, count("registered")),
        ("undecided", row.tail - row.head + row.wait_listed - count("left_ahead"), count("undecided")),
        ("wait-listed", row.wait_listed, count("wait_listed")),
        ("positions on the wait-list", row.wait_listed, count("positions")),
        ("tokens", row.tail, count("tokens")),
        ("orders of tokens", count("ordered"), count("orders")),
        ("live tokens", count("live"), count("undecided") + count("live_orders")),
    ];
    for (what, left, right) in expected {
        if left != right {
            return Err(format!("{what}: {left} is not {right} in {row:?}"));
        }
    }
    let over = db.fetch_one(OVER, args![MOST_OPEN, db.now_ms() - WINDOW_MS, ROUNDS]).await.unwrap();
    let over = ["open", "unpaid"].map(|name| over.int(name).unwrap());
    if over.iter().any(|places| *places > 0) {
        return Err(format!("an account has more open places than it may: {over:?}"));
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
        change(&fixture, |row| {
            row.quota.give_back_held(1);
            Event::NoticeSet { notice: "not what happened".to_owned() }
        })
        .await;
        assert!(check(&fixture).await.is_err());
        let report = replay(&fixture.db, fixture.game).await.unwrap();
        assert!(report.differences.iter().any(|it| it.starts_with("held: the log says 1")), "{report:?}");
    })
    .await;
}

/// And an account that keeps too much.
#[actix_web::test]
async fn model_check_sees_an_account_over_its_limit() {
    on_each(12, async |fixture| {
        let ledger = SqlQuotaLedger::new(fixture.db.clone(), 60);
        ledger.enqueue(fixture.game, vec![request(2, &[1, 2, 3, 4, 5, 6])]).await.unwrap();
        assert_eq!(check(&fixture).await, Ok(()));
        ledger.enqueue(fixture.game, vec![request(2, &[7])]).await.unwrap();
        assert!(check(&fixture).await.is_err_and(|fault| fault.contains("open places")));
    })
    .await;
}
