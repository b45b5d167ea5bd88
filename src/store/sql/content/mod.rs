//! What the H5 application shows: competitions, athletes and teams, videos and lives, banners and texts.

pub mod athletes;
pub mod browse;
pub mod competitions;
pub mod feeds;
pub mod media;
pub mod site;

use actors::error::Result;

use super::db::{Db, Row, StoreError, Value};

/// One page of a list, and how many rows all pages have.
#[derive(Debug)]
pub struct Page<T> {
    pub total: i64,
    pub rows: Vec<T>,
}

/// Rows from `offset`, at most `limit`.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub limit: i64,
    pub offset: i64,
}

/// `list` takes `args`, then limit and offset; `count` takes `args` and answers `total`.
async fn page<T>(
    db: &Db,
    (list, count): (&'static str, &'static str),
    args: Vec<Value>,
    window: Window,
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Page<T>> {
    let total = db.fetch_one(count, args.clone()).await?.int("total")?;
    let mut all = args;
    all.extend([window.limit.into(), window.offset.into()]);
    let rows = db.fetch_all(list, all).await?;
    Ok(Page { total, rows: rows.iter().map(read).collect::<Result<_, _>>()? })
}
