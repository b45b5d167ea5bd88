//! Accounts and their sessions: the rows, and who may be signed in by them.

use actors::domain::account::Account;
use actors::domain::ids::AccountId;

use super::db::{Db, Row, StoreError, Tx};
use crate::args;

/// What the owner of an account sees of it. Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProfile {
    pub username: String,
    /// Bound phone, sealed.
    pub mobile_sealed: Option<String>,
    /// 0 not told, 1 male, 2 female.
    pub sex: i64,
    pub country: String,
    pub province: String,
    pub city: String,
    /// A path on this server or an absolute address; may be empty.
    pub head_img: String,
    pub register_time: i64,
    pub last_login_time: Option<i64>,
    /// As stored: 0 none, 1 paid, 2 disabled, 3 over.
    pub member_status: i64,
    pub member_expire_time: Option<i64>,
}

/// A session that was found; `enabled` is the account's.
#[derive(Debug, Clone)]
pub struct StoredSession {
    pub account: Account,
    pub enabled: bool,
    pub expires_at: i64,
}

/// The columns of a new account that come from outside.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub openid: String,
    pub username: String,
    pub sex: i64,
    pub country: String,
    pub province: String,
    pub city: String,
    pub head_img: String,
}

const SESSION: &str = "
SELECT s.expires_at, a.id, a.username, a.head_img, a.mobile_key, a.register_time, a.status, a.member_status,
       a.member_expire_time
FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.token_hash = $1 AND s.expires_at > $2";

/// The session of a token's hash, unless it is over.
pub async fn session(db: &Db, token_hash: &str, now_ms: i64) -> Result<Option<StoredSession>, StoreError> {
    let row = db.fetch_optional(SESSION, args![token_hash, now_ms]).await?;
    row.map(|row| {
        Ok(StoredSession {
            account: account_from(&row, now_ms)?,
            enabled: row.flag("status")?,
            expires_at: row.int("expires_at")?,
        })
    })
    .transpose()
}

/// An account by its id, and whether it is enabled.
pub async fn account(db: &Db, id: AccountId, now_ms: i64) -> Result<Option<(Account, bool)>, StoreError> {
    let sql = "SELECT id, username, head_img, mobile_key, register_time, member_status, member_expire_time, status
               FROM accounts WHERE id = $1";
    let row = db.fetch_optional(sql, args![id.0]).await?;
    row.map(|row| Ok((account_from(&row, now_ms)?, row.flag("status")?))).transpose()
}

fn account_from(row: &Row, now_ms: i64) -> Result<Account, StoreError> {
    let expires = row.opt_int("member_expire_time")?;
    Ok(Account {
        id: AccountId(row.int("id")?),
        username: row.text("username")?,
        head_img: row.text("head_img")?,
        has_mobile: row.opt_text("mobile_key")?.is_some(),
        register_time: row.int("register_time")?,
        is_member: row.int("member_status")? == 1 && expires.is_some_and(|at| at > now_ms),
    })
}

const PROFILE: &str = "
SELECT username, mobile_sealed, sex, country, province, city, head_img, register_time, last_login_time, member_status,
       member_expire_time
FROM accounts WHERE id = $1";

pub async fn profile(db: &Db, id: AccountId) -> Result<Option<AccountProfile>, StoreError> {
    let row = db.fetch_optional(PROFILE, args![id.0]).await?;
    row.map(|row| {
        Ok(AccountProfile {
            username: row.text("username")?,
            mobile_sealed: row.opt_text("mobile_sealed")?,
            sex: row.int("sex")?,
            country: row.text("country")?,
            province: row.text("province")?,
            city: row.text("city")?,
            head_img: row.text("head_img")?,
            register_time: row.int("register_time")?,
            last_login_time: row.opt_int("last_login_time")?,
            member_status: row.int("member_status")?,
            member_expire_time: row.opt_int("member_expire_time")?,
        })
    })
    .transpose()
}

/// Whether an openid has an account.
pub async fn is_known(db: &Db, openid: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM accounts WHERE openid = $1";
    Ok(db.fetch_optional(sql, args![openid]).await?.is_some())
}

