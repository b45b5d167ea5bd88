//! Competitions as visitors see them, and members' wishes to play in one.

use actors::error::{DomainError, Entity, Result};

use super::super::db::{Db, Row, StoreError, Tx};
use super::{Page, Window};
use crate::args;

/// Times in milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Competition {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub description: String,
    pub score: String,
    pub main_img_url: String,
    pub play_time: i64,
    pub notes: String,
    pub is_hot: bool,
}

#[derive(Debug, Clone)]
pub struct CompetitionCard {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub main_img_url: String,
    pub play_time: i64,
    /// The asking member has applied.
    pub applied: bool,
}

pub async fn find(db: &Db, id: i64) -> Result<Option<Competition>> {
    let sql = "SELECT id, title, summary, description, score, main_img_url, play_time, notes, is_hot
               FROM competitions WHERE id = $1 AND deleted_at IS NULL";
    let row = db.fetch_optional(sql, args![id]).await?;
    row.map(|row| {
        Ok(Competition {
            id: row.int("id")?,
            title: row.text("title")?,
            summary: row.text("summary")?,
            description: row.text("description")?,
            score: row.text("score")?,
            main_img_url: row.text("main_img_url")?,
            play_time: row.int("play_time")?,
            notes: row.text("notes")?,
            is_hot: row.flag("is_hot")?,
        })
    })
    .transpose()
}

pub(super) fn card(row: &Row) -> Result<CompetitionCard, StoreError> {
    Ok(CompetitionCard {
        id: row.int("id")?,
        title: row.text("title")?,
        summary: row.text("summary")?,
        main_img_url: row.text("main_img_url")?,
        play_time: row.int("play_time")?,
        applied: row.flag("applied")?,
    })
}

/// What starts after `now`, the next first; `member` 0 has applied for none.
pub async fn begins(db: &Db, member: i64, now: i64, window: Window) -> Result<Page<CompetitionCard>> {
    let list = "SELECT c.id, c.title, c.summary, c.main_img_url, c.play_time,
                       (SELECT COUNT(*) FROM applications a WHERE a.member_id = $2 AND a.competition_id = c.id) AS applied
                FROM competitions c WHERE c.deleted_at IS NULL AND c.play_time > $1
                ORDER BY c.play_time, c.id LIMIT $3 OFFSET $4";
    let count = "SELECT COUNT(*) AS total FROM competitions WHERE deleted_at IS NULL AND play_time > $1 AND $2 >= 0";
    super::page(db, (list, count), args![now, member], window, card).await
}

/// Errors: `NotFound(Competition)`, `AlreadyRegistered`.
pub async fn apply(tx: &mut Tx, member: i64, competition: i64, now: i64) -> Result<()> {
    if !exists(tx, competition).await? {
        return Err(DomainError::NotFound(Entity::Competition));
    }
    let sql = "INSERT INTO applications (member_id, competition_id, created_at) VALUES ($1, $2, $3)
               ON CONFLICT (member_id, competition_id) DO NOTHING";
    match tx.execute(sql, args![member, competition, now]).await? {
        0 => Err(DomainError::AlreadyRegistered { order_no: None }),
        _ => Ok(()),
    }
}

/// Errors: `NotFound(Competition)`, `NotFound(Registration)` without an application.
pub async fn withdraw(tx: &mut Tx, member: i64, competition: i64) -> Result<()> {
    if !exists(tx, competition).await? {
        return Err(DomainError::NotFound(Entity::Competition));
    }
    let sql = "DELETE FROM applications WHERE member_id = $1 AND competition_id = $2";
    match tx.execute(sql, args![member, competition]).await? {
        0 => Err(DomainError::NotFound(Entity::Registration)),
        _ => Ok(()),
    }
}

async fn exists(tx: &mut Tx, competition: i64) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM competitions WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.fetch_optional(sql, args![competition]).await?.is_some())
}
