//! `Db`: one database, SQLite or Postgres, behind one set of SQL texts with `$1` parameters.
//!
//! Reads go to a pool. Writes are closures over a `Tx`: Postgres runs each in its own transaction; SQLite has one writer
//! that takes what is waiting and commits it together (see `sqlite_writer`). Either way a write has happened, durably,
//! when `Db::write` returns `Ok`, and has changed nothing when it returns `Err`.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actors::error::DomainError;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, PgConnection, Row as _};
use tokio::sync::Semaphore;

pub use super::batch::{BatchSql, ColumnKind, json_rows};
use super::leftovers;
use super::sqlite_writer::SqliteWriter;
use crate::failpoints::{Failpoint, pass};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A bound parameter. NULLs are typed, because Postgres refuses an untyped one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

macro_rules! value_from {
    ($($from:ty => |$it:ident| $into:expr),* $(,)?) => {$(
        impl From<$from> for Value { fn from($it: $from) -> Self { $into } }
    )*};
}
value_from! {
    i64 => |it| Value::Int(Some(it)),
    u32 => |it| Value::Int(Some(i64::from(it))),
    bool => |it| Value::Int(Some(i64::from(it))),
    Option<i64> => |it| Value::Int(it),
    &str => |it| Value::Text(Some(it.to_owned())),
    &String => |it| Value::Text(Some(it.clone())),
    String => |it| Value::Text(Some(it)),
    Option<String> => |it| Value::Text(it),
    Option<&str> => |it| Value::Text(it.map(str::to_owned)),
}

/// `args![id, "text", None::<i64>]` → the parameters `$1`, `$2`, `$3`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::sql::db::Value::from($value)),*] };
}

/// A row of either database. Columns are read by name; a wrong name or type is a fault of ours (`Internal`).
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| StoreError::null(column))
    }

    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        self.opt_text(column)?.ok_or_else(|| StoreError::null(column))
    }

    pub fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn column_names(&self) -> Vec<String> {
        match self {
            Self::Sqlite(row) => row.columns().iter().map(|column| column.name().to_owned()).collect(),
            Self::Postgres(row) => row.columns().iter().map(|column| column.name().to_owned()).collect(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error("column {0} is null")]
    Null(String),
    #[error("stored value cannot be: {0}")]
    Corrupt(String),
    /// Postgres keeps no text with it, so that neither database is asked to.
    #[error("a text with the character U+0000")]
    Nul,
}

impl StoreError {
    fn null(column: &str) -> Self {
        Self::Null(column.to_owned())
    }

    /// A unique index refused the write.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// A CHECK constraint refused the write.
    pub fn is_check_violation(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_check_violation())
    }
}

impl From<StoreError> for DomainError {
    /// The cause is logged here, once; callers see a fact without its text.
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Nul) {
            return Self::Malformed("a text with the character U+0000".into());
        }
        let retryable = match &error {
            StoreError::Sql(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_)) => true,
            StoreError::Sql(sqlx::Error::Database(error)) => {
                // Postgres: serialization failure, deadlock, too many connections, shutting down. SQLite: busy, locked.
                matches!(error.code().as_deref(), Some("40001" | "40P01" | "53300" | "57P01" | "57P03" | "5" | "6"))
            }
            _ => false,
        };
        if retryable {
            tracing::warn!(%error, "database busy or away");
            Self::Busy { retry_after_seconds: 2 }
        } else {
            tracing::error!(%error, "database error");
            Self::Internal
        }
    }
}

/// One open transaction on either database.
pub enum Tx {
    Sqlite(SqliteConnection),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// Binds `$args` and runs one sqlx method with the right driver type.
macro_rules! run {
    ($sql:expr, $args:expr, $executor:expr, $method:ident) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for value in $args {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(Some(text)) if text.contains('\0') => return Err(StoreError::Nul),
                Value::Text(value) => query.bind(value),
            };
        }
        query.$method($executor).await
    }};
}

