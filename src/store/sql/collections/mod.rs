//! The administrators' view of rows: one file a collection, read alike (by id, or in pages with a search). What is
//! written here always runs inside the transaction of the audit trail.

pub mod accounts;
pub mod admins;
pub mod agents;
pub mod audit;
pub mod bills;
pub mod games;
pub mod hawk_credentials;
pub mod hooks;
pub mod orders;
pub mod outbox;
pub mod players;
pub mod sso_apps;
pub mod table;
pub mod tables;
pub mod wire;

use serde::Serialize;

use super::db::{Db, Row, StoreError, Tx};
use crate::args;

/// A row as administrators see it. Its serialised form is what leaves and what the audit trail keeps.
pub trait Record: Serialize + Sized + Send + 'static {
    /// `… WHERE id = $1`
    const ONE: &'static str;
    /// `… LIKE $1 … LIMIT $2 OFFSET $3`, newest first
    const PAGE: &'static str;
    /// `SELECT COUNT(*) AS total … LIKE $1 …`
    const COUNT: &'static str;

    fn read(row: &Row) -> Result<Self, StoreError>;
}

/// Implements `Record` for a struct. `search` is an expression over `$1`, a pattern for LIKE.
macro_rules! record {
    ($record:ty, $id:literal, $columns:literal, $from:literal, $visible:literal, $search:literal, $read:expr) => {
        impl super::Record for $record {
            const ONE: &'static str =
                concat!("SELECT ", $columns, " FROM ", $from, " WHERE ", $visible, " AND ", $id, " = $1");
            const PAGE: &'static str = concat!(
                "SELECT ",
                $columns,
                " FROM ",
                $from,
                " WHERE ",
                $visible,
                " AND (",
                $search,
                ") ORDER BY ",
                $id,
                " DESC LIMIT $2 OFFSET $3"
            );
            const COUNT: &'static str =
                concat!("SELECT COUNT(*) AS total FROM ", $from, " WHERE ", $visible, " AND (", $search, ")");

            fn read(row: &$crate::store::sql::db::Row) -> Result<Self, $crate::store::sql::db::StoreError> {
                let read: fn(&$crate::store::sql::db::Row) -> Result<Self, $crate::store::sql::db::StoreError> = $read;
                read(row)
            }
        }
    };
}
pub(crate) use record;

pub struct Page<T> {
    pub total: i64,
    pub rows: Vec<T>,
}

pub async fn one<T: Record>(db: &Db, id: i64) -> Result<Option<T>, StoreError> {
    db.fetch_optional(T::ONE, args![id]).await?.map(|row| T::read(&row)).transpose()
}

pub async fn one_in<T: Record>(tx: &mut Tx, id: i64) -> Result<Option<T>, StoreError> {
    tx.fetch_optional(T::ONE, args![id]).await?.map(|row| T::read(&row)).transpose()
}

/// `search` finds its text anywhere; empty finds everything.
pub async fn page<T: Record>(db: &Db, search: &str, limit: i64, offset: i64) -> Result<Page<T>, StoreError> {
    let pattern = like(search);
    let rows = db.fetch_all(T::PAGE, args![&pattern, limit, offset]).await?;
    let total = db.fetch_one(T::COUNT, args![pattern]).await?.int("total")?;
    Ok(Page { total, rows: rows.iter().map(T::read).collect::<Result<_, _>>()? })
}

pub(super) fn like(search: &str) -> String {
    let mut pattern = String::with_capacity(search.len() + 2);
    pattern.push('%');
    for letter in search.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_search_has_no_wildcards_of_its_own() {
        assert_eq!(like(""), "%%");
        assert_eq!(like("10% A_b\\"), "%10\\% a\\_b\\\\%");
    }
}
