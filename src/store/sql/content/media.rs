//! Videos and lives in lists, and what can be opened.

use actors::domain::chat::Live;
use actors::domain::ids::{CompetitionId, LiveId};
use actors::error::Result;

use super::super::chat::live;
use super::super::collections::like;
use super::super::db::{Db, Row, StoreError};
use super::{Page, Window};
use crate::args;

/// A stored file; all empty when there is none.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// 1 picture, 2 video, 3 other; 0 without a file.
    pub cate: i64,
    /// A path on this server or an absolute address.
    pub path: String,
    pub original: String,
    /// Bytes.
    pub size: i64,
}

impl File {
    /// From the columns of an outer join.
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            cate: row.opt_int("cate")?.unwrap_or(0),
            path: row.opt_text("path")?.unwrap_or_default(),
            original: row.opt_text("original")?.unwrap_or_default(),
            size: row.opt_int("size")?.unwrap_or(0),
        })
    }
}

#[derive(Debug, Clone)]
pub struct Video {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub main_img_url: String,
    pub competition_id: Option<CompetitionId>,
    pub browse_num: i64,
    /// 1 replay, 2 highlights.
    pub kind: i64,
    /// Milliseconds since 1970.
    pub publish_time: i64,
    pub file: File,
}

fn video(row: &Row) -> Result<Video, StoreError> {
    Ok(Video {
        id: row.int("id")?,
        title: row.text("title")?,
        summary: row.text("summary")?,
        main_img_url: row.text("main_img_url")?,
        competition_id: row.opt_int("competition_id")?.map(CompetitionId),
        browse_num: row.int("browse_num")?,
        kind: row.int("kind")?,
        publish_time: row.int("publish_time")?,
        file: File::read(row)?,
    })
}

pub async fn find_video(db: &Db, id: i64) -> Result<Option<Video>> {
    let sql = "SELECT v.id, v.title, v.summary, v.main_img_url, v.competition_id, v.browse_num, v.kind, v.publish_time,
                      f.cate, f.path, f.original, f.size
               FROM videos v LEFT JOIN files f ON f.id = v.file_id WHERE v.id = $1 AND v.deleted_at IS NULL";
    Ok(db.fetch_optional(sql, args![id]).await?.map(|row| video(&row)).transpose()?)
}

/// What a list is narrowed to; `None` does not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In title or summary, in any case.
    pub search: Option<String>,
    pub competition: Option<i64>,
    /// Of videos.
    pub kind: Option<i64>,
}

impl Filter {
    fn pattern(&self) -> String {
        like(self.search.as_deref().unwrap_or_default())
    }
}

/// Newest first.
pub async fn videos(db: &Db, filter: &Filter, window: Window) -> Result<Page<Video>> {
    let list =
        "SELECT v.id, v.title, v.summary, v.main_img_url, v.competition_id, v.browse_num, v.kind, v.publish_time,
                       f.cate, f.path, f.original, f.size
                FROM videos v LEFT JOIN files f ON f.id = v.file_id
                WHERE v.deleted_at IS NULL
                  AND (LOWER(v.title) LIKE $1 ESCAPE '\\' OR LOWER(v.summary) LIKE $1 ESCAPE '\\')
                  AND ($2 = 0 OR v.competition_id = $2) AND ($3 = 0 OR v.kind = $3)
                ORDER BY v.publish_time DESC, v.id DESC LIMIT $4 OFFSET $5";
    let count = "SELECT COUNT(*) AS total FROM videos v
                 WHERE v.deleted_at IS NULL
                   AND (LOWER(v.title) LIKE $1 ESCAPE '\\' OR LOWER(v.summary) LIKE $1 ESCAPE '\\')
                   AND ($2 = 0 OR v.competition_id = $2) AND ($3 = 0 OR v.kind = $3)";
    let args = args![filter.pattern(), filter.competition.unwrap_or(0), filter.kind.unwrap_or(0)];
    super::page(db, (list, count), args, window, video).await
}

