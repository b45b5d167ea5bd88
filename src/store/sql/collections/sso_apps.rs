//! Applications of SSO as owners see them: everything but the keys.

use actors::error::Result;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::db::Tx;
use super::super::sso::SealedKeys;
use super::record;
use super::wire::Time;
use crate::args;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SsoAppRecord {
    pub id: i64,
    pub name: String,
    /// 1 enabled, 0 disabled.
    pub status: i64,
    pub may_register: i64,
    /// A pattern a line.
    pub ip_allow: String,
    pub ip_bad: String,
    pub notify_url: String,
    pub notify_params: Map<String, Value>,
    pub note: String,
    /// How long the keys that were rotated away are good.
    pub previous_until: Option<Time>,
    pub create_time: Time,
}

record!(
    SsoAppRecord,
    "id",
    "id, name, status, may_register, ip_allow, ip_bad, notify_url, notify_params, note, previous_until, created_at",
    "sso_apps",
    "1 = 1",
    "LOWER(name) LIKE $1 ESCAPE '\\' OR LOWER(note) LIKE $1 ESCAPE '\\' OR LOWER(notify_url) LIKE $1 ESCAPE '\\'",
    |row| Ok(SsoAppRecord {
        id: row.int("id")?,
        name: row.text("name")?,
        status: row.int("status")?,
        may_register: row.int("may_register")?,
        ip_allow: row.text("ip_allow")?,
        ip_bad: row.text("ip_bad")?,
        notify_url: row.text("notify_url")?,
        notify_params: serde_json::from_str(&row.text("notify_params")?).unwrap_or_default(),
        note: row.text("note")?,
        previous_until: row.opt_int("previous_until")?.map(Time),
        create_time: Time(row.int("created_at")?),
    })
);

const INSERT: &str = "
INSERT INTO sso_apps (name, app_key_sealed, app_secret_sealed, created_at) VALUES ($1, $2, $3, $4) RETURNING id";

/// A new application; what else it has is written by `update`.
pub async fn insert(tx: &mut Tx, name: &str, keys: &SealedKeys, now: i64) -> Result<i64> {
    Ok(tx.fetch_one(INSERT, args![name, &keys.key, &keys.secret, now]).await?.int("id")?)
}

/// False when there is no such application.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.execute("UPDATE sso_apps SET status = status WHERE id = $1", args![id]).await? == 1)
}

const UPDATE: &str = "
UPDATE sso_apps SET name = $2, status = $3, may_register = $4, ip_allow = $5, ip_bad = $6, notify_url = $7,
                    notify_params = $8, note = $9
WHERE id = $1";

/// Writes what may be changed of a row.
pub async fn update(tx: &mut Tx, app: &SsoAppRecord) -> Result<()> {
    let columns = args![
        app.id,
        &app.name,
        app.status,
        app.may_register,
        &app.ip_allow,
        &app.ip_bad,
        &app.notify_url,
        Value::Object(app.notify_params.clone()).to_string(),
        &app.note,
    ];
    tx.execute(UPDATE, columns).await?;
    Ok(())
}

const ROTATE: &str = "
UPDATE sso_apps SET previous_key_sealed = app_key_sealed, previous_secret_sealed = app_secret_sealed,
                    previous_until = $4, app_key_sealed = $2, app_secret_sealed = $3
WHERE id = $1";
const REPLACE: &str = "
UPDATE sso_apps SET app_key_sealed = $2, app_secret_sealed = $3,
                    previous_until = CASE WHEN previous_until > $4 THEN previous_until ELSE $4 END
WHERE id = $1 AND previous_until > $5";

/// Puts new keys in the place of those at work, which stay good until `until`. Keys that were promised to be good still
/// keep their place, if any are to be good: then those at work, which may never have reached anybody, are over at once.
pub async fn rotate(tx: &mut Tx, id: i64, keys: &SealedKeys, until: i64, now: i64) -> Result<()> {
    let replaced = until > now && tx.execute(REPLACE, args![id, &keys.key, &keys.secret, until, now]).await? == 1;
    if !replaced {
        tx.execute(ROTATE, args![id, &keys.key, &keys.secret, until]).await?;
    }
    Ok(())
}
