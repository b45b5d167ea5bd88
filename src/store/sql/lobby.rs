//! What the front page shows: competitions, their games with places, their lives.

use actors::quota_queue::messages::QueueRow;

use super::db::{Db, StoreError};
use super::quota::{queue_row, row_columns};
use crate::args;

/// Rows of each kind that a front page shows at most.
const MOST: i64 = 200;

pub struct Competition {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub main_img_url: String,
    pub play_time: i64,
    pub registration_open_at: Option<i64>,
    pub registration_close_at: Option<i64>,
}

pub struct GamePlaces {
    pub id: i64,
    pub competition_id: i64,
    pub name: String,
    pub price_fen: i64,
    pub line: QueueRow,
}

pub struct Live {
    pub id: i64,
    /// None: a live of its own.
    pub competition_id: Option<i64>,
    pub title: String,
    pub summary: String,
    pub main_img_url: String,
    pub play_m3u8: String,
    pub live_status: i64,
}

/// Those that are not over yet, soonest first.
pub async fn competitions(db: &Db, now: i64) -> Result<Vec<Competition>, StoreError> {
    let sql = "SELECT id, title, summary, main_img_url, play_time, registration_open_at, registration_close_at \
               FROM competitions WHERE deleted_at IS NULL AND valid_state = 1 AND COALESCE(end_time, play_time) > $1 \
               ORDER BY play_time, id LIMIT $2";
    let day_ms = 24 * 3600 * 1000;
    let rows = db.fetch_all(sql, args![now - day_ms, MOST]).await?;
    rows.iter()
        .map(|row| {
            Ok(Competition {
                id: row.int("id")?,
                title: row.text("title")?,
                summary: row.text("summary")?,
                main_img_url: row.text("main_img_url")?,
                play_time: row.int("play_time")?,
                registration_open_at: row.opt_int("registration_open_at")?,
                registration_close_at: row.opt_int("registration_close_at")?,
            })
        })
        .collect()
}

pub async fn games(db: &Db) -> Result<Vec<GamePlaces>, StoreError> {
    let sql = concat!(
        "SELECT g.id, g.competition_id, g.name, g.price_fen, ",
        row_columns!(),
        " FROM games g JOIN game_queue q ON q.game_id = g.id WHERE g.deleted_at IS NULL ORDER BY g.id DESC LIMIT $1"
    );
    let mut rows = db.fetch_all(sql, args![MOST * 5]).await?;
    rows.reverse();
    rows.iter()
        .map(|row| {
            Ok(GamePlaces {
                id: row.int("id")?,
                competition_id: row.int("competition_id")?,
                name: row.text("name")?,
                price_fen: row.int("price_fen")?,
                line: queue_row(row)?,
            })
        })
        .collect()
}

/// One that is over is not in progress, whatever is stored.
pub async fn lives(db: &Db) -> Result<Vec<Live>, StoreError> {
    let sql = "SELECT id, competition_id, title, summary, main_img_url, play_m3u8,
                CASE WHEN live_status = 1 AND expire_time <= $2 THEN 0 ELSE live_status END AS live_status
         FROM lives
         WHERE deleted_at IS NULL ORDER BY id DESC LIMIT $1";
    let mut rows = db.fetch_all(sql, args![MOST, db.now_ms()]).await?;
    rows.reverse();
    rows.iter()
        .map(|row| {
            Ok(Live {
                id: row.int("id")?,
                competition_id: row.opt_int("competition_id")?,
                title: row.text("title")?,
                summary: row.text("summary")?,
                main_img_url: row.text("main_img_url")?,
                play_m3u8: row.text("play_m3u8")?,
                live_status: row.int("live_status")?,
            })
        })
        .collect()
}
