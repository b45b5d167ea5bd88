//! Seals what older versions stored in plain text, once, at the start: the key is not in the database, so a migration
//! cannot. Bounded batches, each its own transaction; interrupted it goes on at the next start, and nodes that start
//! together do not disturb each other.

use actors::error::DomainError;
use anyhow::Context;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnectOptions;

use super::db::{DatabaseUrl, Db, Tx};
use crate::args;
use crate::vault::Vault;

/// Rows of one transaction.
const BATCH: i64 = 500;

/// A column of phones or keys; a text shorter than 38 characters is none that `Vault::seal` made.
struct Column {
    table: &'static str,
    /// The next rows that are plain: `id`, `plain`.
    plain: &'static str,
    /// `$1` id, `$2` plain text as read, `$3` sealed, `$4` key where there is one. Changes nothing when the row is not
    /// as it was read.
    seal: &'static str,
    has_key: bool,
}

const COLUMNS: [Column; 7] = [
    Column {
        table: "accounts",
        plain: "SELECT id, mobile_sealed AS plain FROM accounts
                WHERE mobile_sealed IS NOT NULL AND mobile_key IS NULL ORDER BY id LIMIT $1",
        seal: "UPDATE accounts SET mobile_sealed = $3, mobile_key = $4
               WHERE id = $1 AND mobile_sealed = $2 AND mobile_key IS NULL",
        has_key: true,
    },
    Column {
        table: "members",
        plain: "SELECT id, mobile_sealed AS plain FROM members
                WHERE mobile_sealed IS NOT NULL AND mobile_key IS NULL ORDER BY id LIMIT $1",
        seal: "UPDATE members SET mobile_sealed = $3, mobile_key = $4
               WHERE id = $1 AND mobile_sealed = $2 AND mobile_key IS NULL",
        has_key: true,
    },
    Column {
        table: "orders",
        plain: "SELECT id, phone_sealed AS plain FROM orders
                WHERE phone_sealed <> '' AND LENGTH(phone_sealed) < 38 ORDER BY id LIMIT $1",
        seal: "UPDATE orders SET phone_sealed = $3 WHERE id = $1 AND phone_sealed = $2",
        has_key: false,
    },
    Column {
        table: "feeds",
        plain: "SELECT id, phone_sealed AS plain FROM feeds
                WHERE phone_sealed <> '' AND LENGTH(phone_sealed) < 38 ORDER BY id LIMIT $1",
        seal: "UPDATE feeds SET phone_sealed = $3 WHERE id = $1 AND phone_sealed = $2",
        has_key: false,
    },
    Column {
        table: "sso_apps",
        plain: "SELECT id, app_key_sealed AS plain FROM sso_apps WHERE LENGTH(app_key_sealed) < 38 ORDER BY id LIMIT $1",
        seal: "UPDATE sso_apps SET app_key_sealed = $3 WHERE id = $1 AND app_key_sealed = $2",
        has_key: false,
    },
    Column {
        table: "sso_apps",
        plain: "SELECT id, app_secret_sealed AS plain FROM sso_apps
                WHERE LENGTH(app_secret_sealed) < 38 ORDER BY id LIMIT $1",
        seal: "UPDATE sso_apps SET app_secret_sealed = $3 WHERE id = $1 AND app_secret_sealed = $2",
        has_key: false,
    },
    Column {
        table: "hawk_credentials",
        plain: "SELECT id, hawk_key_sealed AS plain FROM hawk_credentials
                WHERE LENGTH(hawk_key_sealed) < 38 ORDER BY id LIMIT $1",
        seal: "UPDATE hawk_credentials SET hawk_key_sealed = $3 WHERE id = $1 AND hawk_key_sealed = $2",
        has_key: false,
    },
];

/// Seals every text that is still plain; answers how many. A SQLite file is rewritten then, so that no page keeps one.
pub async fn run(url: &DatabaseUrl, db: &Db, vault: &Vault) -> anyhow::Result<u64> {
    let mut sealed = 0;
    for column in &COLUMNS {
        loop {
            let vault = vault.clone();
            let batch = db.write(move |tx| Box::pin(async move { batch(tx, &vault, column).await })).await;
            let batch = batch.with_context(|| format!("sealing the texts of {}", column.table))?;
            if batch == 0 {
                break;
            }
            sealed += batch;
        }
    }
    if sealed > 0 {
        tracing::info!(sealed, "texts that older versions stored in plain text are sealed now");
        rewrite(url).await.context("rewriting the file without the plain texts")?;
    }
    Ok(sealed)
}

async fn batch(tx: &mut Tx, vault: &Vault, column: &Column) -> Result<u64, DomainError> {
    let rows = tx.fetch_all(column.plain, args![BATCH]).await?;
    for row in &rows {
        let (id, plain) = (row.int("id")?, row.text("plain")?);
        let mut args = args![id, &plain, vault.seal(&plain)];
        if column.has_key {
            args.push(free_key(tx, vault, column, id, &plain).await?.into());
        }
        tx.execute(column.seal, args).await?;
    }
    Ok(rows.len() as u64)
}

/// The key of a number. Two spellings of one number were two numbers before: the second gets a key of its own, so that
/// neither account loses its phone; a search finds the first.
async fn free_key(tx: &mut Tx, vault: &Vault, column: &Column, id: i64, plain: &str) -> Result<String, DomainError> {
    let key = vault.mobile_key(plain);
    let taken = match column.table {
        "accounts" => "SELECT id FROM accounts WHERE mobile_key = $1",
        _ => "SELECT id FROM members WHERE mobile_key = $1",
    };
    if tx.fetch_optional(taken, args![&key]).await?.is_none() {
        return Ok(key);
    }
    tracing::warn!(table = column.table, id, "the same phone in another spelling is another row's");
    Ok(vault.lookup_key("mobile of a second row", format!("{id}|{plain}").as_bytes()))
}

/// Postgres reuses the space of old row versions by itself.
async fn rewrite(url: &DatabaseUrl) -> anyhow::Result<()> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(()) };
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
    sqlx::query("VACUUM").execute(&mut connection).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