impl Tx {
    pub async fn fetch_all(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(conn) => run!(sql, args, &mut *conn, fetch_all)?.into_iter().map(Row::Sqlite).collect(),
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                run!(sql, args, conn, fetch_all)?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub async fn fetch_optional(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(conn) => run!(sql, args, &mut *conn, fetch_optional)?.map(Row::Sqlite),
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                run!(sql, args, conn, fetch_optional)?.map(Row::Postgres)
            }
        })
    }

    /// A row that must be there (an aggregate, a RETURNING of an insert).
    pub async fn fetch_one(&mut self, sql: &'static str, args: Vec<Value>) -> Result<Row, StoreError> {
        self.fetch_optional(sql, args).await?.ok_or(StoreError::Sql(sqlx::Error::RowNotFound))
    }

    /// The number of rows changed.
    pub async fn execute(&mut self, sql: &'static str, args: Vec<Value>) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(conn) => run!(sql, args, &mut *conn, execute)?.rows_affected(),
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                run!(sql, args, conn, execute)?.rows_affected()
            }
        })
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

#[derive(Clone)]
enum Pool {
    Sqlite { readers: SqlitePool, writer: SqliteWriter },
    Postgres(PgPool),
}

/// Cheap to clone; all clones share the pool and the writer.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    /// Milliseconds added to the database's time. Zero but in tests that let a payment window pass.
    clock_offset_ms: Arc<AtomicI64>,
    /// Bounds the Postgres writes under way, which go on when their caller is dropped. SQLite's writer has its queue.
    writes: Arc<Semaphore>,
}

/// `sqlite:PATH` or `postgres://…`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains(":memory:") {
                return Err("a SQLite database needs a file: sqlite:PATH".to_owned());
            }
            Ok(Self::Sqlite(PathBuf::from(path)))
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            PgConnectOptions::from_str(text).map_err(|error| error.to_string())?;
            Ok(Self::Postgres(text.to_owned()))
        } else {
            Err("must start with sqlite: or postgres://".to_owned())
        }
    }
}

const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 20;
/// Postgres writes under way or waiting for a connection; more wait for a place, then are told `Busy`.
const MOST_WRITES: usize = 1024;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl Db {
    /// Opens the database and brings it to the newest schema.
    pub async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let db = match url {
            DatabaseUrl::Sqlite(path) => Self::open_sqlite(path).await?,
            DatabaseUrl::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
                let pool = PgPoolOptions::new()
                    .max_connections(POSTGRES_CONNECTIONS)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .connect_with(options)
                    .await?;
                super::migrate::postgres(&pool).await?;
                Self {
                    pool: Pool::Postgres(pool),
                    clock_offset_ms: Arc::default(),
                    writes: Arc::new(Semaphore::new(MOST_WRITES)),
                }
            }
        };
        Ok(db)
    }

    /// Opens a database that must be there already and takes no writes through this.
    pub(super) async fn open_to_look(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let pool = match url {
            DatabaseUrl::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
                let options = options.options([("default_transaction_read_only", "on")]);
                // A pool tries until its time is over and says only that.
                let first = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
                first
                    .map_err(|_| anyhow::anyhow!("no answer within {} s", ACQUIRE_TIMEOUT.as_secs()))??
                    .close()
                    .await?;
                let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
                Pool::Postgres(pool.connect_with(options).await?)
            }
            DatabaseUrl::Sqlite(path) => {
                let mut log = path.as_os_str().to_owned();
                log.push("-wal");
                let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
                // Without a log nobody writes, and SQLite need not make files for those who would.
                let options = options.immutable(!Path::new(&log).exists());
                let writer = SqliteWriter::start(options.clone().connect().await?);
                let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
                Pool::Sqlite { readers: pool.connect_with(options).await?, writer }
            }
        };
        Ok(Self { pool, clock_offset_ms: Arc::default(), writes: Arc::new(Semaphore::new(1)) })
    }

    async fn open_sqlite(path: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        leftovers::create_private(path)?;
        // FULL: a commit is on the disk before it is answered. WAL: readers never wait for the writer.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(512)
            .pragma("temp_store", "memory")
            // A checkpoint writes every changed page once. After 32 MiB of WAL instead of 4 a page of an index has been
            // changed by many batches by then; the price is a WAL of that size and a start that reads it.
            .pragma("wal_autocheckpoint", "8192")
            .pragma("cache_size", "-8192")
            // What is deleted or replaced is overwritten in its page: an erased person must not be left in the file.
            .pragma("secure_delete", "fast")
            .disable_statement_logging();
        super::migrate::sqlite(&options).await?;
        // Keys are hashes, so a batch touches index pages all over; they should be in memory.
        let writer = SqliteWriter::start(options.clone().pragma("cache_size", "-131072").connect().await?);
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self {
            pool: Pool::Sqlite { readers, writer },
            clock_offset_ms: Arc::default(),
            writes: Arc::new(Semaphore::new(MOST_WRITES)),
        })
    }
}

