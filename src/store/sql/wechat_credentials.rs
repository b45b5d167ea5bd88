//! WeChat's account-wide access token and ticket, shared by all nodes: sealed values and the lease by which one node at a
//! time asks for new ones.

use super::db::{Db, StoreError, Tx};
use crate::args;

/// Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCredential {
    /// Empty before the first one.
    pub sealed: String,
    pub expires_at: i64,
}

const READ: &str = "SELECT value_sealed, expires_at FROM wechat_credentials WHERE app_id = $1 AND name = $2";

pub async fn read(db: &Db, app_id: &str, name: &str) -> Result<Option<StoredCredential>, StoreError> {
    let row = db.fetch_optional(READ, args![app_id, name]).await?;
    row.map(|row| Ok(StoredCredential { sealed: row.text("value_sealed")?, expires_at: row.int("expires_at")? }))
        .transpose()
}

const LEASED: &str = "
SELECT 1 AS one FROM wechat_credentials WHERE app_id = $1 AND name = $2 AND lease_until > $3";

/// Whether nobody has the right to renew now.
pub async fn lease_is_free(db: &Db, app_id: &str, name: &str, now_ms: i64) -> Result<bool, StoreError> {
    Ok(db.fetch_optional(LEASED, args![app_id, name, now_ms]).await?.is_none())
}

const MAKE: &str = "
INSERT INTO wechat_credentials (app_id, name) VALUES ($1, $2) ON CONFLICT (app_id, name) DO NOTHING";

const LEASE: &str = "
UPDATE wechat_credentials SET lease_until = $3
WHERE app_id = $1 AND name = $2 AND lease_until <= $4 AND expires_at <= $5";

/// Takes the right to renew until `until`. False: another has it, or the value is good beyond `good_until` again.
pub async fn lease(
    tx: &mut Tx,
    app_id: &str,
    name: &str,
    until: i64,
    now_ms: i64,
    good_until: i64,
) -> Result<bool, StoreError> {
    tx.execute(MAKE, args![app_id, name]).await?;
    Ok(tx.execute(LEASE, args![app_id, name, until, now_ms, good_until]).await? == 1)
}

const KEEP: &str = "
UPDATE wechat_credentials SET value_sealed = $4, expires_at = $5, lease_until = 0
WHERE app_id = $1 AND name = $2 AND lease_until = $3";

/// Keeps a new value and ends the lease, which is named by its end. False: it was over and another has it.
pub async fn keep(
    tx: &mut Tx,
    app_id: &str,
    name: &str,
    lease: i64,
    new: &StoredCredential,
) -> Result<bool, StoreError> {
    let columns = args![app_id, name, lease, &new.sealed, new.expires_at];
    Ok(tx.execute(KEEP, columns).await? == 1)
}

const PUT_OFF: &str = "
UPDATE wechat_credentials SET lease_until = $4 WHERE app_id = $1 AND name = $2 AND lease_until = $3";

/// After a failure: nobody tries before `until`.
pub async fn put_off(tx: &mut Tx, app_id: &str, name: &str, lease: i64, until: i64) -> Result<(), StoreError> {
    tx.execute(PUT_OFF, args![app_id, name, lease, until]).await.map(drop)
}

const FORGET: &str = "
UPDATE wechat_credentials SET expires_at = 0 WHERE app_id = $1 AND name = $2 AND value_sealed = $3";

/// Marks a value as over that WeChat no longer takes; another value stays.
pub async fn forget(tx: &mut Tx, app_id: &str, name: &str, sealed: &str) -> Result<(), StoreError> {
    tx.execute(FORGET, args![app_id, name, sealed]).await.map(drop)
}
