//! Answers to writes that carried an `Idempotency-Key`, kept in the transaction of the write.

use actors::domain::ids::AdminId;

use super::db::{StoreError, Tx};
use crate::args;

/// Keys are forgotten after this long.
const KEPT_MS: i64 = 24 * 3600 * 1000;

pub struct Kept {
    pub request_hash: String,
    pub status: u16,
    pub body: String,
}

/// Takes the key, or answers what was kept under it. On Postgres a second request with the same key waits here for the
/// end of the first.
pub async fn take(
    tx: &mut Tx,
    admin: AdminId,
    key: &str,
    request_hash: &str,
    now: i64,
) -> Result<Option<Kept>, StoreError> {
    let sql = "DELETE FROM idempotency_keys WHERE admin_id = $1 AND created_at < $2";
    tx.execute(sql, args![admin.0, now - KEPT_MS]).await?;
    let sql = "INSERT INTO idempotency_keys (admin_id, idempotency_key, request_hash, status, body, created_at) \
               VALUES ($1, $2, $3, 0, '', $4) ON CONFLICT (admin_id, idempotency_key) DO NOTHING";
    if tx.execute(sql, args![admin.0, key, request_hash, now]).await? == 1 {
        return Ok(None);
    }
    let sql = "SELECT request_hash, status, body FROM idempotency_keys WHERE admin_id = $1 AND idempotency_key = $2";
    let row = tx.fetch_one(sql, args![admin.0, key]).await?;
    Ok(Some(Kept {
        request_hash: row.text("request_hash")?,
        status: u16::try_from(row.int("status")?).unwrap_or(500),
        body: row.text("body")?,
    }))
}

const SWEEP: &str = "
DELETE FROM idempotency_keys WHERE (admin_id, idempotency_key) IN
    (SELECT admin_id, idempotency_key FROM idempotency_keys WHERE created_at < $1 LIMIT $2)";

/// Removes at most `limit` keys of any administrator that are to be forgotten; answers how many.
pub async fn sweep(tx: &mut Tx, now: i64, limit: i64) -> Result<u64, StoreError> {
    tx.execute(SWEEP, args![now - KEPT_MS, limit]).await
}

/// Empties the answers that have `value` as a text of theirs, such as a phone.
pub async fn forget_value(tx: &mut Tx, value: &str) -> Result<(), StoreError> {
    let sql = "UPDATE idempotency_keys SET body = '' WHERE body LIKE $1";
    tx.execute(sql, args![format!("%\"{value}\"%")]).await.map(drop)
}

pub async fn keep(tx: &mut Tx, admin: AdminId, key: &str, status: u16, body: &str) -> Result<(), StoreError> {
    let sql = "UPDATE idempotency_keys SET status = $3, body = $4 WHERE admin_id = $1 AND idempotency_key = $2";
    tx.execute(sql, args![admin.0, key, i64::from(status), body]).await?;
    Ok(())
}
