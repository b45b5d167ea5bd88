//! The audit trail as administrators read it.

use serde::Serialize;
use serde_json::Value;

use super::record;
use super::wire::Time;

#[derive(Debug, Clone, Serialize)]
pub struct AuditRecord {
    pub id: i64,
    pub time: Time,
    /// How often it happened, and when last: failed sign-ins from one address are one entry an hour.
    pub times: i64,
    pub last_time: Option<Time>,
    pub admin_id: Option<i64>,
    pub admin_name: String,
    pub action: String,
    pub entity: String,
    pub entity_id: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

record!(
    AuditRecord,
    "id",
    "id, at, times, last_at, admin_id, admin_name, action, entity, entity_id, before_json, after_json",
    "audit",
    "1 = 1",
    "LOWER(admin_name) LIKE $1 ESCAPE '\\' OR entity LIKE $1 ESCAPE '\\' OR action LIKE $1 ESCAPE '\\' \
     OR '%' || entity || '/' || entity_id || '%' = $1",
    |row| {
        let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(AuditRecord {
            id: row.int("id")?,
            time: Time(row.int("at")?),
            times: row.int("times")?,
            last_time: row.opt_int("last_at")?.map(Time),
            admin_id: row.opt_int("admin_id")?,
            admin_name: row.text("admin_name")?,
            action: row.text("action")?,
            entity: row.text("entity")?,
            entity_id: row.text("entity_id")?,
            before: json(row.opt_text("before_json")?),
            after: json(row.opt_text("after_json")?),
        })
    }
);
