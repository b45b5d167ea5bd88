//! SSO: the applications with their keys, the calls that were taken, who was registered, and whom to tell.

use actors::domain::ids::AccountId;

use super::db::{Db, StoreError, Tx};
use crate::args;

/// The kind of outbox work that tells an application of a registration.
pub const NOTICE: &str = "sso_notice";

/// An application as its calls are judged.
#[derive(Debug, Clone)]
pub struct StoredApp {
    pub id: i64,
    pub enabled: bool,
    pub may_register: bool,
    pub keys: SealedKeys,
    /// What was rotated away, and until when it is good (milliseconds since 1970).
    pub previous: Option<(SealedKeys, i64)>,
    /// A pattern a line.
    pub ip_allow: String,
    pub ip_bad: String,
    pub notify_url: String,
    /// JSON object of texts.
    pub notify_params: String,
}

#[derive(Debug, Clone)]
pub struct SealedKeys {
    pub key: String,
    pub secret: String,
}

const APP: &str = "
SELECT id, status, may_register, app_key_sealed, app_secret_sealed, previous_key_sealed, previous_secret_sealed,
       previous_until, ip_allow, ip_bad, notify_url, notify_params
FROM sso_apps WHERE id = $1";

pub async fn app(db: &Db, id: i64) -> Result<Option<StoredApp>, StoreError> {
    let Some(row) = db.fetch_optional(APP, args![id]).await? else { return Ok(None) };
    let previous = match (
        row.opt_text("previous_key_sealed")?,
        row.opt_text("previous_secret_sealed")?,
        row.opt_int("previous_until")?,
    ) {
        (Some(key), Some(secret), Some(until)) => Some((SealedKeys { key, secret }, until)),
        _ => None,
    };
    Ok(Some(StoredApp {
        id,
        enabled: row.flag("status")?,
        may_register: row.flag("may_register")?,
        keys: SealedKeys { key: row.text("app_key_sealed")?, secret: row.text("app_secret_sealed")? },
        previous,
        ip_allow: row.text("ip_allow")?,
        ip_bad: row.text("ip_bad")?,
        notify_url: row.text("notify_url")?,
        notify_params: row.text("notify_params")?,
    }))
}

/// Whether a call was taken already.
pub async fn knows_call(db: &Db, app: i64, sign: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM sso_calls WHERE app_id = $1 AND sign = $2";
    Ok(db.fetch_optional(sql, args![app, sign]).await?.is_some())
}

/// Notes a call in the transaction of what it does. False: it was taken already.
pub async fn take_call(tx: &mut Tx, app: i64, sign: &str, expires_at: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO sso_calls (app_id, sign, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![app, sign, expires_at]).await? == 1)
}

/// Forgets calls whose timestamp would be refused by now.
pub async fn forget_calls(tx: &mut Tx, now_ms: i64) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM sso_calls WHERE expires_at < $1", args![now_ms]).await
}

/// Whether a name, folded, or the key of a mail address has an account.
pub async fn has_name(db: &Db, folded: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM accounts WHERE login_name = $1";
    Ok(db.fetch_optional(sql, args![folded]).await?.is_some())
}

pub async fn has_mail(db: &Db, email_key: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM accounts WHERE email_key = $1";
    Ok(db.fetch_optional(sql, args![email_key]).await?.is_some())
}

/// What an application told of a person beside the account itself.
#[derive(Debug, Clone)]
pub struct NewMember {
    pub app: i64,
    pub user_name: String,
    pub contact_sealed: String,
    pub extend_sealed: String,
    pub address_sealed: String,
}

const INSERT_MEMBER: &str = "
INSERT INTO sso_members (account_id, app_id, user_name, contact_sealed, extend_sealed, address_sealed, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

pub async fn insert_member(tx: &mut Tx, account: AccountId, new: &NewMember, now_ms: i64) -> Result<(), StoreError> {
    let columns =
        args![account.0, new.app, &new.user_name, &new.contact_sealed, &new.extend_sealed, &new.address_sealed, now_ms];
    tx.execute(INSERT_MEMBER, columns).await.map(drop)
}

const ENQUEUE_NOTICES: &str = "
INSERT INTO outbox (kind, party, work_key, payload, next_at, created_at)
SELECT 'sso_notice', CAST(id AS TEXT), 'sso_notice:' || CAST(id AS TEXT) || ':' || $1 || $3,
       '{\"app\":' || CAST(id AS TEXT) || ',\"account\":' || $1 || '}', $2, $2
FROM sso_apps WHERE status = 1 AND notify_url <> ''
ON CONFLICT (work_key) DO NOTHING";

/// What applications are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    Registered,
    /// The mail address was.
    Confirmed,
}

/// One piece of work for each enabled application that wants to hear of people.
pub async fn enqueue_notices(
    tx: &mut Tx,
    account: AccountId,
    occasion: Occasion,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let suffix = match occasion {
        Occasion::Registered => "",
        Occasion::Confirmed => ":confirmed",
    };
    tx.execute(ENQUEUE_NOTICES, args![account.0.to_string(), now_ms, suffix]).await
}

/// What other applications are told of a person.
#[derive(Debug, Clone)]
pub struct ToldMember {
    pub user_name: String,
    pub email_sealed: Option<String>,
    pub email_pending: bool,
}

/// `None`: nobody was registered so, or the person was erased.
pub async fn told_member(db: &Db, account: i64) -> Result<Option<ToldMember>, StoreError> {
    let sql = "SELECT m.user_name, a.email_sealed, a.email_pending
               FROM sso_members m JOIN accounts a ON a.id = m.account_id WHERE m.account_id = $1";
    let row = db.fetch_optional(sql, args![account]).await?;
    row.map(|row| {
        Ok(ToldMember {
            user_name: row.text("user_name")?,
            email_sealed: row.opt_text("email_sealed")?,
            email_pending: row.flag("email_pending")?,
        })
    })
    .transpose()
}

/// Removes notices that were done before `done_before` or given up and made before `made_before`.
pub async fn forget_notices(tx: &mut Tx, done_before: i64, made_before: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM outbox WHERE kind = 'sso_notice'
               AND ((state = 1 AND done_at <= $1) OR (state = 2 AND created_at <= $2))";
    tx.execute(sql, args![done_before, made_before]).await.map(drop)
}
