//! Everything that a database holds, as one number a table: equal before and after means that nothing was changed.

use std::collections::BTreeMap;

use matchday::args;
use matchday::store::sql::db::{Db, Dialect, Row};
use sha2::{Digest as _, Sha256};

/// Table → hash of all its rows, in no order.
pub(crate) type Digest = BTreeMap<String, [u8; 32]>;

pub(crate) async fn digest(db: &Db) -> Digest {
    let tables = match db.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Dialect::Postgres => {
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = current_schema()"
        }
    };
    let mut digest = Digest::new();
    for table in db.fetch_all(tables, args![]).await.unwrap() {
        let table = table.text("name").unwrap();
        if table.starts_with('_') {
            // The migrations of sqlx: times and bytes, and never written by a request.
            continue;
        }
        let sql: &'static str = format!("SELECT * FROM {table}").leak();
        let mut rows: Vec<[u8; 32]> = db.fetch_all(sql, args![]).await.unwrap().iter().map(hash).collect();
        rows.sort_unstable();
        digest.insert(table, Sha256::digest(rows.concat()).into());
    }
    digest
}

fn hash(row: &Row) -> [u8; 32] {
    let mut hash = Sha256::new();
    for column in row.column_names() {
        let value = match row.opt_int(&column) {
            Ok(value) => format!("{value:?}"),
            Err(_) => format!("{:?}", row.opt_text(&column).unwrap()),
        };
        hash.update(value);
        hash.update([0]);
    }
    hash.finalize().into()
}

/// The tables that differ.
pub(crate) fn changed(before: &Digest, after: &Digest) -> Vec<String> {
    assert_eq!(before.len(), after.len());
    before.iter().filter(|(table, hash)| after.get(*table) != Some(hash)).map(|(table, _)| table.clone()).collect()
}
