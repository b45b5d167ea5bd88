//! A fresh Postgres database a test, on the server that `TEST_POSTGRES_URL` names.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

pub struct Database {
    pub url: String,
    server: String,
    name: String,
}

impl Database {
    /// None when no server is named: the test runs on SQLite.
    pub async fn create() -> Option<Self> {
        let server = std::env::var("TEST_POSTGRES_URL").ok()?;
        let random: u64 = rand::random();
        let name = format!("matchday_test_{random:016x}");
        let (base, query) = match server.split_once('?') {
            Some((base, query)) => (base, format!("?{query}")),
            None => (server.as_str(), String::new()),
        };
        let authority_end = base.find("://").map_or(0, |at| at + 3);
        let path = base[authority_end..].find('/').map_or(base.len(), |at| authority_end + at);
        let url = format!("{}/{name}{query}", &base[..path]);
        run(&server, format!("CREATE DATABASE {name}")).await;
        Some(Self { url, server, name })
    }

    pub async fn drop(self) {
        run(&self.server, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await;
    }
}

async fn run(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