const INSERT_BY_OPENID: &str = "
INSERT INTO accounts (openid, username, sex, country, province, city, head_img, register_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (openid) DO NOTHING";

const COUNT_LOGIN: &str = "
UPDATE accounts SET last_login_time = $2, login_count = login_count + 1
WHERE openid = $1 AND status = 1
RETURNING id";

/// The account of an openid, made if nobody has it, with this sign-in counted. `None`: it is disabled.
pub async fn sign_in_by_openid(tx: &mut Tx, new: &NewAccount, now_ms: i64) -> Result<Option<AccountId>, StoreError> {
    let columns =
        args![&new.openid, &new.username, new.sex, &new.country, &new.province, &new.city, &new.head_img, now_ms,];
    tx.execute(INSERT_BY_OPENID, columns).await?;
    let row = tx.fetch_optional(COUNT_LOGIN, args![&new.openid, now_ms]).await?;
    row.map(|row| Ok(AccountId(row.int("id")?))).transpose()
}

const COUNT_LOGIN_OF: &str = "
UPDATE accounts SET last_login_time = $2, login_count = login_count + 1
WHERE id = $1 AND status = 1 AND email_pending = 0";

/// Counts a sign-in of an account. False: it is disabled, or waits for its mail to be confirmed.
pub async fn count_login(tx: &mut Tx, id: AccountId, now_ms: i64) -> Result<bool, StoreError> {
    Ok(tx.execute(COUNT_LOGIN_OF, args![id.0, now_ms]).await? == 1)
}

/// What decides whether an account may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub id: AccountId,
    pub enabled: bool,
    /// Its mail address is not confirmed yet.
    pub email_pending: bool,
    pub mobile_key: Option<String>,
    /// PHC text over what `password_kind` says (`new_accounts::PasswordKind`).
    pub password_hash: Option<String>,
    pub password_kind: i64,
}

fn standing(row: &Row) -> Result<Standing, StoreError> {
    Ok(Standing {
        id: AccountId(row.int("id")?),
        enabled: row.flag("status")?,
        email_pending: row.flag("email_pending")?,
        mobile_key: row.opt_text("mobile_key")?,
        password_hash: row.opt_text("password_hash")?,
        password_kind: row.int("password_kind")?,
    })
}

const BY_LOGIN_NAME: &str = "
SELECT id, status, email_pending, mobile_key, password_hash, password_kind FROM accounts WHERE login_name = $1";
const BY_MOBILE: &str = "
SELECT id, status, email_pending, mobile_key, password_hash, password_kind FROM accounts WHERE mobile_key = $1";

/// Whose login name this is; `folded` as `LoginName::folded`.
pub async fn by_login_name(db: &Db, folded: &str) -> Result<Option<Standing>, StoreError> {
    db.fetch_optional(BY_LOGIN_NAME, args![folded]).await?.as_ref().map(standing).transpose()
}

/// Who has bound this phone.
pub async fn by_mobile(tx: &mut Tx, mobile_key: &str) -> Result<Option<Standing>, StoreError> {
    tx.fetch_optional(BY_MOBILE, args![mobile_key]).await?.as_ref().map(standing).transpose()
}

