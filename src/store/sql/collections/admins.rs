//! Administrators as owners see them.

use actors::domain::account::Role;
use actors::domain::ids::AdminId;
use actors::error::{DomainError, Result};
use serde::Serialize;

use super::super::admins::role_name;
use super::super::db::Tx;
use super::record;
use super::wire::Time;
use crate::args;

#[derive(Debug, Clone, Serialize)]
pub struct AdminRecord {
    pub id: i64,
    pub username: String,
    pub role: String,
    /// 1 enabled, 0 disabled.
    pub status: i64,
    pub create_time: Time,
}

record!(
    AdminRecord,
    "id",
    "id, username, role, status, created_at",
    "admins",
    "1 = 1",
    "LOWER(username) LIKE $1 ESCAPE '\\' OR role LIKE $1 ESCAPE '\\'",
    |row| Ok(AdminRecord {
        id: row.int("id")?,
        username: row.text("username")?,
        role: row.text("role")?,
        status: row.int("status")?,
        create_time: Time(row.int("created_at")?),
    })
);

/// Takes the locks of all owners, since every change is judged by how many are left, and of the row itself. False when
/// there is no such administrator.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<bool> {
    tx.execute("UPDATE admins SET status = status WHERE role = 'owner'", args![]).await?;
    Ok(tx.execute("UPDATE admins SET status = status WHERE id = $1", args![id]).await? == 1)
}

/// A changed role or state ends the sessions.
pub async fn update(tx: &mut Tx, id: i64, role: Role, status: i64, password_hash: Option<&str>) -> Result<()> {
    let sql = "UPDATE admins SET role = $2, status = $3, password_hash = COALESCE($4, password_hash) WHERE id = $1";
    tx.execute(sql, args![id, role_name(role), status, password_hash]).await?;
    super::super::admins::delete_sessions(tx, AdminId(id)).await?;
    if password_hash.is_some() {
        super::super::admins::delete_reset_links(tx, AdminId(id)).await?;
    }
    an_owner_is_left(tx).await
}

pub async fn delete(tx: &mut Tx, id: i64) -> Result<()> {
    tx.execute("DELETE FROM admins WHERE id = $1", args![id]).await?;
    an_owner_is_left(tx).await
}

/// Errors: `InUse`, which undoes the change.
async fn an_owner_is_left(tx: &mut Tx) -> Result<()> {
    let sql = "SELECT 1 AS one FROM admins WHERE role = 'owner' AND status = 1 LIMIT 1";
    match tx.fetch_optional(sql, args![]).await? {
        Some(_) => Ok(()),
        None => Err(DomainError::InUse("this is the last enabled owner: make another one first".into())),
    }
}
