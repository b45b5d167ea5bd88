//! Work that must survive a crash: rows that one loop on any node takes, does and marks done.

use serde::Serialize;

use super::db::{Db, StoreError, Tx};
use crate::args;

/// One piece of work, claimed by this node until its next try is due.
#[derive(Debug, Clone)]
pub struct Work {
    pub id: i64,
    pub kind: String,
    /// Whose server it goes to, where there are several.
    pub party: String,
    /// JSON, as given to `insert`.
    pub payload: String,
    /// Tries so far, this one included.
    pub attempts: i64,
    pub created_at: i64,
}

const INSERT: &str = "
INSERT INTO outbox (kind, work_key, payload, next_at, created_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (work_key) DO NOTHING";

/// Adds work in the transaction that made it necessary. The same `work_key` again adds nothing.
pub async fn insert(
    tx: &mut Tx,
    kind: &str,
    work_key: &str,
    payload: &impl Serialize,
    now_ms: i64,
) -> Result<(), StoreError> {
    let payload = serde_json::to_string(payload).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    tx.execute(INSERT, args![kind, work_key, payload, now_ms]).await.map(drop)
}

const INSERT_LATER: &str = "
INSERT INTO outbox (kind, work_key, payload, next_at, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id";

/// Adds work of a new key that the loop leaves alone until `next_at`: who adds it does it. Answers its id.
pub async fn insert_later(
    tx: &mut Tx,
    kind: &str,
    work_key: &str,
    payload: &impl Serialize,
    next_at: i64,
    now_ms: i64,
) -> Result<i64, StoreError> {
    let payload = serde_json::to_string(payload).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    tx.fetch_one(INSERT_LATER, args![kind, work_key, payload, next_at, now_ms]).await?.int("id")
}

/// Removes work that is not to be tried again.
pub async fn forget(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM outbox WHERE id = $1", args![id]).await.map(drop)
}

/// Empties the payload of work that is done: it names a person.
pub async fn empty(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE outbox SET payload = '{}' WHERE id = $1 AND state = 1", args![id]).await.map(drop)
}

/// Which work stands in one line. What goes to servers that may be slow or silent must not keep money waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Refunds, inquiries, bills, short messages, pictures.
    Ours,
    Mail,
    /// To other applications, each of which gets its share.
    Notices,
}

impl Lane {
    pub const ALL: [Self; 3] = [Self::Ours, Self::Mail, Self::Notices];
}

const DUE_OURS: &str = "
SELECT id, kind, party, payload, attempts, created_at FROM outbox
WHERE state = 0 AND next_at <= $1 AND kind NOT IN ('mail', 'sso_notice') ORDER BY next_at, id LIMIT $2";
const DUE_MAIL: &str = "
SELECT id, kind, party, payload, attempts, created_at FROM outbox
WHERE state = 0 AND next_at <= $1 AND kind = 'mail' ORDER BY next_at, id LIMIT $2";
/// The oldest of each party, then the second of each.
const DUE_NOTICES: &str = "
SELECT id, kind, party, payload, attempts, created_at
FROM (SELECT id, kind, party, payload, attempts, created_at, next_at,
             ROW_NUMBER() OVER (PARTITION BY party ORDER BY next_at, id) AS turn
      FROM outbox WHERE state = 0 AND next_at <= $1 AND kind = 'sso_notice') turns
WHERE turn <= 2 ORDER BY turn, next_at, id LIMIT $2";

/// Work whose time has come, oldest first. Not claimed yet.
pub async fn due(db: &Db, lane: Lane, now_ms: i64, limit: i64) -> Result<Vec<Work>, StoreError> {
    let sql = match lane {
        Lane::Ours => DUE_OURS,
        Lane::Mail => DUE_MAIL,
        Lane::Notices => DUE_NOTICES,
    };
    db.fetch_all(sql, args![now_ms, limit])
        .await?
        .into_iter()
        .map(|row| {
            Ok(Work {
                id: row.int("id")?,
                kind: row.text("kind")?,
                party: row.text("party")?,
                payload: row.text("payload")?,
                attempts: row.int("attempts")?,
                created_at: row.int("created_at")?,
            })
        })
        .collect()
}

const CLAIM: &str = "
UPDATE outbox SET attempts = attempts + 1, next_at = $3 WHERE id = $1 AND state = 0 AND attempts = $2";

/// Counts a try and puts the next one off, so that no other node takes the work meanwhile. False: another node has it.
pub async fn claim(tx: &mut Tx, id: i64, attempts_before: i64, next_at: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(CLAIM, args![id, attempts_before, next_at]).await? == 1)
}

const DONE: &str = "UPDATE outbox SET state = 1, done_at = $2, last_error = NULL WHERE id = $1 AND state <> 1";

/// Marks work done in the transaction that keeps its outcome. False: it was done already.
pub async fn done(tx: &mut Tx, id: i64, now_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(DONE, args![id, now_ms]).await? == 1)
}

const FAILED: &str = "
UPDATE outbox SET last_error = $2, state = CASE WHEN attempts >= $3 THEN 2 ELSE 0 END
WHERE id = $1 AND state = 0";

/// Keeps why a try failed; after `most_attempts` the work is given up.
pub async fn failed(tx: &mut Tx, id: i64, reason: &str, most_attempts: i64) -> Result<(), StoreError> {
    tx.execute(FAILED, args![id, reason, most_attempts]).await.map(drop)
}

const GIVE_UP: &str = "UPDATE outbox SET state = 2, last_error = $2 WHERE id = $1 AND state = 0";

/// Gives work up at once, whatever its tries.
pub async fn give_up(tx: &mut Tx, id: i64, reason: &str) -> Result<(), StoreError> {
    tx.execute(GIVE_UP, args![id, reason]).await.map(drop)
}

const REVIVE: &str = "UPDATE outbox SET state = 0, attempts = 0, next_at = $2 WHERE id = $1 AND state = 2";

/// Makes work due that was given up. False: it is not given up.
pub async fn revive(tx: &mut Tx, id: i64, now_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(REVIVE, args![id, now_ms]).await? == 1)
}

const HASTEN: &str = "
UPDATE outbox SET next_at = $3, attempts = CASE WHEN state = 2 THEN 0 ELSE attempts END,
                  state = CASE WHEN state = 2 THEN 0 ELSE state END
WHERE id = $1 AND kind = $2
RETURNING payload";

/// Makes work due, also if it was given up; work that is done stays so. Answers its payload; none: there is no such work.
pub async fn hasten(tx: &mut Tx, id: i64, kind: &str, now_ms: i64) -> Result<Option<String>, StoreError> {
    let row = tx.fetch_optional(HASTEN, args![id, kind, now_ms]).await?;
    row.map(|row| row.text("payload")).transpose()
}
