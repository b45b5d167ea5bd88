//! Travel agents as owners see them; passwords are not among it.

use actors::error::{DomainError, Result};
use serde::Serialize;

use super::super::db::{StoreError, Tx};
use super::record;
use super::wire::Time;
use crate::args;
use crate::vault::Vault;

#[derive(Debug, Clone, Serialize)]
pub struct AgentRecord {
    pub id: i64,
    pub name: String,
    pub username: String,
    pub type_code: String,
    pub type_name: String,
    /// Only after `opened`.
    pub mobile: Option<String>,
    #[serde(skip)]
    pub mobile_sealed: Option<String>,
    pub has_password: bool,
    /// The account that acts for it.
    pub account_id: Option<i64>,
    /// 1 enabled, 0 disabled.
    pub status: i64,
    pub create_time: Time,
}

impl AgentRecord {
    /// Opens the phone.
    pub fn opened(mut self, vault: &Vault) -> Self {
        let open = |sealed: &String| {
            vault.open(sealed).inspect_err(|error| tracing::error!(agent = self.id, %error, "a stored phone")).ok()
        };
        self.mobile = self.mobile_sealed.as_ref().and_then(open);
        self
    }
}

record!(
    AgentRecord,
    "id",
    "id, name, username, type_code, type_name, mobile_sealed, CAST(CASE WHEN password_sealed = '' THEN 0 ELSE 1 END \
     AS BIGINT) AS has_password, account_id, status, created_at",
    "agents",
    "1 = 1",
    "LOWER(name) LIKE $1 ESCAPE '\\' OR LOWER(username) LIKE $1 ESCAPE '\\'",
    |row| Ok(AgentRecord {
        id: row.int("id")?,
        name: row.text("name")?,
        username: row.text("username")?,
        type_code: row.text("type_code")?,
        type_name: row.text("type_name")?,
        mobile: None,
        mobile_sealed: row.opt_text("mobile_sealed")?,
        has_password: row.flag("has_password")?,
        account_id: row.opt_int("account_id")?,
        status: row.int("status")?,
        create_time: Time(row.int("created_at")?),
    })
);

/// Takes the row's lock. False: there is none.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.execute("UPDATE agents SET status = status WHERE id = $1", args![id]).await? == 1)
}

/// A phone as it is stored: what finds it, and the number sealed.
#[derive(Debug, Clone)]
pub struct StoredPhone {
    pub key: String,
    pub sealed: String,
}

/// The columns that are written. `None` leaves one as it is; a phone of `Some(None)` is taken away.
#[derive(Debug, Clone, Default)]
pub struct AgentColumns {
    pub name: Option<String>,
    pub username: Option<String>,
    pub type_code: Option<String>,
    pub type_name: Option<String>,
    pub password_sealed: Option<String>,
    pub mobile: Option<Option<StoredPhone>>,
    pub status: Option<i64>,
}

const INSERT: &str = "
INSERT INTO agents (name, username, type_code, type_name, password_sealed, mobile_key, mobile_sealed, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";

/// Errors: `Conflict` on `username`, or on `mobile` when another agent has the phone.
pub async fn insert(tx: &mut Tx, new: &AgentColumns, now_ms: i64) -> Result<i64> {
    refuse_taken(tx, 0, new).await?;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mobile = new.mobile.as_ref().and_then(Option::as_ref);
    let columns = args![
        text(&new.name),
        text(&new.username),
        text(&new.type_code),
        text(&new.type_name),
        text(&new.password_sealed),
        mobile.map(|it| it.key.as_str()),
        mobile.map(|it| it.sealed.as_str()),
        now_ms,
    ];
    Ok(raced(tx.fetch_one(INSERT, columns).await)?.int("id")?)
}

const UPDATE: &str = "
UPDATE agents SET name = COALESCE($2, name), username = COALESCE($3, username), type_code = COALESCE($4, type_code),
    type_name = COALESCE($5, type_name), password_sealed = COALESCE($6, password_sealed), status = COALESCE($7, status)
WHERE id = $1";
const SET_PHONE: &str = "UPDATE agents SET mobile_key = $2, mobile_sealed = $3 WHERE id = $1";

/// Errors: as `insert`.
pub async fn update(tx: &mut Tx, id: i64, new: &AgentColumns) -> Result<()> {
    refuse_taken(tx, id, new).await?;
    let columns = args![
        id,
        new.name.as_deref(),
        new.username.as_deref(),
        new.type_code.as_deref(),
        new.type_name.as_deref(),
        new.password_sealed.as_deref(),
        new.status,
    ];
    raced(tx.execute(UPDATE, columns).await)?;
    if let Some(mobile) = &new.mobile {
        let (key, sealed) = (mobile.as_ref().map(|it| it.key.as_str()), mobile.as_ref().map(|it| it.sealed.as_str()));
        raced(tx.execute(SET_PHONE, args![id, key, sealed]).await)?;
    }
    Ok(())
}

async fn refuse_taken(tx: &mut Tx, id: i64, new: &AgentColumns) -> Result<()> {
    let key = new.mobile.as_ref().and_then(Option::as_ref).map(|mobile| mobile.key.as_str());
    for (field, sql, value) in [
        ("username", "SELECT 1 AS one FROM agents WHERE username = $1 AND id <> $2", new.username.as_deref()),
        ("mobile", "SELECT 1 AS one FROM agents WHERE mobile_key = $1 AND id <> $2", key),
    ] {
        if let Some(value) = value
            && tx.fetch_optional(sql, args![value, id]).await?.is_some()
        {
            return Err(DomainError::Conflict { field: field.into() });
        }
    }
    Ok(())
}

/// Somebody else took the name or phone between looking and writing.
fn raced<T>(outcome: std::result::Result<T, StoreError>) -> Result<T> {
    match outcome {
        Err(error) if error.is_unique_violation() => Err(DomainError::Conflict { field: "username or mobile".into() }),
        outcome => Ok(outcome?),
    }
}

/// Takes the account away.
pub async fn part_from_account(tx: &mut Tx, id: i64) -> Result<()> {
    tx.execute("UPDATE agents SET account_id = NULL WHERE id = $1", args![id]).await?;
    Ok(())
}
