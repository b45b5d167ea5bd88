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

/// An account's mail address and whether it waits for it to be confirmed, under its lock. `None`: there is no such account.
pub async fn standing(tx: &mut Tx, account: AccountId) -> Result<Option<(bool, Option<String>)>, StoreError> {
    tx.execute("UPDATE accounts SET email_pending = email_pending WHERE id = $1", args![account.0]).await?;
    let sql = "SELECT email_pending, email_sealed FROM accounts WHERE id = $1";
    let row = tx.fetch_optional(sql, args![account.0]).await?;
    row.map(|row| Ok((row.flag("email_pending")?, row.opt_text("email_sealed")?))).transpose()
}

const OVERDUE: &str = "
SELECT a.id FROM accounts a
WHERE a.email_pending = 1 AND a.register_time <= $1
  AND NOT EXISTS (SELECT 1 FROM mail_confirmations c WHERE c.account_id = a.id AND c.created_at > $1)
  AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.account_id = a.id)
ORDER BY a.id LIMIT $2";

/// Accounts that waited since before `before` and were sent no link since.
pub async fn overdue(db: &Db, before: i64, limit: i64) -> Result<Vec<AccountId>, StoreError> {
    let rows = db.fetch_all(OVERDUE, args![before, limit]).await?;
    rows.iter().map(|row| Ok(AccountId(row.int("id")?))).collect()
}

const RELEASE: &str = "
UPDATE accounts SET status = 0, login_name = NULL, email_key = NULL, email_sealed = NULL, email_pending = 0,
                    password_hash = NULL, password_kind = 0, username = ''
WHERE id = $1 AND email_pending = 1 AND register_time <= $2
  AND NOT EXISTS (SELECT 1 FROM mail_confirmations c WHERE c.account_id = $1 AND c.created_at > $2)
  AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.account_id = $1)";

/// Disables an account that is still overdue and lets its name and address go, with what was told of the person. False:
/// it waits no longer, or was sent a link meanwhile.
pub async fn release(tx: &mut Tx, account: AccountId, before: i64) -> Result<bool, StoreError> {
    if tx.execute(RELEASE, args![account.0, before]).await? == 0 {
        return Ok(false);
    }
    for sql in [
        "DELETE FROM mail_confirmations WHERE account_id = $1",
        "DELETE FROM sandbox_mails WHERE account_id = $1",
        "DELETE FROM sso_members WHERE account_id = $1",
    ] {
        tx.execute(sql, args![account.0]).await?;
    }
    let mails = "DELETE FROM outbox WHERE kind = 'mail' AND work_key LIKE $1";
    tx.execute(mails, args![format!("{MAIL}:{account}:%")]).await?;
    Ok(true)
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

/// Removes links that were over before `links_before`, mails of the sandbox and the outbox that left before
/// `mails_before`, and those that never left and were made before `given_up_before`.
pub async fn sweep(tx: &mut Tx, links_before: i64, mails_before: i64, given_up_before: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM mail_confirmations WHERE expires_at <= $1", args![links_before]).await?;
    tx.execute("DELETE FROM sandbox_mails WHERE created_at <= $1", args![mails_before]).await?;
    let sql = "DELETE FROM outbox WHERE kind = 'mail'
               AND ((state = 1 AND created_at <= $1) OR (state = 2 AND created_at <= $2))";
    tx.execute(sql, args![mails_before, given_up_before]).await.map(drop)
}
