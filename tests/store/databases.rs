//! Fresh databases for a test: a SQLite file always, a Postgres database of its own when `TEST_POSTGRES_URL` names a
//! server. The test command of the README always names one.

use std::future::Future;
use std::str::FromStr;

use actors::domain::ids::{AccountId, GameId};
use matchday::args;
use matchday::store::sql::db::{DatabaseUrl, Db};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A database with one competition, `accounts` accounts (ids from 1) and one game (id 1) with places.
pub(crate) struct Fixture {
    pub(crate) db: Db,
    pub(crate) url: DatabaseUrl,
    pub(crate) game: GameId,
    _folder: Option<tempfile::TempDir>,
}

impl Fixture {
    /// A second node on the same database.
    pub(crate) async fn another_node(&self) -> Db {
        Db::open(&self.url).await.unwrap()
    }
}

/// Runs a case on every database there is.
pub(crate) async fn on_each<F: Future<Output = ()>>(limitation: i64, case: impl Fn(Fixture) -> F) {
    case(sqlite(limitation).await).await;
    if let Some(fixture) = postgres(limitation).await {
        case(fixture).await;
    }
}

pub(crate) async fn sqlite(limitation: i64) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("test.db"));
    let db = Db::open(&url).await.unwrap();
    prepare(&db, limitation).await;
    Fixture { db, url, game: GameId(1), _folder: Some(folder) }
}

pub(crate) async fn postgres(limitation: i64) -> Option<Fixture> {
    let server = std::env::var("TEST_POSTGRES_URL").ok()?;
    let name = format!("store_{:016x}", rand::random::<u64>());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let url = DatabaseUrl::from_str(&format!("{base}/{name}")).unwrap();
    let db = Db::open(&url).await.unwrap();
    prepare(&db, limitation).await;
    Some(Fixture { db, url, game: GameId(1), _folder: None })
}

#[test]
fn postgres_is_there_when_the_whole_suite_runs() {
    if std::env::var_os("MATCHDAY_TEST_ALL").is_some() {
        assert!(std::env::var_os("TEST_POSTGRES_URL").is_some(), "the store cases would run on SQLite only");
    }
}

async fn prepare(db: &Db, limitation: i64) {
    let now = db.now_ms();
    db.write(move |tx| {
        Box::pin(async move {
            let month = 30 * 86_400_000_i64;
            tx.execute(
                "INSERT INTO competitions (title, play_time, created_at) VALUES ('Test', $1, $2)",
                args![now + month, now],
            )
            .await?;
            tx.execute(
                "INSERT INTO games (competition_id, name, price_fen, start_time, created_at)
                 VALUES (1, 'ten', 8000, $1, $2)",
                args![now + month, now],
            )
            .await?;
            tx.execute("INSERT INTO game_queue (game_id, limitation, balance) VALUES (1, $1, $1)", args![limitation])
                .await?;
            for account in 1..=5 {
                tx.execute(
                    "INSERT INTO accounts (openid, register_time) VALUES ($1, $2)",
                    args![format!("openid-{account}"), now],
                )
                .await?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
}

pub(crate) async fn count(db: &Db, sql: &'static str) -> i64 {
    db.fetch_one(sql, args![]).await.unwrap().int("n").unwrap()
}

pub(crate) fn account(number: i64) -> AccountId {
    AccountId(number)
}
