//! `GET /uploads/…`: pictures by the hash of their content, so that a browser may keep them for good.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::envelope::H5Error;
use crate::context::Context;
use crate::service::pictures;

const FOR_GOOD: &str = "public, max-age=31536000, immutable";

pub async fn picture(
    context: Data<Context>,
    request: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, H5Error> {
    let (bytes, kind) = pictures::read(&context, &name).await?;
    let tag = format!("\"{}\"", name.rsplit('/').next().unwrap_or_default());
    let known = request.headers().get(IF_NONE_MATCH).and_then(|known| known.to_str().ok()).is_some_and(|known| {
        known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, FOR_GOOD));
    if known {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response.insert_header((CONTENT_TYPE, kind)).insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff")).body(bytes))
}
