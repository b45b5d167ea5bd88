//! Items 23 and 28: `POST competition/live` (a list) and `GET competitionlive/:id`. The push address holds a key: empty in
//! the list, not among the members of one.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use actors::domain::ids::{CompetitionId, LiveId};
use serde::Serialize;
use serde_json::Value;

use super::auth::{Caller, Signed};
use super::envelope::H5Error;
use super::media::{LIST_SIZE, LIVE, LiveRow, filter};
use super::page::PageOf;
use super::{links, live_id};
use crate::api::times;
use crate::context::Context;
use crate::service::content::media;
use crate::service::live;

#[derive(Serialize)]
struct LiveInList {
    #[serde(flatten)]
    row: LiveRow,
    online_num: i64,
    online_show: i64,
}

pub async fn list(context: Data<Context>, request: HttpRequest, caller: Signed) -> Result<Json<Value>, H5Error> {
    let page = PageOf::read_or(&caller.params, LIST_SIZE)?;
    let found = media::lives(&context, &filter(&caller.params)?, page.window()).await?;
    let mut rows = Vec::with_capacity(found.rows.len());
    for row in found.rows {
        let online_num = live::shown_online(&context, &row).await?;
        let online_show = row.online_show;
        rows.push(LiveInList { row: super::media::live(&context, &request, row), online_num, online_show });
    }
    Ok(Json(page.answer(found.total, &rows)))
}

#[derive(Serialize)]
pub struct LiveDetail {
    id: LiveId,
    title: String,
    summary: String,
    competition_id: Option<CompetitionId>,
    main_img_url: String,
    browse_num: i64,
    play_rtmp: String,
    play_flv: String,
    play_m3u8: String,
    publish_time: String,
    #[serde(rename = "type")]
    kind: i64,
    live_status: i64,
    online_show: i64,
}

pub async fn live_detail(
    context: Data<Context>,
    request: HttpRequest,
    _: Caller,
    id: Path<String>,
) -> Result<Json<LiveDetail>, H5Error> {
    let live = live::detail(&context, live_id(&id)?).await?;
    let play = live::playback(&context, &live);
    let link = |stored: &str| links::absolute(&context, &request, stored);
    Ok(Json(LiveDetail {
        id: live.id,
        main_img_url: link(&live.main_img_url),
        play_flv: link(&play.flv),
        play_m3u8: link(&play.m3u8),
        title: live.title,
        summary: live.summary,
        competition_id: live.competition_id,
        browse_num: live.browse_num,
        play_rtmp: play.rtmp,
        publish_time: times::minutes(live.publish_time),
        kind: LIVE,
        live_status: live.live_status,
        online_show: live.online_show,
    }))
}
