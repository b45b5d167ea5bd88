//! Files that pages show: pictures under `/uploads`, and what is under `/static`.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::collections::table::Table;
use super::collections::tables;
use super::db::{BatchSql, ColumnKind, Db, StoreError, Tx, json_rows};
use crate::args;

const INSERT_PICTURE: &str = "
INSERT INTO files (cate, path, original, size, created_at) VALUES (1, $1, $2, $3, $4)
ON CONFLICT (path) WHERE path LIKE '/uploads/%' DO NOTHING RETURNING id";

/// The row of a stored picture, made if there is none; true: it was made.
pub async fn picture(
    tx: &mut Tx,
    path: &str,
    original: &str,
    size: i64,
    now_ms: i64,
) -> Result<(i64, bool), StoreError> {
    if let Some(row) = tx.fetch_optional(INSERT_PICTURE, args![path, original, size, now_ms]).await? {
        return Ok((row.int("id")?, true));
    }
    let row = tx.fetch_one("SELECT id FROM files WHERE path = $1", args![path]).await?;
    Ok((row.int("id")?, false))
}

/// Outbox work: a picture of somebody who is erased or has another one is removed.
pub const FORGET: &str = "forget_picture";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetWork {
    pub path: String,
}

#[derive(Serialize)]
struct PathRow<'a> {
    path: &'a str,
}

/// Accounts and lines hold the path itself; what administrators write may name it anywhere, so that texts which name any
/// picture are collected first. Deleted rows count: some of them are still shown, such as the competition of an old order.
static SHOWN: LazyLock<BatchSql> = LazyLock::new(|| {
    let mut texts = Vec::new();
    for (table, columns) in tables::WRITTEN.map(Table::with_pictures) {
        texts
            .extend(columns.iter().map(|it| format!("SELECT {it} AS text FROM {table} WHERE {it} LIKE '%/uploads/%'")));
    }
    let sql = format!(
        "WITH texts AS MATERIALIZED ({})
         SELECT head_img AS path FROM accounts
               WHERE head_img LIKE '/uploads/%' AND head_img IN (SELECT r.path FROM {{rows}})
         UNION SELECT head_img FROM publications
               WHERE head_img LIKE '/uploads/%' AND head_img IN (SELECT r.path FROM {{rows}})
         UNION SELECT r.path FROM {{rows}}
               WHERE EXISTS (SELECT 1 AS one FROM texts t WHERE t.text LIKE '%' || r.path || '%')",
        texts.join(" UNION ALL ")
    );
    BatchSql::new(&sql, &[("path", ColumnKind::Text)])
});

/// Those of some pictures that an account, a line or a page shows. Accounts and lines are found by an index; pages are all
/// read once, so that asking for a hundred costs little more than for one.
pub async fn shown(db: &Db, paths: &[String]) -> Result<HashSet<String>, StoreError> {
    let rows: Vec<PathRow<'_>> = paths.iter().map(|path| PathRow { path }).collect();
    let rows = db.fetch_all(SHOWN.text(db.dialect()), args![json_rows(&rows)?]).await?;
    rows.iter().map(|row| row.text("path")).collect()
}
