//! Addresses from which a person signed in lately, as keyed hashes; a bounded number per person.

use actors::domain::ids::AccountId;

use super::db::{Db, StoreError, Tx};
use crate::args;

/// Whether the address was seen after `since`, in milliseconds since 1970.
pub async fn is_known(db: &Db, subject_key: &str, address_key: &str, since: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS n FROM known_addresses WHERE subject_key = $1 AND address_key = $2 AND seen_at > $3";
    Ok(db.fetch_optional(sql, args![subject_key, address_key, since]).await?.is_some())
}

const REMEMBER: &str = "
INSERT INTO known_addresses (subject_key, address_key, seen_at) VALUES ($1, $2, $3)
ON CONFLICT (subject_key, address_key) DO UPDATE SET seen_at = excluded.seen_at";
const KEEP_NEWEST: &str = "
DELETE FROM known_addresses WHERE subject_key = $1 AND address_key NOT IN (
    SELECT newest.address_key FROM known_addresses newest WHERE newest.subject_key = $1
    ORDER BY newest.seen_at DESC, newest.address_key LIMIT $2)";

/// Remembers an address, and forgets all but the `most` newest of the person.
pub async fn remember(
    tx: &mut Tx,
    subject_key: &str,
    address_key: &str,
    most: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(REMEMBER, args![subject_key, address_key, now_ms]).await?;
    tx.execute(KEEP_NEWEST, args![subject_key, most]).await.map(drop)
}

pub async fn forget(tx: &mut Tx, subject_key: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM known_addresses WHERE subject_key = $1", args![subject_key]).await.map(drop)
}

/// Removes what was last seen at `until` or before.
pub async fn sweep(tx: &mut Tx, until: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM known_addresses WHERE seen_at <= $1", args![until]).await.map(drop)
}

/// The login name and the phone's keyed hash of an account.
pub async fn names_of(tx: &mut Tx, account: AccountId) -> Result<[Option<String>; 2], StoreError> {
    let row = tx.fetch_optional("SELECT login_name, mobile_key FROM accounts WHERE id = $1", args![account.0]).await?;
    row.map_or(Ok([None, None]), |row| Ok([row.opt_text("login_name")?, row.opt_text("mobile_key")?]))
}
