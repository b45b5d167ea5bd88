//! The audit trail: who changed what and when, written in the transaction of the change itself.

use serde_json::Value;

use super::db::{StoreError, Tx};
use crate::args;

/// One act. `before` and `after` are the row's public form; None where there is none.
pub struct Entry<'e> {
    /// None: the command line or the server itself.
    pub admin_id: Option<i64>,
    pub admin_name: &'e str,
    /// `create`, `update`, `delete`, or the act's own verb.
    pub action: &'e str,
    /// The collection's name.
    pub entity: &'e str,
    pub entity_id: &'e str,
    pub before: Option<&'e Value>,
    pub after: Option<&'e Value>,
}

pub async fn insert(tx: &mut Tx, entry: &Entry<'_>, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit (at, admin_id, admin_name, action, entity, entity_id, before_json, after_json) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let args = args![
        now,
        entry.admin_id,
        entry.admin_name,
        entry.action,
        entry.entity,
        entry.entity_id,
        entry.before.map(Value::to_string),
        entry.after.map(Value::to_string),
    ];
    tx.execute(sql, args).await?;
    Ok(())
}
