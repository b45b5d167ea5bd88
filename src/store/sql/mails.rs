//! Mail: the links that confirm an address, and the sandbox's mails.

use actors::domain::ids::AccountId;

use super::db::{Db, StoreError, Tx};
use crate::args;

/// The kind of outbox work that is a mail. Its key names the account: `mail:ACCOUNT:…`.
pub const MAIL: &str = "mail";

pub async fn insert_confirmation(
    tx: &mut Tx,
    token_hash: &str,
    account: AccountId,
    expires_at: i64,
    now_ms: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO mail_confirmations (token_hash, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![token_hash, account.0, now_ms, expires_at]).await.map(drop)
}

/// Whether there is a link of a token's hash.
pub async fn knows_confirmation(db: &Db, token_hash: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM mail_confirmations WHERE token_hash = $1";
    Ok(db.fetch_optional(sql, args![token_hash]).await?.is_some())
}

/// A link that was sent.
#[derive(Debug, Clone)]
pub struct Confirmation {
    pub account: AccountId,
    pub expires_at: i64,
    /// Whether the account still waits.
    pub pending: bool,
    pub email_sealed: Option<String>,
}

/// The link of a token's hash, with its account under its lock.
pub async fn confirmation(tx: &mut Tx, token_hash: &str) -> Result<Option<Confirmation>, StoreError> {
    let lock = "UPDATE accounts SET email_pending = email_pending
                WHERE id = (SELECT c.account_id FROM mail_confirmations c WHERE c.token_hash = $1)";
    tx.execute(lock, args![token_hash]).await?;
    let sql = "SELECT c.account_id, c.expires_at, a.email_pending, a.email_sealed
               FROM mail_confirmations c JOIN accounts a ON a.id = c.account_id WHERE c.token_hash = $1";
    let row = tx.fetch_optional(sql, args![token_hash]).await?;
    row.map(|row| {
        Ok(Confirmation {
            account: AccountId(row.int("account_id")?),
            expires_at: row.int("expires_at")?,
            pending: row.flag("email_pending")?,
            email_sealed: row.opt_text("email_sealed")?,
        })
    })
    .transpose()
}

/// The account waits no longer. Links that were sent to it stay good for saying so again.
pub async fn confirm(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    tx.execute("UPDATE accounts SET email_pending = 0 WHERE id = $1", args![account.0]).await.map(drop)
}

/// When the last link was sent to an account, and how many since `since`. Only under the account's lock.
pub async fn sent(tx: &mut Tx, account: AccountId, since: i64) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT COUNT(*) AS links, COALESCE(MAX(created_at), 0) AS last
               FROM mail_confirmations WHERE account_id = $1 AND created_at > $2";
    let row = tx.fetch_one(sql, args![account.0, since]).await?;
    Ok((row.int("last")?, row.int("links")?))
}

/// A mail of the sandbox, sealed, instead of one that arrives.
pub async fn keep(tx: &mut Tx, account: i64, sealed: &str, work_id: i64, now_ms: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO sandbox_mails (account_id, mail_sealed, work_id, created_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (work_id) DO NOTHING";
    tx.execute(sql, args![account, sealed, work_id, now_ms]).await.map(drop)
}

pub struct KeptMail {
    pub id: i64,
    pub account: i64,
    pub sealed: String,
    pub created_at: i64,
}

/// The last mails of the sandbox, newest first.
pub async fn kept(db: &Db, limit: i64) -> Result<Vec<KeptMail>, StoreError> {
    let sql = "SELECT id, account_id, mail_sealed, created_at FROM sandbox_mails ORDER BY id DESC LIMIT $1";
    let rows = db.fetch_all(sql, args![limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(KeptMail {
                id: row.int("id")?,
                account: row.int("account_id")?,
                sealed: row.text("mail_sealed")?,
                created_at: row.int("created_at")?,
            })
        })
        .collect()
}

/// Removes links that were over before `links_before`, and mails of the sandbox and the outbox of before `mails_before`.
pub async fn sweep(tx: &mut Tx, links_before: i64, mails_before: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM mail_confirmations WHERE expires_at <= $1", args![links_before]).await?;
    tx.execute("DELETE FROM sandbox_mails WHERE created_at <= $1", args![mails_before]).await?;
    let sql = "DELETE FROM outbox WHERE kind = 'mail' AND state <> 0 AND created_at <= $1";
    tx.execute(sql, args![mails_before]).await.map(drop)
}
