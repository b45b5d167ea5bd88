//! Item 28, `GET competitionlive/:id`: a live stream. The push address holds a key and is not among its members.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use actors::domain::ids::{CompetitionId, LiveId};
use serde::Serialize;

use super::auth::Caller;
use super::envelope::H5Error;
use super::{links, live_id};
use crate::api::times;
use crate::context::Context;
use crate::service::live;

/// `type` of a live stream; videos are 1 and 2.
const LIVE: i64 = 3;

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
