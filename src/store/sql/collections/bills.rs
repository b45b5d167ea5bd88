//! The reports of bills as administrators read them.

use serde::Serialize;
use serde_json::Value;

use super::super::db::StoreError;
use super::record;
use super::wire::Time;

#[derive(Debug, Clone, Serialize)]
pub struct BillRecord {
    pub id: i64,
    pub provider: String,
    /// `YYYY-MM-DD`, Beijing.
    pub day: String,
    pub lines: i64,
    /// Yuan on the bill.
    pub paid: f64,
    pub refunded: f64,
    pub difference_count: i64,
    /// The first thousand.
    pub differences: Value,
    pub create_time: Time,
}

record!(
    BillRecord,
    "id",
    "id, provider, day, line_count, paid_fen, refunded_fen, difference_count, differences, created_at",
    "bill_reports",
    "1 = 1",
    "day LIKE $1 ESCAPE '\\' OR LOWER(differences) LIKE $1 ESCAPE '\\'",
    |row| {
        let differences = row.text("differences")?;
        Ok(BillRecord {
            id: row.int("id")?,
            provider: row.text("provider")?,
            day: row.text("day")?,
            lines: row.int("line_count")?,
            paid: row.int("paid_fen")? as f64 / 100.0,
            refunded: row.int("refunded_fen")? as f64 / 100.0,
            difference_count: row.int("difference_count")?,
            differences: serde_json::from_str(&differences).map_err(|error| StoreError::Corrupt(error.to_string()))?,
            create_time: Time(row.int("created_at")?),
        })
    }
);
