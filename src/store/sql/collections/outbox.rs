//! The outbox as administrators read it: work that failed and is not done yet.

use serde::Serialize;

use super::record;
use super::wire::Time;

#[derive(Debug, Clone, Serialize)]
pub struct OutboxRecord {
    pub id: i64,
    pub kind: String,
    /// What makes the work one: `refund:PROVIDER:TRANSACTION`.
    pub work_key: String,
    /// `put off` or `given up`.
    pub state: &'static str,
    pub attempts: i64,
    /// When it is tried again; not for work that is given up.
    pub next_time: Option<Time>,
    pub create_time: Time,
    pub last_error: Option<String>,
}

record!(
    OutboxRecord,
    "id",
    "id, kind, work_key, state, attempts, next_at, created_at, last_error",
    "outbox",
    "(state = 2 OR (state = 0 AND last_error IS NOT NULL))",
    "kind LIKE $1 ESCAPE '\\' OR LOWER(work_key) LIKE $1 ESCAPE '\\' OR LOWER(COALESCE(last_error, '')) LIKE $1 ESCAPE '\\'",
    |row| {
        let given_up = row.int("state")? == 2;
        Ok(OutboxRecord {
            id: row.int("id")?,
            kind: row.text("kind")?,
            work_key: row.text("work_key")?,
            state: if given_up { "given up" } else { "put off" },
            attempts: row.int("attempts")?,
            next_time: if given_up { None } else { Some(Time(row.int("next_at")?)) },
            create_time: Time(row.int("created_at")?),
            last_error: row.opt_text("last_error")?,
        })
    }
);
