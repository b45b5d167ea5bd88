//! Item 24, `POST competition/play_notify`: somebody opened a video or a live.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use actors::error::DomainError;

use super::auth::Signed;
use super::envelope::{H5Error, done};
use crate::context::Context;
use crate::service::browse::Watched;
use crate::service::content::media;

pub async fn opened(context: Data<Context>, request: HttpRequest, caller: Signed) -> Result<HttpResponse, H5Error> {
    let id = caller.params.required("id")?;
    let watched = match caller.params.required("type")? {
        1 => Watched::Video(id),
        2 => Watched::Live(id),
        _ => return Err(DomainError::field("type", "必须是1或2").into()),
    };
    media::opened(&context, watched).await?;
    Ok(done(&request, StatusCode::OK))
}
