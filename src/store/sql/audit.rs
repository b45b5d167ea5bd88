//! The audit trail: who changed what and when, written in the transaction of the change itself; and who signed in, or
//! tried to. Entries on signing in are counted and pruned, because anybody can cause them.

use serde_json::Value;

use super::db::{StoreError, Tx};
use crate::args;

/// One act. `before` and `after` are the row's public form; None where there is none.
pub struct Entry<'e> {
    /// None: the command line or the server itself.
    pub admin_id: Option<i64>,
    pub admin_name: &'e str,
    /// `create`, `update`, `delete`, or the act's own verb.
    pub action: &'e str,
    /// The collection's name.
    pub entity: &'e str,
    pub entity_id: &'e str,
    pub before: Option<&'e Value>,
    pub after: Option<&'e Value>,
}

/// The span that entries on signing in are gathered by.
const PERIOD_MS: i64 = 3_600_000;

pub async fn insert(tx: &mut Tx, entry: &Entry<'_>, now: i64) -> Result<(), StoreError> {
    insert_in(tx, entry, None, now).await
}

/// Raises the count of the entry with this key in the hour of `now`. Returns false without such an entry.
pub async fn count_sign_in(tx: &mut Tx, key: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE audit SET times = times + 1, last_at = $3 WHERE period = $1 AND period_key = $2";
    Ok(tx.execute(sql, args![period(now), key, now]).await? == 1)
}

/// An entry on signing in. Within an hour those with the same key are one entry that counts.
pub async fn insert_sign_in(tx: &mut Tx, entry: &Entry<'_>, key: &str, now: i64) -> Result<(), StoreError> {
    insert_in(tx, entry, Some((period(now), key)), now).await
}

/// Entries on signing in of the hour of `now` whose key fits `pattern`.
pub async fn sign_ins(tx: &mut Tx, pattern: &str, now: i64) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) AS entries FROM audit WHERE period = $1 AND period_key LIKE $2";
    tx.fetch_one(sql, args![period(now), pattern]).await?.int("entries")
}

/// The start of the hour.
fn period(now: i64) -> i64 {
    now - now.rem_euclid(PERIOD_MS)
}

async fn insert_in(tx: &mut Tx, entry: &Entry<'_>, period: Option<(i64, &str)>, now: i64) -> Result<(), StoreError> {
    // Two nodes may write the first of an hour at the same time. NULLs never conflict.
    let sql = "INSERT INTO audit (at, admin_id, admin_name, action, entity, entity_id, before_json, after_json, \
               period, period_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               ON CONFLICT (period, period_key) DO UPDATE SET times = audit.times + 1, last_at = excluded.at";
    let args = args![
        now,
        entry.admin_id,
        entry.admin_name,
        entry.action,
        entry.entity,
        entry.entity_id,
        entry.before.map(Value::to_string),
        entry.after.map(Value::to_string),
        period.map(|(start, _)| start),
        period.map(|(_, key)| key),
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Removes at most `limit` entries on signing in of hours before `before`; returns how many.
pub async fn prune_sign_ins(tx: &mut Tx, before: i64, limit: i64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE period < $1 ORDER BY period LIMIT $2)";
    tx.execute(sql, args![before, limit]).await
}
