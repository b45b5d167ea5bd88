//! Accounts that are made by registering, in whatever dialect: a name, a phone and a mail address each belong to one.

use actors::domain::ids::AccountId;
use actors::domain::login_name::LoginName;
use actors::error::{DomainError, Result};

use super::db::{StoreError, Tx};
use crate::args;

/// What a client hashes into the password that it sends; the stored hash is Argon2id over that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordKind {
    /// 32 lower-case hex digits of MD5 (SSO).
    Md5Hex = 1,
    /// The wrapped password of Regist, base64.
    Wrapped = 2,
}

/// Text that is looked up by a keyed hash and kept sealed.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub key: String,
    pub sealed: String,
}

/// A new account. Whoever makes it has proven the phone; a mail address may still be `email_pending`.
#[derive(Debug, Clone)]
pub struct Registered {
    pub login_name: LoginName,
    /// Shown to others; the login name as typed where nothing else was told.
    pub display_name: String,
    /// `Vault::mobile_key` and the sealed number.
    pub mobile: Option<Sealed>,
    /// `Vault::email_key` and the sealed address.
    pub email: Option<Sealed>,
    pub email_pending: bool,
    /// PHC text.
    pub password_hash: String,
    pub password_kind: PasswordKind,
}

const INSERT: &str = "
INSERT INTO accounts (login_name, username, mobile_key, mobile_sealed, email_key, email_sealed, email_pending,
                      password_hash, password_kind, register_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT DO NOTHING
RETURNING id";

/// Makes the account.
///
/// Errors: `Conflict` on `login_name`, `mobile` or `email`, the first of these that another account has; `Busy` when it
/// changed hands meanwhile.
pub async fn insert(tx: &mut Tx, new: &Registered, now_ms: i64) -> Result<AccountId> {
    let (mobile, email) = (new.mobile.as_ref(), new.email.as_ref());
    let columns = args![
        new.login_name.folded(),
        &new.display_name,
        mobile.map(|it| it.key.as_str()),
        mobile.map(|it| it.sealed.as_str()),
        email.map(|it| it.key.as_str()),
        email.map(|it| it.sealed.as_str()),
        i64::from(new.email_pending),
        &new.password_hash,
        new.password_kind as i64,
        now_ms,
    ];
    // Whoever has the name, phone or address may lose it between the two statements; then it is free again.
    for _ in 0..2 {
        if let Some(row) = tx.fetch_optional(INSERT, columns.clone()).await? {
            return Ok(AccountId(row.int("id")?));
        }
        if let Some(field) = taken(tx, new).await? {
            return Err(DomainError::Conflict { field: field.into() });
        }
    }
    Err(DomainError::BUSY)
}

/// Why the row could not be inserted; seen after the conflict, so whoever has it has committed.
async fn taken(tx: &mut Tx, new: &Registered) -> std::result::Result<Option<&'static str>, StoreError> {
    for (field, sql, key) in [
        ("login_name", "SELECT id FROM accounts WHERE login_name = $1", Some(new.login_name.folded())),
        ("mobile", "SELECT id FROM accounts WHERE mobile_key = $1", new.mobile.as_ref().map(|it| it.key.as_str())),
        ("email", "SELECT id FROM accounts WHERE email_key = $1", new.email.as_ref().map(|it| it.key.as_str())),
    ] {
        if let Some(key) = key
            && tx.fetch_optional(sql, args![key]).await?.is_some()
        {
            return Ok(Some(field));
        }
    }
    Ok(None)
}