const INSERT_SESSION: &str = "
INSERT INTO sessions (token_hash, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";

pub async fn insert_session(
    tx: &mut Tx,
    token_hash: &str,
    account: AccountId,
    now_ms: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    let columns = args![token_hash, account.0, now_ms, expires_at];
    tx.execute(INSERT_SESSION, columns).await.map(drop)
}

const DELETE_STALE_SESSIONS: &str = "
DELETE FROM sessions WHERE token_hash IN
    (SELECT token_hash FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

/// Removes at most `limit` sessions that are over; answers how many.
pub async fn delete_stale_sessions(tx: &mut Tx, now_ms: i64, limit: i64) -> Result<u64, StoreError> {
    tx.execute(DELETE_STALE_SESSIONS, args![now_ms, limit]).await
}

/// Who has bound this phone; `mobile_key` as `vault::Vault::mobile_key` makes it.
pub async fn id_by_mobile(db: &Db, mobile_key: &str) -> Result<Option<i64>, StoreError> {
    let row = db.fetch_optional("SELECT id FROM accounts WHERE mobile_key = $1", args![mobile_key]).await?;
    row.map(|row| row.int("id")).transpose()
}

/// Who has this mail address; `email_key` as `vault::Vault::email_key` makes it.
pub async fn id_by_email(db: &Db, email_key: &str) -> Result<Option<i64>, StoreError> {
    let row = db.fetch_optional("SELECT id FROM accounts WHERE email_key = $1", args![email_key]).await?;
    row.map(|row| row.int("id")).transpose()
}

const OPENID: &str = "SELECT openid FROM accounts WHERE id = $1";

/// The WeChat identity of an account; none for accounts of other dialects.
pub async fn openid(db: &Db, id: AccountId) -> Result<Option<String>, StoreError> {
    match db.fetch_optional(OPENID, args![id.0]).await? {
        Some(row) => row.opt_text("openid"),
        None => Ok(None),
    }
}

const LOCK_MEMBERSHIP: &str = "
UPDATE accounts SET member_status = member_status WHERE id = $1 RETURNING member_expire_time";

/// When the membership ends, under the row's lock.
pub async fn lock_membership(tx: &mut Tx, id: AccountId) -> Result<Option<i64>, StoreError> {
    tx.fetch_one(LOCK_MEMBERSHIP, args![id.0]).await?.opt_int("member_expire_time")
}

/// A membership that an administrator disabled is prolonged but stays disabled.
const SET_MEMBERSHIP: &str = "
UPDATE accounts
SET member_expire_time = $2, member_status = CASE WHEN member_status = 2 THEN 2 ELSE 1 END
WHERE id = $1";

pub async fn set_membership(tx: &mut Tx, id: AccountId, expires_at: i64) -> Result<(), StoreError> {
    tx.execute(SET_MEMBERSHIP, args![id.0, expires_at]).await.map(drop)
}

/// Stored states of a membership.
pub const NO_MEMBER: i64 = 0;
pub const MEMBER: i64 = 1;
pub const DISABLED: i64 = 2;
pub const OVER: i64 = 3;

const PUT_MEMBERSHIP: &str = "UPDATE accounts SET member_status = $2, member_expire_time = $3 WHERE id = $1";

/// What an administrator makes of a membership; only under the row's lock.
pub async fn put_membership(
    tx: &mut Tx,
    id: AccountId,
    status: i64,
    expires_at: Option<i64>,
) -> Result<(), StoreError> {
    tx.execute(PUT_MEMBERSHIP, args![id.0, status, expires_at]).await.map(drop)
}

const ENDING: &str = "
SELECT id FROM accounts WHERE member_status = 1 AND member_expire_time <= $1 ORDER BY member_expire_time LIMIT $2";

/// Accounts whose membership is stored as running and is over.
pub async fn ending_memberships(db: &Db, now_ms: i64, limit: i64) -> Result<Vec<AccountId>, StoreError> {
    db.fetch_all(ENDING, args![now_ms, limit]).await?.iter().map(|row| Ok(AccountId(row.int("id")?))).collect()
}

const END: &str = "
UPDATE accounts SET member_status = 3 WHERE id = $1 AND member_status = 1 AND member_expire_time <= $2
RETURNING mobile_sealed";

/// Ends a membership that is over; answers the account's phone, sealed. None: it was prolonged or ended meanwhile.
pub async fn end_membership(tx: &mut Tx, id: AccountId, now_ms: i64) -> Result<Option<Option<String>>, StoreError> {
    tx.fetch_optional(END, args![id.0, now_ms]).await?.map(|row| row.opt_text("mobile_sealed")).transpose()
}

/// What an owner may change of an account; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    pub username: Option<String>,
    pub sex: Option<i64>,
    pub head_img: Option<String>,
}

const CHANGE_PROFILE: &str = "
UPDATE accounts SET username = COALESCE($2, username), sex = COALESCE($3, sex), head_img = COALESCE($4, head_img)
WHERE id = $1";

/// Changes an account; returns the head picture that it had before another took its place.
pub async fn change_profile(tx: &mut Tx, id: AccountId, change: &ProfileChange) -> Result<Option<String>, StoreError> {
    let replaced = "SELECT head_img FROM accounts WHERE id = $1 AND head_img <> $2";
    let replaced = match &change.head_img {
        Some(path) => {
            tx.fetch_optional(replaced, args![id.0, path]).await?.map(|row| row.text("head_img")).transpose()?
        }
        None => None,
    };
    let columns = args![id.0, change.username.as_deref(), change.sex, change.head_img.as_deref()];
    tx.execute(CHANGE_PROFILE, columns).await?;
    Ok(replaced)
}
