//! Item 32, `POST competition/play`: lives and videos in one list. Pages tell them apart by the member `file`.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use actors::error::DomainError;
use serde::Serialize;
use serde_json::Value;

use super::auth::Signed;
use super::envelope::H5Error;
use super::media::{self as rows, LIST_SIZE, LiveRow, VideoRow, filter};
use super::page::PageOf;
use crate::context::Context;
use crate::service::content::{Playable, media};

#[derive(Serialize)]
#[serde(untagged)]
enum Row {
    Live(LiveRow),
    Video(VideoRow),
}

pub async fn search(context: Data<Context>, request: HttpRequest, caller: Signed) -> Result<Json<Value>, H5Error> {
    let page = PageOf::read_or(&caller.params, LIST_SIZE)?;
    let filter = filter(&caller.params)?;
    if filter.search.is_none() {
        return Err(DomainError::field("search", "不能为空").into());
    }
    let found = media::playable(&context, &filter, page.window()).await?;
    let encode = |row| match row {
        Playable::Live(live) => Row::Live(rows::live(&context, &request, *live)),
        Playable::Video(video) => Row::Video(rows::video(&context, &request, *video)),
    };
    let data: Vec<Row> = found.rows.into_iter().map(encode).collect();
    Ok(Json(page.answer(found.total, &data)))
}
