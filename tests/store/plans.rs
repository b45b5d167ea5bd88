//! How SQLite runs the batch statements: the batch is walked once and each row found by an index. The other way round,
//! a game with 100,000 tokens costs seconds a batch, and no other test would notice.

use matchday::store::sql::db::Dialect;
use matchday::store::sql::quota;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row};

use super::databases::sqlite;

/// Tables that grow with the event; to walk one of them inside a batch is the fault.
const GROWING: [&str; 5] = ["queue_tokens", "orders", "registrations", "players", "accounts"];

async fn plan(path: &std::path::Path, sql: &'static str) -> Vec<String> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
    let rows = rows.bind("[]").bind(1_i64).bind(1_i64).bind(1_i64).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail")).collect()
}

/// The first step that walks more than the row it looks for.
fn fault(plan: &[String]) -> Option<&String> {
    let batch = plan.iter().position(|step| step.starts_with("SCAN json_each")).unwrap_or(usize::MAX);
    plan.iter().enumerate().find_map(|(index, step)| {
        let table = GROWING.iter().any(|table| step.contains(table))
            || step.contains("SEARCH t ")
            || step.contains("SEARCH g ");
        let games_own_row = step.contains("INTEGER PRIMARY KEY");
        (table && !games_own_row && index < batch).then_some(step)
    })
}

#[actix_web::test]
async fn batches_are_walked_once() {
    let fixture = sqlite(0).await;
    let matchday::store::sql::db::DatabaseUrl::Sqlite(path) = &fixture.url else { unreachable!() };
    for (name, statement) in quota::batch_statements() {
        let plan = plan(path, statement.text(Dialect::Sqlite)).await;
        assert_eq!(fault(&plan), None, "{name}: {plan:?}");
    }
}

/// Walking all tokens of a game for each account would stop a large line.
#[actix_web::test]
async fn open_places_are_counted_by_account() {
    let fixture = sqlite(0).await;
    let matchday::store::sql::db::DatabaseUrl::Sqlite(path) = &fixture.url else { unreachable!() };
    let statements = quota::batch_statements();
    let (_, counted) = statements.into_iter().find(|(name, _)| *name == "open places").unwrap();
    let plan = plan(path, counted.text(Dialect::Sqlite)).await;
    let found = |step: &str| plan.iter().any(|it| it.contains(step));
    assert!(found("queue_tokens_by_account (game_id=? AND account_id=?)") && found("(order_no=?)"), "{plan:?}");
}

/// The red twin: the game as a parameter turns the loops round.
#[actix_web::test]
async fn game_as_a_parameter_walks_the_whole_line() {
    let fixture = sqlite(0).await;
    let matchday::store::sql::db::DatabaseUrl::Sqlite(path) = &fixture.url else { unreachable!() };
    let sql = "UPDATE queue_tokens SET state = r.state FROM (SELECT json_extract(value, '$.sequence') AS sequence,
               json_extract(value, '$.state') AS state FROM json_each($1)) AS r
               WHERE queue_tokens.game_id = $2 AND queue_tokens.sequence = r.sequence";
    let plan = plan(path, sql).await;
    assert!(fault(&plan).is_some(), "{plan:?}");
}