impl Db {
    pub fn dialect(&self) -> Dialect {
        match self.pool {
            Pool::Sqlite { .. } => Dialect::Sqlite,
            Pool::Postgres(_) => Dialect::Postgres,
        }
    }

    pub async fn fetch_all(&self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        Ok(match &self.pool {
            Pool::Sqlite { readers, .. } => run!(sql, args, readers, fetch_all)?.into_iter().map(Row::Sqlite).collect(),
            Pool::Postgres(pool) => run!(sql, args, pool, fetch_all)?.into_iter().map(Row::Postgres).collect(),
        })
    }

    pub async fn fetch_optional(&self, sql: &'static str, args: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(match &self.pool {
            Pool::Sqlite { readers, .. } => run!(sql, args, readers, fetch_optional)?.map(Row::Sqlite),
            Pool::Postgres(pool) => run!(sql, args, pool, fetch_optional)?.map(Row::Postgres),
        })
    }

    pub async fn fetch_one(&self, sql: &'static str, args: Vec<Value>) -> Result<Row, StoreError> {
        self.fetch_optional(sql, args).await?.ok_or(StoreError::Sql(sqlx::Error::RowNotFound))
    }

    /// Runs `work` in one transaction. `Ok` means committed and on the disk; `Err` means nothing was changed. The work
    /// goes on to its end when the caller is dropped, so that a disconnected client never leaves a write half known.
    ///
    /// `db.write(move |tx| Box::pin(async move { … }))`
    pub async fn write<T, F>(&self, work: F) -> Result<T, DomainError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, DomainError>> + Send + 'static,
    {
        match &self.pool {
            Pool::Sqlite { writer, .. } => writer.write(work).await,
            Pool::Postgres(pool) => {
                let pool = pool.clone();
                let permit = tokio::time::timeout(ACQUIRE_TIMEOUT, self.writes.clone().acquire_owned()).await;
                let Ok(Ok(permit)) = permit else { return Err(DomainError::BUSY) };
                tokio::spawn(async move {
                    let _permit = permit;
                    let mut tx = Tx::Postgres(pool.begin().await.map_err(StoreError::from)?);
                    let outcome = work(&mut tx).await;
                    let Tx::Postgres(inner) = tx else {
                        return Err(DomainError::Internal);
                    };
                    match outcome {
                        Ok(value) => {
                            pass(Failpoint::PostgresBeforeCommit);
                            inner.commit().await.map_err(StoreError::from)?;
                            pass(Failpoint::PostgresAfterCommitBeforeAnswer);
                            Ok(value)
                        }
                        Err(error) => {
                            // A failed rollback drops the connection, which rolls back as well.
                            if let Err(error) = inner.rollback().await {
                                tracing::warn!(%error, "rollback");
                            }
                            Err(error)
                        }
                    }
                })
                .await
                .unwrap_or_else(|error| {
                    tracing::error!(%error, "a write panicked");
                    Err(DomainError::BUSY)
                })
            }
        }
    }

    /// The database's time in milliseconds, read inside the transaction and so under its locks. SQLite's clock is this
    /// machine's; Postgres' is its server's, the same for all nodes.
    pub async fn now_in(&self, tx: &mut Tx) -> Result<i64, StoreError> {
        let now = match tx {
            Tx::Sqlite(_) => system_now_ms(),
            Tx::Postgres(_) => {
                let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";
                tx.fetch_one(sql, args![]).await?.int("now")?
            }
        };
        Ok(now + self.clock_offset_ms.load(Ordering::Relaxed))
    }

    /// The time outside a transaction, for what needs no lock (expiry of sessions, stamps of content).
    pub fn now_ms(&self) -> i64 {
        system_now_ms() + self.clock_offset_ms.load(Ordering::Relaxed)
    }

    /// Lets time pass, for tests and rehearsals.
    pub fn advance_clock(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.clock_offset_ms.fetch_add(by, Ordering::Relaxed);
    }

    /// Writes that wait for SQLite's writer; `None` with Postgres.
    pub fn writer_queue(&self) -> Option<usize> {
        match &self.pool {
            Pool::Sqlite { writer, .. } => Some(writer.waiting()),
            Pool::Postgres(_) => None,
        }
    }

    /// Whether the database answers now; for readiness.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.fetch_one("SELECT 1 AS one", args![]).await.map(drop)
    }

    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

fn system_now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
