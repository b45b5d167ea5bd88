//! Competitions for administrators.

use actors::error::{DomainError, Result};
use serde::{Deserialize, Serialize};

use super::super::db::Tx;
use super::record;
use super::wire::{Time, given};
use crate::args;

#[derive(Debug, Clone, Serialize)]
pub struct CompetitionRecord {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub description: String,
    pub score: String,
    pub main_img_url: String,
    pub place: String,
    pub notes: String,
    pub is_hot: i64,
    pub valid_state: i64,
    pub play_time: Time,
    pub end_time: Option<Time>,
    pub registration_open_at: Option<Time>,
    pub registration_close_at: Option<Time>,
    pub change_deadline: Option<Time>,
    pub refund_deadline: Option<Time>,
    pub create_time: Time,
}

record!(
    CompetitionRecord,
    "id",
    "id, title, summary, description, score, main_img_url, place, notes, is_hot, valid_state, play_time, end_time, \
     registration_open_at, registration_close_at, change_deadline, refund_deadline, created_at",
    "competitions",
    "deleted_at IS NULL",
    "LOWER(title) LIKE $1 ESCAPE '\\' OR LOWER(summary) LIKE $1 ESCAPE '\\'",
    |row| Ok(CompetitionRecord {
        id: row.int("id")?,
        title: row.text("title")?,
        summary: row.text("summary")?,
        description: row.text("description")?,
        score: row.text("score")?,
        main_img_url: row.text("main_img_url")?,
        place: row.text("place")?,
        notes: row.text("notes")?,
        is_hot: row.int("is_hot")?,
        valid_state: row.int("valid_state")?,
        play_time: Time(row.int("play_time")?),
        end_time: row.opt_int("end_time")?.map(Time),
        registration_open_at: row.opt_int("registration_open_at")?.map(Time),
        registration_close_at: row.opt_int("registration_close_at")?.map(Time),
        change_deadline: row.opt_int("change_deadline")?.map(Time),
        refund_deadline: row.opt_int("refund_deadline")?.map(Time),
        create_time: Time(row.int("created_at")?),
    })
);

/// A new competition takes the same members; it needs `title` and `play_time`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompetitionPatch {
    pub title: Option<String>,
    pub summary: Option<String>,
    pub description: Option<String>,
    pub score: Option<String>,
    pub main_img_url: Option<String>,
    pub place: Option<String>,
    pub notes: Option<String>,
    pub is_hot: Option<i64>,
    pub valid_state: Option<i64>,
    pub play_time: Option<Time>,
    #[serde(deserialize_with = "given")]
    pub end_time: Option<Option<Time>>,
    #[serde(deserialize_with = "given")]
    pub registration_open_at: Option<Option<Time>>,
    #[serde(deserialize_with = "given")]
    pub registration_close_at: Option<Option<Time>>,
    #[serde(deserialize_with = "given")]
    pub change_deadline: Option<Option<Time>>,
    #[serde(deserialize_with = "given")]
    pub refund_deadline: Option<Option<Time>>,
}

/// To be filled by `update`.
pub async fn insert(tx: &mut Tx, title: &str, play_time: Time, now: i64) -> Result<i64> {
    let sql = "INSERT INTO competitions (title, play_time, created_at) VALUES ($1, $2, $3) RETURNING id";
    Ok(tx.fetch_one(sql, args![title, play_time.0, now]).await?.int("id")?)
}

pub async fn lock(tx: &mut Tx, id: i64) -> Result<bool> {
    let sql = "UPDATE competitions SET title = title WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.execute(sql, args![id]).await? == 1)
}

pub async fn update(tx: &mut Tx, row: &CompetitionRecord) -> Result<()> {
    let sql = "UPDATE competitions SET title = $2, summary = $3, description = $4, score = $5, main_img_url = $6, \
               place = $7, notes = $8, is_hot = $9, valid_state = $10, play_time = $11, end_time = $12, \
               registration_open_at = $13, registration_close_at = $14, change_deadline = $15, refund_deadline = $16 \
               WHERE id = $1";
    let ms = |time: Option<Time>| time.map(|time| time.0);
    let args = args![
        row.id,
        &row.title,
        &row.summary,
        &row.description,
        &row.score,
        &row.main_img_url,
        &row.place,
        &row.notes,
        row.is_hot,
        row.valid_state,
        row.play_time.0,
        ms(row.end_time),
        ms(row.registration_open_at),
        ms(row.registration_close_at),
        ms(row.change_deadline),
        ms(row.refund_deadline),
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Errors: `InUse` while it has games.
pub async fn delete(tx: &mut Tx, id: i64, now: i64) -> Result<()> {
    let sql = "SELECT 1 AS one FROM games WHERE competition_id = $1 AND deleted_at IS NULL LIMIT 1";
    if tx.fetch_optional(sql, args![id]).await?.is_some() {
        return Err(DomainError::InUse("the competition has games: delete them first".into()));
    }
    tx.execute("UPDATE competitions SET deleted_at = $2 WHERE id = $1", args![id, now]).await?;
    Ok(())
}
