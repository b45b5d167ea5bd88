//! Phones: the codes that prove them, how many were sent, whom they belong to, and the sandbox's messages. Phones and
//! addresses are keyed hashes here, or sealed.

use actors::domain::ids::AccountId;
use actors::error::{DomainError, Result};

use super::db::{Db, Row, StoreError, Tx};
use crate::args;

const RENEW: &str = "
INSERT INTO phone_codes (phone_key, code_hash, tries_left, sent_at, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (phone_key) DO UPDATE SET
    previous_hash = CASE
        WHEN phone_codes.tries_left <= 0 THEN NULL
        WHEN phone_codes.sent_at = 0 AND phone_codes.previous_expires_at > excluded.sent_at THEN phone_codes.previous_hash
        ELSE phone_codes.code_hash END,
    previous_expires_at = CASE
        WHEN phone_codes.sent_at = 0 AND phone_codes.previous_expires_at > excluded.sent_at
            THEN phone_codes.previous_expires_at
        ELSE phone_codes.expires_at END,
    code_hash = excluded.code_hash, tries_left = excluded.tries_left,
    sent_at = excluded.sent_at, expires_at = excluded.expires_at
WHERE phone_codes.sent_at <= $6";

/// The code a phone is to be sent.
#[derive(Debug, Clone)]
pub struct NewCode {
    pub phone_key: String,
    pub code_hash: String,
    pub tries: i64,
    pub sent_at: i64,
    pub expires_at: i64,
}

/// Adds a phone's code unless the last one was sent after `not_after`. False: it was. The last code stays good until its
/// own end, if it has tries left; a code that did not leave does not take that place. Both share the tries of the new one.
pub async fn renew_code(tx: &mut Tx, code: &NewCode, not_after: i64) -> Result<bool, StoreError> {
    let columns = args![&code.phone_key, &code.code_hash, code.tries, code.sent_at, code.expires_at, not_after];
    Ok(tx.execute(RENEW, columns).await? == 1)
}

/// When the phone was last sent a code; 0: never.
pub async fn code_sent_at(tx: &mut Tx, phone_key: &str) -> Result<i64, StoreError> {
    let row = tx.fetch_optional("SELECT sent_at FROM phone_codes WHERE phone_key = $1", args![phone_key]).await?;
    row.map_or(Ok(0), |row| row.int("sent_at"))
}

/// Lets the next code be sent at once: this one did not leave.
pub async fn code_did_not_leave(tx: &mut Tx, phone_key: &str, code_hash: &str) -> Result<(), StoreError> {
    let sql = "UPDATE phone_codes SET sent_at = 0 WHERE phone_key = $1 AND code_hash = $2";
    tx.execute(sql, args![phone_key, code_hash]).await.map(drop)
}

const COUNT: &str = "
INSERT INTO sms_counts (day, counted_key, sent) VALUES ($1, $2, 1)
ON CONFLICT (day, counted_key) DO UPDATE SET sent = sms_counts.sent + 1 RETURNING sent";

/// Counts one more message of a day; answers how many that makes.
pub async fn count_message(tx: &mut Tx, day: i64, key: &str) -> Result<i64, StoreError> {
    tx.fetch_one(COUNT, args![day, key]).await?.int("sent")
}

const TAKE_TRY: &str = "
UPDATE phone_codes SET tries_left = tries_left - 1
WHERE phone_key = $1 AND tries_left > 0 AND expires_at > $2
RETURNING code_hash, CASE WHEN previous_expires_at > $2 THEN previous_hash END AS previous_hash";

/// The hashes of a phone's good codes.
#[derive(Debug, Clone)]
pub struct GoodCodes {
    pub last: String,
    pub previous: Option<String>,
}

/// Spends one try, which all good codes share. `None`: no code that still counts.
pub async fn take_try(tx: &mut Tx, phone_key: &str, now_ms: i64) -> Result<Option<GoodCodes>, StoreError> {
    let row = tx.fetch_optional(TAKE_TRY, args![phone_key, now_ms]).await?;
    row.map(|row| Ok(GoodCodes { last: row.text("code_hash")?, previous: row.opt_text("previous_hash")? })).transpose()
}

pub async fn forget_code(tx: &mut Tx, phone_key: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM phone_codes WHERE phone_key = $1", args![phone_key]).await.map(drop)
}

const USE: &str = "
DELETE FROM phone_codes WHERE phone_key = $1 AND expires_at > $3
  AND (code_hash = $2 OR (previous_hash = $2 AND previous_expires_at > $3))";

/// Uses a code up, and with it the other one. False: it is over, or newer ones took its place.
pub async fn use_code(tx: &mut Tx, phone_key: &str, code_hash: &str, now_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(USE, args![phone_key, code_hash, now_ms]).await? == 1)
}

