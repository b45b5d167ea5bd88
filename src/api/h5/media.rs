//! Videos, lives and files as members of lists.

use actix_web::HttpRequest;
use actors::domain::chat::Live;
use actors::domain::ids::{CompetitionId, LiveId};
use actors::error::DomainError;
use serde::Serialize;

use super::body::Params;
use super::links;
use crate::api::times;
use crate::context::Context;
use crate::service::content::{File, Filter, Video};
use crate::service::live;

/// Rows of a list when nothing is said.
pub const LIST_SIZE: i64 = 30;
/// `type` of a live stream; videos are 1 and 2.
pub const LIVE: i64 = 3;
const MOST_SEARCHED: usize = 100;

#[derive(Serialize)]
pub struct FileRecord {
    cate: &'static str,
    name: String,
    original: String,
    size: i64,
}

#[derive(Serialize)]
pub struct VideoRow {
    id: i64,
    title: String,
    summary: String,
    main_img_url: String,
    competition_id: Option<CompetitionId>,
    browse_num: i64,
    #[serde(rename = "type")]
    kind: i64,
    publish_time: String,
    file: FileRecord,
}

#[derive(Serialize)]
pub struct LiveRow {
    id: LiveId,
    title: String,
    summary: String,
    main_img_url: String,
    competition_id: Option<CompetitionId>,
    browse_num: i64,
    play_rtmp: String,
    play_flv: String,
    play_m3u8: String,
    /// The push address holds a key: it is for administrators, and always empty here.
    plug_flow: &'static str,
    #[serde(rename = "type")]
    kind: i64,
    live_status: i64,
}

pub fn file(context: &Context, request: &HttpRequest, file: &File) -> FileRecord {
    FileRecord {
        cate: match file.cate {
            1 => "图片",
            2 => "视频",
            3 => "其它",
            _ => "",
        },
        name: links::absolute(context, request, &file.path),
        original: file.original.clone(),
        size: file.size,
    }
}

pub fn video(context: &Context, request: &HttpRequest, video: Video) -> VideoRow {
    VideoRow {
        id: video.id,
        main_img_url: links::absolute(context, request, &video.main_img_url),
        competition_id: video.competition_id,
        browse_num: video.browse_num,
        kind: video.kind,
        publish_time: times::minutes(video.publish_time),
        file: file(context, request, &video.file),
        title: video.title,
        summary: video.summary,
    }
}

pub fn live(context: &Context, request: &HttpRequest, live: Live) -> LiveRow {
    let link = |stored: &str| links::absolute(context, request, stored);
    let play = live::playback(context, &live);
    LiveRow {
        id: live.id,
        main_img_url: link(&live.main_img_url),
        play_flv: link(&play.flv),
        play_m3u8: link(&play.m3u8),
        competition_id: live.competition_id,
        browse_num: live.browse_num,
        play_rtmp: play.rtmp,
        plug_flow: "",
        kind: LIVE,
        live_status: live.live_status,
        title: live.title,
        summary: live.summary,
    }
}

impl VideoRow {
    /// Where it is played from.
    pub fn play_url(&self) -> &str {
        &self.file.name
    }
}

/// `search` and `competition_id`; an empty member narrows nothing.
pub fn filter(params: &Params) -> Result<Filter, DomainError> {
    let search = params.text("search")?;
    if search.as_ref().is_some_and(|text| text.chars().count() > MOST_SEARCHED) {
        return Err(DomainError::field("search", "不能超过100个字符"));
    }
    Ok(Filter { search, competition: params.number("competition_id")?, kind: None })
}
