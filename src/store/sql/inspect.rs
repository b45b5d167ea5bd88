//! A database that is only looked at: nothing is made, migrated or written, and a server may run on it meanwhile.

use super::db::{DatabaseUrl, Db, Dialect, StoreError};
use super::migrate;
use crate::args;
use crate::vault::Vault;

/// How the schema stands to the one this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// No table of ours.
    Empty,
    Current,
    /// This many migrations are still to come.
    Older(usize),
    /// A migration that this program does not know.
    Newer(i64),
    /// A migration that another text made, or that ended half-way.
    Different(i64),
}

const IS_THERE_SQLITE: &str = "SELECT 1 AS one FROM sqlite_schema WHERE name = '_sqlx_migrations'";
const IS_THERE_POSTGRES: &str = "SELECT 1 AS one WHERE to_regclass('_sqlx_migrations') IS NOT NULL";
const APPLIED_SQLITE: &str = "
SELECT version, CAST(success AS BIGINT) AS done, LOWER(HEX(checksum)) AS checksum FROM _sqlx_migrations ORDER BY version";
const APPLIED_POSTGRES: &str = "
SELECT version, CASE WHEN success THEN 1::bigint ELSE 0::bigint END AS done, ENCODE(checksum, 'hex') AS checksum
FROM _sqlx_migrations ORDER BY version";

/// Errors: a file that is not there or no database, a server that cannot be reached in 5 s or lets nobody in.
pub async fn open(url: &DatabaseUrl) -> anyhow::Result<Db> {
    Db::open_to_look(url).await
}

pub async fn schema(db: &Db) -> Result<Schema, StoreError> {
    let (is_there, applied) = match db.dialect() {
        Dialect::Sqlite => (IS_THERE_SQLITE, APPLIED_SQLITE),
        Dialect::Postgres => (IS_THERE_POSTGRES, APPLIED_POSTGRES),
    };
    if db.fetch_optional(is_there, args![]).await?.is_none() {
        return Ok(Schema::Empty);
    }
    let known = migrate::checksums(db.dialect());
    let applied = db.fetch_all(applied, args![]).await?;
    for row in &applied {
        let version = row.int("version")?;
        match known.iter().find(|(number, _)| *number == version) {
            None => return Ok(Schema::Newer(version)),
            Some((_, checksum)) if row.flag("done")? && row.text("checksum")? == *checksum => {}
            Some(_) => return Ok(Schema::Different(version)),
        }
    }
    Ok(match known.len().saturating_sub(applied.len()) {
        0 => Schema::Current,
        left if left == known.len() => Schema::Empty,
        left => Schema::Older(left),
    })
}

/// Whether the database was written with the vault's data key; none before its first start.
pub async fn has_key(db: &Db, vault: &Vault) -> Result<Option<bool>, StoreError> {
    let row = db.fetch_optional("SELECT value FROM data_key_check WHERE id = 1", args![]).await?;
    row.map(|row| Ok(row.text("value")? == super::data_key::mark(vault))).transpose()
}

const REFUSES: &str = "
SELECT CASE WHEN pg_is_in_recovery() THEN 'is a standby, which takes no writes'
            WHEN EXISTS (SELECT 1 FROM pg_db_role_setting s
                         WHERE 'default_transaction_read_only=on' = ANY (s.setconfig)
                           AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                           AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user)))
            THEN 'is set to take no writes (default_transaction_read_only)'
            WHEN NOT has_schema_privilege(current_schema(), 'USAGE, CREATE') THEN 'does not let this user make tables'
            WHEN to_regclass('accounts') IS NOT NULL AND NOT has_table_privilege('accounts', 'INSERT, UPDATE, DELETE')
            THEN 'does not let this user write into its tables' END AS reason";

/// Why a Postgres database would not take writes; none: it would.
pub async fn refuses_writes(db: &Db) -> Result<Option<String>, StoreError> {
    match db.dialect() {
        Dialect::Sqlite => Ok(None),
        Dialect::Postgres => db.fetch_one(REFUSES, args![]).await?.opt_text("reason"),
    }
}

/// The database server's clock in milliseconds; none with SQLite, which has this machine's.
pub async fn clock(db: &Db) -> Result<Option<i64>, StoreError> {
    match db.dialect() {
        Dialect::Sqlite => Ok(None),
        Dialect::Postgres => {
            let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";
            Ok(Some(db.fetch_one(sql, args![]).await?.int("now")?))
        }
    }
}

/// The enabled applications of SSO that are told of people, with where. Only of a database with this version's schema.
pub async fn told_applications(db: &Db) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = "SELECT id, notify_url FROM sso_apps WHERE status = 1 AND notify_url <> '' ORDER BY id";
    let rows = db.fetch_all(sql, args![]).await?;
    rows.iter().map(|row| Ok((row.int("id")?, row.text("notify_url")?))).collect()
}
