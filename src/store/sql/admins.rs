//! Statements on administrators, their sessions and the one-time links that set a first password.

use actors::domain::account::{Admin, Role};
use actors::domain::ids::AdminId;

use super::db::{Db, Row, StoreError, Tx};
use crate::args;

/// An administrator as stored; the password's hash stays in here.
pub struct AdminRecord {
    pub admin: Admin,
    pub password_hash: String,
    pub enabled: bool,
}

pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Editor => "editor",
        Role::Cashier => "cashier",
        Role::Moderator => "moderator",
    }
}

pub fn role(text: &str) -> Result<Role, StoreError> {
    match text {
        "owner" => Ok(Role::Owner),
        "editor" => Ok(Role::Editor),
        "cashier" => Ok(Role::Cashier),
        "moderator" => Ok(Role::Moderator),
        _ => Err(StoreError::Corrupt(format!("role {text}"))),
    }
}

fn admin(row: &Row) -> Result<Admin, StoreError> {
    Ok(Admin { id: AdminId(row.int("id")?), username: row.text("username")?, role: role(&row.text("role")?)? })
}

/// In any case of letters; of two names that differ by case only, the one that was asked for.
pub async fn by_name(db: &Db, username: &str) -> Result<Option<AdminRecord>, StoreError> {
    let sql = "SELECT id, username, role, password_hash, status FROM admins \
               WHERE username = $1 OR LOWER(username) = $2 \
               ORDER BY CASE WHEN username = $1 THEN 0 ELSE 1 END, id LIMIT 1";
    db.fetch_optional(sql, args![username, username.to_lowercase()])
        .await?
        .map(|row| {
            Ok(AdminRecord {
                admin: admin(&row)?,
                password_hash: row.text("password_hash")?,
                enabled: row.flag("status")?,
            })
        })
        .transpose()
}

/// The enabled administrator of a session that is not over.
pub async fn by_session(db: &Db, token_hash: &str, now: i64) -> Result<Option<Admin>, StoreError> {
    let sql = "SELECT a.id, a.username, a.role FROM admin_sessions s JOIN admins a ON a.id = s.admin_id \
               WHERE s.token_hash = $1 AND s.expires_at > $2 AND a.status = 1";
    db.fetch_optional(sql, args![token_hash, now]).await?.map(|row| admin(&row)).transpose()
}

pub async fn any(db: &Db) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM admins LIMIT 1";
    Ok(db.fetch_optional(sql, args![]).await?.is_some())
}

/// None when the name, which is in lower case, is taken in any case.
pub async fn insert(
    tx: &mut Tx,
    username: &str,
    password_hash: &str,
    role: Role,
    now: i64,
) -> Result<Option<AdminId>, StoreError> {
    let sql = "SELECT 1 AS one FROM admins WHERE LOWER(username) = $1 LIMIT 1";
    if tx.fetch_optional(sql, args![username]).await?.is_some() {
        return Ok(None);
    }
    let sql = "INSERT INTO admins (username, password_hash, role, created_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (username) DO NOTHING RETURNING id";
    tx.fetch_optional(sql, args![username, password_hash, role_name(role), now])
        .await?
        .map(|row| Ok(AdminId(row.int("id")?)))
        .transpose()
}

pub async fn set_password(tx: &mut Tx, id: AdminId, password_hash: &str) -> Result<(), StoreError> {
    let sql = "UPDATE admins SET password_hash = $2 WHERE id = $1";
    tx.execute(sql, args![id.0, password_hash]).await?;
    Ok(())
}

pub async fn insert_session(
    tx: &mut Tx,
    token_hash: &str,
    id: AdminId,
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM admin_sessions WHERE expires_at <= $1", args![now]).await?;
    let sql = "INSERT INTO admin_sessions (token_hash, admin_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![token_hash, id.0, now, expires_at]).await?;
    Ok(())
}

pub async fn delete_session(tx: &mut Tx, token_hash: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM admin_sessions WHERE token_hash = $1";
    tx.execute(sql, args![token_hash]).await?;
    Ok(())
}

pub async fn delete_sessions(tx: &mut Tx, id: AdminId) -> Result<(), StoreError> {
    let sql = "DELETE FROM admin_sessions WHERE admin_id = $1";
    tx.execute(sql, args![id.0]).await?;
    Ok(())
}

/// Stores a one-time link and makes earlier unused ones worthless.
pub async fn replace_setup_link(tx: &mut Tx, token_hash: &str, now: i64, expires_at: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM admin_setup_links WHERE used_at IS NULL", args![]).await?;
    let sql = "INSERT INTO admin_setup_links (token_hash, created_at, expires_at) VALUES ($1, $2, $3)";
    tx.execute(sql, args![token_hash, now, expires_at]).await?;
    Ok(())
}

/// Whether the link was good; it is not any more.
pub async fn use_setup_link(tx: &mut Tx, token_hash: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE admin_setup_links SET used_at = $2 \
               WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
    Ok(tx.execute(sql, args![token_hash, now]).await? == 1)
}
