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

/// Sets a password, which ends the links that would set another one. False when there is no such administrator.
pub async fn set_password(tx: &mut Tx, id: AdminId, password_hash: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE admins SET password_hash = $2 WHERE id = $1";
    let set = tx.execute(sql, args![id.0, password_hash]).await? == 1;
    delete_reset_links(tx, id).await?;
    Ok(set)
}

/// The administrator as they are now, under the row's lock, if the password is still the one of that hash and the account
/// is enabled. A change of the password that commits first is seen, and one that comes later waits for this transaction.
pub async fn lock_with_password(tx: &mut Tx, id: AdminId, password_hash: &str) -> Result<Option<Admin>, StoreError> {
    let sql = "UPDATE admins SET status = status WHERE id = $1 AND password_hash = $2 AND status = 1 \
               RETURNING id, username, role";
    tx.fetch_optional(sql, args![id.0, password_hash]).await?.map(|row| admin(&row)).transpose()
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

/// Whether there was such a session.
pub async fn delete_session(tx: &mut Tx, token_hash: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM admin_sessions WHERE token_hash = $1";
    Ok(tx.execute(sql, args![token_hash]).await? == 1)
}

pub async fn delete_sessions(tx: &mut Tx, id: AdminId) -> Result<(), StoreError> {
    let sql = "DELETE FROM admin_sessions WHERE admin_id = $1";
    tx.execute(sql, args![id.0]).await?;
    Ok(())
}

/// Lets one creation of an administrator at a time go on, until its transaction ends.
pub async fn lock_creations(tx: &mut Tx, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO admin_creations (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
    tx.execute(sql, args![now]).await?;
    Ok(())
}

pub async fn any_in(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(tx.fetch_optional("SELECT 1 AS one FROM admins LIMIT 1", args![]).await?.is_some())
}

/// Makes every link that was not used worthless.
pub async fn delete_setup_links(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute("DELETE FROM admin_setup_links WHERE used_at IS NULL", args![]).await?;
    Ok(())
}

/// Stores the one-time link that makes the first administrator.
pub async fn insert_setup_link(tx: &mut Tx, token_hash: &str, now: i64, expires_at: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO admin_setup_links (token_hash, created_at, expires_at) VALUES ($1, $2, $3)";
    tx.execute(sql, args![token_hash, now, expires_at]).await?;
    Ok(())
}

pub async fn setup_link_is_good(db: &Db, token_hash: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS n FROM admin_setup_links WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
    Ok(db.fetch_optional(sql, args![token_hash, now]).await?.is_some())
}

pub async fn reset_link_is_good(db: &Db, token_hash: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS n FROM admin_reset_links WHERE token_hash = $1 AND expires_at > $2";
    Ok(db.fetch_optional(sql, args![token_hash, now]).await?.is_some())
}

/// Whether the link was good; it is not any more.
pub async fn use_setup_link(tx: &mut Tx, token_hash: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE admin_setup_links SET used_at = $2 \
               WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
    Ok(tx.execute(sql, args![token_hash, now]).await? == 1)
}

/// Stores the one-time link that sets a new password of `id`; one that was made before ends.
pub async fn replace_reset_link(
    tx: &mut Tx,
    token_hash: &str,
    id: AdminId,
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    delete_reset_links(tx, id).await?;
    tx.execute("DELETE FROM admin_reset_links WHERE expires_at <= $1", args![now]).await?;
    let sql = "INSERT INTO admin_reset_links (token_hash, admin_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![token_hash, id.0, now, expires_at]).await?;
    Ok(())
}

pub async fn delete_reset_links(tx: &mut Tx, id: AdminId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM admin_reset_links WHERE admin_id = $1", args![id.0]).await?;
    Ok(())
}

/// The administrator of a good link, which is not good any more. None as well for one who is disabled.
pub async fn use_reset_link(tx: &mut Tx, token_hash: &str, now: i64) -> Result<Option<Admin>, StoreError> {
    let sql = "SELECT admin_id FROM admin_reset_links WHERE token_hash = $1 AND expires_at > $2";
    let Some(row) = tx.fetch_optional(sql, args![token_hash, now]).await? else { return Ok(None) };
    // In this order, which every change of a password has: the administrator's row, then the links.
    let sql = "UPDATE admins SET status = status WHERE id = $1 AND status = 1 RETURNING id, username, role";
    let Some(owner) = tx.fetch_optional(sql, args![row.int("admin_id")?]).await? else { return Ok(None) };
    let used = tx.execute("DELETE FROM admin_reset_links WHERE token_hash = $1", args![token_hash]).await? == 1;
    Ok(if used { Some(admin(&owner)?) } else { None })
}
