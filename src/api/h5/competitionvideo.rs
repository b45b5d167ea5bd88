//! Items 20 and 27: `POST competition/video` (a list) and `GET competitionvideo/:id`.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use actors::error::DomainError;
use serde::Serialize;
use serde_json::Value;

use super::auth::{Caller, Signed};
use super::envelope::H5Error;
use super::media::{LIST_SIZE, VideoRow, filter, video};
use super::page::PageOf;
use super::row_id;
use crate::context::Context;
use crate::service::content::{Filter, media};

#[derive(Serialize)]
pub struct VideoDetail {
    #[serde(flatten)]
    row: VideoRow,
    /// The same as `file.name`; pages read it here.
    play_url: String,
}

pub async fn list(context: Data<Context>, request: HttpRequest, caller: Signed) -> Result<Json<Value>, H5Error> {
    let page = PageOf::read_or(&caller.params, LIST_SIZE)?;
    let kind = caller.params.number("type")?;
    if kind.is_some_and(|kind| kind > 2) {
        return Err(DomainError::field("type", "必须是1或2").into());
    }
    let filter = Filter { kind, ..filter(&caller.params)? };
    let found = media::videos(&context, &filter, page.window()).await?;
    let rows: Vec<_> = found.rows.into_iter().map(|row| video(&context, &request, row)).collect();
    Ok(Json(page.answer(found.total, &rows)))
}

pub async fn detail(
    context: Data<Context>,
    request: HttpRequest,
    _: Caller,
    id: Path<String>,
) -> Result<Json<VideoDetail>, H5Error> {
    let row = video(&context, &request, media::video(&context, row_id(&id)?).await?);
    Ok(Json(VideoDetail { play_url: row.play_url().to_owned(), row }))
}
