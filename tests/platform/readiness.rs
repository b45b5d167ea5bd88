//! `/readyz` when the database answers and takes no writes; and that it recovers by itself.

use std::path::{Path, PathBuf};

use matchday::args;
use matchday::store::sql::inspect;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::support::{TestApp, eventually, postgres, spawn_app, spawn_app_in};

async fn readiness(app: &TestApp) -> (u16, String) {
    let answer = app.get("/readyz").await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn turns(app: &TestApp, status: u16) {
    eventually("readiness turns", async || readiness(app).await.0 == status).await;
}

/// A server whose database is a SQLite file, and the path of that file.
async fn on_sqlite(folder: &Path) -> (TestApp, PathBuf) {
    let app = spawn_app_in(folder, &[("database.write_check_seconds", "1")]).await;
    assert_eq!(readiness(&app).await.0, 200);
    (app, folder.join("matchday.db"))
}

#[actix_web::test]
async fn sqlite_that_takes_no_writes_is_noticed_until_it_does_again() {
    let folder = tempfile::tempdir().unwrap();
    let (app, path) = on_sqlite(folder.path()).await;
    // Whoever has the write lock keeps all others from writing, and nobody from reading.
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    turns(&app, 503).await;
    assert!(readiness(&app).await.1.contains("database takes no writes"));
    assert_eq!(app.get("/api/lobby").await.status(), 200, "it still reads");
    assert_eq!(app.get("/healthz").await.status(), 200);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    turns(&app, 200).await;
}

#[actix_web::test]
async fn sqlite_that_refuses_a_write_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (app, _) = on_sqlite(folder.path()).await;
    let sql = "PRAGMA query_only = 1";
    let _ = app.context.db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![]).await?) })).await;
    turns(&app, 503).await;
}

#[actix_web::test]
async fn postgres_that_only_reads_is_noticed_until_it_writes_again() {
    let Some(database) = postgres::Database::create().await else { return };
    let app = spawn_app(&[("database.write_check_seconds", "1"), ("database.url", &database.url)]).await;
    assert_eq!(readiness(&app).await.0, 200);
    let (base, name) = database.url.rsplit_once('/').unwrap();
    let mut admin = PgConnection::connect(&format!("{base}/postgres")).await.unwrap();
    let mut set = async |what: &str| {
        for sql in [
            format!("ALTER DATABASE {name} {what}"),
            // Connections that are open keep what they began with.
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
        ] {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        }
    };
    set("SET default_transaction_read_only = on").await;
    eventually("the light is red", async || readiness(&app).await.1.contains("database takes no writes")).await;
    let looked_at = inspect::open(&database.url.parse().unwrap()).await.unwrap();
    let reason = inspect::refuses_writes(&looked_at).await.unwrap().unwrap();
    assert!(reason.starts_with("is set to take no writes"), "the doctor's words: {reason}");
    looked_at.close().await;
    set("RESET default_transaction_read_only").await;
    turns(&app, 200).await;
    app.stop().await;
    database.drop().await;
}
