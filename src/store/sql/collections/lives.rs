//! Lives for administrators; each has its room.

use actors::error::{DomainError, Entity, Result};
use serde::{Deserialize, Serialize};

use super::super::db::{StoreError, Tx};
use super::record;
use super::wire::{Time, given};
use crate::args;

#[derive(Debug, Clone, Serialize)]
pub struct LiveRecord {
    pub id: i64,
    pub competition_id: Option<i64>,
    pub title: String,
    pub summary: String,
    pub main_img_url: String,
    pub stream_name: String,
    pub play_rtmp: String,
    pub play_flv: String,
    pub play_m3u8: String,
    /// 1 in progress, anything else over.
    pub live_status: i64,
    /// 1: viewers see the count.
    pub online_show: i64,
    pub browse_num: i64,
    pub publish_time: Time,
    pub expire_time: Option<Time>,
}

record!(
    LiveRecord,
    "id",
    "id, competition_id, title, summary, main_img_url, stream_name, play_rtmp, play_flv, play_m3u8, live_status, \
     online_show, browse_num, publish_time, expire_time",
    "lives",
    "deleted_at IS NULL",
    "LOWER(title) LIKE $1 ESCAPE '\\'",
    |row| Ok(LiveRecord {
        id: row.int("id")?,
        competition_id: row.opt_int("competition_id")?,
        title: row.text("title")?,
        summary: row.text("summary")?,
        main_img_url: row.text("main_img_url")?,
        stream_name: row.text("stream_name")?,
        play_rtmp: row.text("play_rtmp")?,
        play_flv: row.text("play_flv")?,
        play_m3u8: row.text("play_m3u8")?,
        live_status: row.int("live_status")?,
        online_show: row.int("online_show")?,
        browse_num: row.int("browse_num")?,
        publish_time: Time(row.int("publish_time")?),
        expire_time: row.opt_int("expire_time")?.map(Time),
    })
);

/// A new live takes the same members; `title` is the one it needs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LivePatch {
    #[serde(deserialize_with = "given")]
    pub competition_id: Option<Option<i64>>,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub main_img_url: Option<String>,
    pub stream_name: Option<String>,
    pub play_rtmp: Option<String>,
    pub play_flv: Option<String>,
    pub play_m3u8: Option<String>,
    pub live_status: Option<i64>,
    pub online_show: Option<i64>,
    pub publish_time: Option<Time>,
    #[serde(deserialize_with = "given")]
    pub expire_time: Option<Option<Time>>,
}

/// The live and its room, to be filled by `update`.
pub async fn insert(tx: &mut Tx, title: &str, now: i64) -> Result<i64> {
    let sql = "INSERT INTO lives (title, publish_time, created_at) VALUES ($1, $2, $2) RETURNING id";
    let id = tx.fetch_one(sql, args![title, now]).await?.int("id")?;
    insert_room(tx, id).await?;
    Ok(id)
}

/// The room of a live, with a fresh epoch: its history begins here.
pub async fn insert_room(tx: &mut Tx, live_id: i64) -> Result<(), StoreError> {
    let epoch: [u8; 8] = rand::random();
    let sql = "INSERT INTO rooms (live_id, epoch) VALUES ($1, $2)";
    tx.execute(sql, args![live_id, hex::encode(epoch)]).await?;
    Ok(())
}

pub async fn lock(tx: &mut Tx, id: i64) -> Result<bool> {
    let sql = "UPDATE lives SET title = title WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.execute(sql, args![id]).await? == 1)
}

/// Errors: `NotFound(Competition)`.
pub async fn update(tx: &mut Tx, live: &LiveRecord) -> Result<()> {
    if let Some(competition) = live.competition_id {
        let sql = "SELECT 1 AS one FROM competitions WHERE id = $1 AND deleted_at IS NULL";
        if tx.fetch_optional(sql, args![competition]).await?.is_none() {
            return Err(DomainError::NotFound(Entity::Competition));
        }
    }
    let sql = "UPDATE lives SET competition_id = $2, title = $3, summary = $4, main_img_url = $5, stream_name = $6, \
               play_rtmp = $7, play_flv = $8, play_m3u8 = $9, live_status = $10, online_show = $11, publish_time = $12, \
               expire_time = $13 WHERE id = $1";
    let args = args![
        live.id,
        live.competition_id,
        &live.title,
        &live.summary,
        &live.main_img_url,
        &live.stream_name,
        &live.play_rtmp,
        &live.play_flv,
        &live.play_m3u8,
        live.live_status,
        live.online_show,
        live.publish_time.0,
        live.expire_time.map(|time| time.0),
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Takes the room's lock, too: no line is saved after the commit.
pub async fn delete(tx: &mut Tx, id: i64, now: i64) -> Result<()> {
    tx.execute("UPDATE rooms SET paused = paused WHERE live_id = $1", args![id]).await?;
    tx.execute("UPDATE lives SET deleted_at = $2, live_status = 0 WHERE id = $1", args![id, now]).await?;
    Ok(())
}
