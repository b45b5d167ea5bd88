//! Statements that take a batch of rows as one JSON parameter, on both databases.

use super::db::{Dialect, StoreError, Value};

/// A statement that takes any number of rows as one JSON parameter (`$1`, an array of objects), so that its text never
/// changes with the batch's size and stays prepared. `{rows}` in the text becomes the database's own reader of it, a
/// table named `r` with the given columns.
pub struct BatchSql {
    sqlite: &'static str,
    postgres: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub enum ColumnKind {
    Int,
    Text,
}

impl BatchSql {
    /// Made once per statement, in a `LazyLock`; the texts live as long as the process.
    pub fn new(sql: &str, columns: &[(&str, ColumnKind)]) -> Self {
        let sqlite: Vec<String> =
            columns.iter().map(|(name, _)| format!("json_extract(value, '$.{name}') AS {name}")).collect();
        let postgres: Vec<String> = columns
            .iter()
            .map(|(name, kind)| {
                let kind = match kind {
                    ColumnKind::Int => "bigint",
                    ColumnKind::Text => "text",
                };
                format!("{name} {kind}")
            })
            .collect();
        let text = |rows: String| -> &'static str { sql.replace("{rows}", &rows).leak() };
        Self {
            sqlite: text(format!("(SELECT {} FROM json_each($1)) AS r", sqlite.join(", "))),
            postgres: text(format!("json_to_recordset($1::json) AS r({})", postgres.join(", "))),
        }
    }

    pub fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// The JSON parameter of a `BatchSql`.
pub fn json_rows<T: serde::Serialize>(rows: &[T]) -> Result<Value, StoreError> {
    serde_json::to_string(rows).map(Value::from).map_err(|error| StoreError::Corrupt(error.to_string()))
}
