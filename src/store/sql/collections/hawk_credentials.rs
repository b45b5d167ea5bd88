//! HAWK credentials as owners see them; the key is not among it.

use actors::error::Result;
use serde::Serialize;

use super::super::db::Tx;
use super::record;
use super::wire::Time;
use crate::args;
use crate::store::sql::hawk::Class;

#[derive(Debug, Clone, Serialize)]
pub struct HawkCredentialRecord {
    pub id: i64,
    pub hawk_id: String,
    pub algorithm: String,
    /// official or agent.
    pub class: String,
    pub agent_id: Option<i64>,
    /// 1 enabled, 0 disabled.
    pub status: i64,
    pub note: String,
    pub create_time: Time,
}

record!(
    HawkCredentialRecord,
    "id",
    "id, hawk_id, algorithm, class, agent_id, status, note, created_at",
    "hawk_credentials",
    "1 = 1",
    "LOWER(hawk_id) LIKE $1 ESCAPE '\\' OR LOWER(note) LIKE $1 ESCAPE '\\'",
    |row| Ok(HawkCredentialRecord {
        id: row.int("id")?,
        hawk_id: row.text("hawk_id")?,
        algorithm: row.text("algorithm")?,
        class: row.text("class")?,
        agent_id: row.opt_int("agent_id")?,
        status: row.int("status")?,
        note: row.text("note")?,
        create_time: Time(row.int("created_at")?),
    })
);

/// Takes the row's lock. False: there is none.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.execute("UPDATE hawk_credentials SET status = status WHERE id = $1", args![id]).await? == 1)
}

pub async fn update(tx: &mut Tx, id: i64, class: Class, agent_id: Option<i64>, status: i64, note: &str) -> Result<()> {
    let sql = "UPDATE hawk_credentials SET class = $2, agent_id = $3, status = $4, note = $5 WHERE id = $1";
    tx.execute(sql, args![id, class.name(), agent_id, status, note]).await?;
    Ok(())
}

pub async fn agent_exists(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.fetch_optional("SELECT 1 AS one FROM agents WHERE id = $1", args![id]).await?.is_some())
}