/// Newest first; `filter.kind` is not looked at.
pub async fn lives(db: &Db, filter: &Filter, window: Window) -> Result<Page<Live>> {
    let list = "SELECT id, competition_id, title, summary, main_img_url, stream_name, play_rtmp, play_flv, play_m3u8,
                       plug_flow, live_status, online_show, browse_num, publish_time, expire_time
                FROM lives
                WHERE deleted_at IS NULL AND (LOWER(title) LIKE $1 ESCAPE '\\' OR LOWER(summary) LIKE $1 ESCAPE '\\')
                  AND ($2 = 0 OR competition_id = $2)
                ORDER BY publish_time DESC, id DESC LIMIT $3 OFFSET $4";
    let count = "SELECT COUNT(*) AS total FROM lives
                 WHERE deleted_at IS NULL AND (LOWER(title) LIKE $1 ESCAPE '\\' OR LOWER(summary) LIKE $1 ESCAPE '\\')
                   AND ($2 = 0 OR competition_id = $2)";
    let args = args![filter.pattern(), filter.competition.unwrap_or(0)];
    super::page(db, (list, count), args, window, live).await
}

#[derive(Debug, Clone)]
pub enum Playable {
    Live(Box<Live>),
    Video(Box<Video>),
}

/// Lives and videos in one list, newest first.
const PLAYABLE: &str = "
SELECT CAST(1 AS BIGINT) AS is_live, l.id, l.competition_id, l.title, l.summary, l.main_img_url, l.browse_num, l.publish_time,
       l.stream_name, l.play_rtmp, l.play_flv, l.play_m3u8, l.plug_flow, l.live_status, l.online_show, l.expire_time,
       3 AS kind, CAST(NULL AS BIGINT) AS cate, CAST(NULL AS TEXT) AS path, CAST(NULL AS TEXT) AS original,
       CAST(NULL AS BIGINT) AS size
FROM lives l
WHERE l.deleted_at IS NULL AND (LOWER(l.title) LIKE $1 ESCAPE '\\' OR LOWER(l.summary) LIKE $1 ESCAPE '\\')
UNION ALL
SELECT CAST(0 AS BIGINT) AS is_live, v.id, v.competition_id, v.title, v.summary, v.main_img_url, v.browse_num, v.publish_time,
       '' AS stream_name, '' AS play_rtmp, '' AS play_flv, '' AS play_m3u8, '' AS plug_flow, 0 AS live_status,
       0 AS online_show, CAST(NULL AS BIGINT) AS expire_time, v.kind, f.cate, f.path, f.original, f.size
FROM videos v LEFT JOIN files f ON f.id = v.file_id
WHERE v.deleted_at IS NULL AND (LOWER(v.title) LIKE $1 ESCAPE '\\' OR LOWER(v.summary) LIKE $1 ESCAPE '\\')
ORDER BY publish_time DESC, is_live DESC, id DESC LIMIT $2 OFFSET $3";
const COUNT_PLAYABLE: &str = "
SELECT (SELECT COUNT(*) FROM lives WHERE deleted_at IS NULL
            AND (LOWER(title) LIKE $1 ESCAPE '\\' OR LOWER(summary) LIKE $1 ESCAPE '\\'))
     + (SELECT COUNT(*) FROM videos WHERE deleted_at IS NULL
            AND (LOWER(title) LIKE $1 ESCAPE '\\' OR LOWER(summary) LIKE $1 ESCAPE '\\')) AS total";

pub async fn playable(db: &Db, filter: &Filter, window: Window) -> Result<Page<Playable>> {
    super::page(db, (PLAYABLE, COUNT_PLAYABLE), args![filter.pattern()], window, |row| {
        Ok(match row.flag("is_live")? {
            true => Playable::Live(Box::new(live(row)?)),
            false => Playable::Video(Box::new(video(row)?)),
        })
    })
    .await
}

pub async fn video_exists(db: &Db, id: i64) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM videos WHERE id = $1 AND deleted_at IS NULL";
    Ok(db.fetch_optional(sql, args![id]).await?.is_some())
}

pub async fn live_exists(db: &Db, id: LiveId) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM lives WHERE id = $1 AND deleted_at IS NULL";
    Ok(db.fetch_optional(sql, args![id.0]).await?.is_some())
}
