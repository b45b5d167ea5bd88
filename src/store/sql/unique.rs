//! Which unique index refused a write.

use super::db::StoreError;

/// Whether it was the index of one column: SQLite names the column, Postgres an index that is called by it.
pub fn refused(error: &StoreError, column: &str) -> bool {
    let StoreError::Sql(sqlx::Error::Database(fault)) = error else { return false };
    let named = fault.message().contains(column) || fault.constraint().is_some_and(|name| name.contains(column));
    fault.is_unique_violation() && named
}
