//! Banners, the membership for sale, and the site's texts.

use std::sync::LazyLock;

use actors::domain::money::Fen;
use actors::error::Result;
use serde::Serialize;

use super::super::db::{BatchSql, ColumnKind, Db, Row, StoreError, json_rows};
use super::super::games::fen;
use super::media::File;
use crate::args;

#[derive(Debug, Clone)]
pub struct Banner {
    pub id: i64,
    pub title: String,
    pub description: String,
    /// 1 to 3.
    pub position: i64,
    pub img_url: String,
    pub jump_url: String,
    pub file: File,
}

fn banner(row: &Row) -> Result<Banner, StoreError> {
    Ok(Banner {
        id: row.int("id")?,
        title: row.text("title")?,
        description: row.text("description")?,
        position: row.int("banner_position")?,
        img_url: row.text("img_url")?,
        jump_url: row.text("jump_url")?,
        file: File::read(row)?,
    })
}

/// A banner that is shown.
pub async fn find_banner(db: &Db, id: i64) -> Result<Option<Banner>> {
    let sql =
        "SELECT b.id, b.title, b.description, b.banner_position, b.img_url, b.jump_url, f.cate, f.path, f.original,
                      f.size
               FROM banners b LEFT JOIN files f ON f.id = b.file_id
               WHERE b.deleted_at IS NULL AND b.display = 1 AND b.status = 1 AND b.id = $1";
    Ok(db.fetch_optional(sql, args![id]).await?.map(|row| banner(&row)).transpose()?)
}

/// All banners that are shown at a position, oldest first.
pub async fn banners_at(db: &Db, position: i64) -> Result<Vec<Banner>> {
    let sql =
        "SELECT b.id, b.title, b.description, b.banner_position, b.img_url, b.jump_url, f.cate, f.path, f.original,
                      f.size
               FROM banners b LEFT JOIN files f ON f.id = b.file_id
               WHERE b.deleted_at IS NULL AND b.display = 1 AND b.status = 1 AND b.banner_position = $1
               ORDER BY b.id LIMIT 50";
    let rows = db.fetch_all(sql, args![position]).await?;
    Ok(rows.iter().map(banner).collect::<Result<_, _>>()?)
}

#[derive(Debug, Clone)]
pub struct Business {
    pub id: i64,
    pub s_id: i64,
    pub title: String,
    pub cost: Fen,
    pub price: Fen,
    pub content: String,
    pub remark: String,
    pub num: String,
    /// Years.
    pub valid_time: i64,
    pub amount: i64,
    pub specs: String,
    pub people: i64,
    /// Milliseconds since 1970.
    pub audit_time: Option<i64>,
    pub istui: i64,
}

/// The membership that is offered: of those enabled the recommended one, else the oldest.
pub async fn membership(db: &Db) -> Result<Option<Business>> {
    let sql = "SELECT id, s_id, title, cost_fen, price_fen, content, remark, num, valid_time, amount, specs, people,
                      audit_time, istui
               FROM businesses WHERE status = 1 AND deleted_at IS NULL ORDER BY istui DESC, id LIMIT 1";
    let row = db.fetch_optional(sql, args![]).await?;
    row.map(|row| {
        Ok(Business {
            id: row.int("id")?,
            s_id: row.int("s_id")?,
            title: row.text("title")?,
            cost: fen(&row, "cost_fen")?,
            price: fen(&row, "price_fen")?,
            content: row.text("content")?,
            remark: row.text("remark")?,
            num: row.text("num")?,
            valid_time: row.int("valid_time")?,
            amount: row.int("amount")?,
            specs: row.text("specs")?,
            people: row.int("people")?,
            audit_time: row.opt_int("audit_time")?,
            istui: row.int("istui")?,
        })
    })
    .transpose()
}

#[derive(Serialize)]
struct CodeRow<'a> {
    code: &'a str,
}

static CONFIGS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT c.code, c.content FROM {rows} JOIN site_configs c ON c.code = r.code",
        &[("code", ColumnKind::Text)],
    )
});

/// (code, content) of those that are there, in no order.
pub async fn configs(db: &Db, codes: &[String]) -> Result<Vec<(String, String)>> {
    let rows: Vec<CodeRow> = codes.iter().map(|code| CodeRow { code }).collect();
    let found = db.fetch_all(CONFIGS.text(db.dialect()), vec![json_rows(&rows)?]).await?;
    Ok(found.iter().map(|row| Ok((row.text("code")?, row.text("content")?))).collect::<Result<_, StoreError>>()?)
}
