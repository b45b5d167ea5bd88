//! Openings of videos and lives, added in batches.

use std::sync::LazyLock;

use serde::Serialize;

use super::super::db::{BatchSql, ColumnKind, StoreError, Tx, json_rows};

/// What can be opened, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Watched {
    Video(i64),
    Live(i64),
}

#[derive(Serialize)]
struct Count {
    id: i64,
    n: i64,
}

const COUNT: &[(&str, ColumnKind)] = &[("id", ColumnKind::Int), ("n", ColumnKind::Int)];

static VIDEOS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new("UPDATE videos SET browse_num = browse_num + r.n FROM {rows} WHERE videos.id = r.id", COUNT)
});
static LIVES: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new("UPDATE lives SET browse_num = browse_num + r.n FROM {rows} WHERE lives.id = r.id", COUNT)
});

/// Each row of `counts` once.
pub async fn add(tx: &mut Tx, counts: &[(Watched, i64)]) -> Result<(), StoreError> {
    let of = |wanted: fn(Watched) -> Option<i64>| -> Vec<Count> {
        let mut rows: Vec<Count> =
            counts.iter().filter_map(|(watched, n)| wanted(*watched).map(|id| Count { id, n: *n })).collect();
        // Nodes that add at the same time should meet the rows in one order.
        rows.sort_unstable_by_key(|row| row.id);
        rows
    };
    let videos = of(|watched| match watched {
        Watched::Video(id) => Some(id),
        Watched::Live(_) => None,
    });
    let lives = of(|watched| match watched {
        Watched::Live(id) => Some(id),
        Watched::Video(_) => None,
    });
    for (batch, rows) in [(&*VIDEOS, videos), (&*LIVES, lives)] {
        if !rows.is_empty() {
            let sql = batch.text(tx.dialect());
            tx.execute(sql, vec![json_rows(&rows)?]).await?;
        }
    }
    Ok(())
}