const BIND_FIRST: &str = "
UPDATE accounts SET mobile_key = $2, mobile_sealed = $3
WHERE id = $1 AND password_hash = $4 AND (mobile_key IS NULL OR mobile_key = $2)";

/// Gives the phone to an account that has none, or this one, and whose password is still the one of `password_hash`.
/// False: it is not so any more.
///
/// Errors: `Conflict` on `mobile` when another account has it.
pub async fn bind_first(
    tx: &mut Tx,
    account: AccountId,
    phone_key: &str,
    phone_sealed: &str,
    password_hash: &str,
) -> Result<bool> {
    match tx.execute(BIND_FIRST, args![account.0, phone_key, phone_sealed, password_hash]).await {
        Err(error) if error.is_unique_violation() => Err(DomainError::Conflict { field: "mobile".into() }),
        done => Ok(done? == 1),
    }
}

const BIND: &str = "UPDATE accounts SET mobile_key = $2, mobile_sealed = $3 WHERE id = $1";

/// Gives the phone to an account, in place of the one it had.
///
/// Errors: `Conflict` on `mobile` when another account has it.
pub async fn bind(tx: &mut Tx, account: AccountId, phone_key: &str, phone_sealed: &str) -> Result<()> {
    match tx.execute(BIND, args![account.0, phone_key, phone_sealed]).await {
        Err(error) if error.is_unique_violation() => Err(DomainError::Conflict { field: "mobile".into() }),
        done => Ok(done.map(drop)?),
    }
}

const JOIN: &str = "
UPDATE members SET account_id = $1
WHERE mobile_key = $2 AND account_id IS NULL AND deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM members other WHERE other.account_id = $1)";

/// Joins the athlete's record of that phone, if there is one that nobody has, to an account that has none. True: joined.
pub async fn join_member(tx: &mut Tx, account: AccountId, phone_key: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(JOIN, args![account.0, phone_key]).await? == 1)
}

const KEEP: &str = "
INSERT INTO sandbox_sms (phone_key, message_sealed, work_id, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (work_id) DO NOTHING";

/// A message of the sandbox, sealed, instead of a phone that rings.
pub async fn keep_message(
    tx: &mut Tx,
    phone_key: &str,
    sealed: &str,
    work_id: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(KEEP, args![phone_key, sealed, work_id, now_ms]).await.map(drop)
}

/// A message of the sandbox.
pub struct KeptMessage {
    pub id: i64,
    pub sealed: String,
    pub created_at: i64,
}

fn kept(row: &Row) -> Result<KeptMessage, StoreError> {
    Ok(KeptMessage { id: row.int("id")?, sealed: row.text("message_sealed")?, created_at: row.int("created_at")? })
}

const MESSAGES_TO: &str = "
SELECT id, message_sealed, created_at FROM sandbox_sms WHERE phone_key = $1 ORDER BY id DESC LIMIT $2";
const MESSAGES: &str = "SELECT id, message_sealed, created_at FROM sandbox_sms ORDER BY id DESC LIMIT $1";

/// The last messages to one phone, newest first.
pub async fn messages_to(db: &Db, phone_key: &str, limit: i64) -> Result<Vec<KeptMessage>, StoreError> {
    db.fetch_all(MESSAGES_TO, args![phone_key, limit]).await?.iter().map(kept).collect()
}

/// The last messages to anybody, newest first.
pub async fn messages(db: &Db, limit: i64) -> Result<Vec<KeptMessage>, StoreError> {
    db.fetch_all(MESSAGES, args![limit]).await?.iter().map(kept).collect()
}

/// Removes what nothing asks for any more: codes that are over, counts of days before `day`, and messages of before
/// `before_ms`, also those that were given up.
pub async fn sweep(tx: &mut Tx, day: i64, now_ms: i64, before_ms: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM phone_codes WHERE expires_at <= $1", args![now_ms]).await?;
    tx.execute("DELETE FROM sms_counts WHERE day < $1", args![day]).await?;
    tx.execute("DELETE FROM sandbox_sms WHERE created_at <= $1", args![before_ms]).await?;
    tx.execute("DELETE FROM outbox WHERE kind = 'sms' AND state <> 0 AND created_at <= $1", args![before_ms]).await?;
    Ok(())
}
