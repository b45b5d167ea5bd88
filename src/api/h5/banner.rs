//! Items 21 and 22: `GET banner/:id` and `POST banner/by_position`, which answers an array.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use actors::error::DomainError;
use serde::Serialize;

use super::auth::{Caller, Signed};
use super::envelope::H5Error;
use super::media::{FileRecord, file};
use super::{links, row_id};
use crate::context::Context;
use crate::service::content::{self, site};

#[derive(Serialize)]
pub struct Banner {
    id: i64,
    title: String,
    description: String,
    position: &'static str,
    img_url: String,
    jump_url: String,
    img: FileRecord,
}

fn encode(context: &Context, request: &HttpRequest, banner: content::Banner) -> Banner {
    Banner {
        id: banner.id,
        position: match banner.position {
            1 => "球员中心",
            2 => "赛事中心",
            _ => "资讯中心",
        },
        img_url: links::absolute(context, request, &banner.img_url),
        jump_url: links::absolute(context, request, &banner.jump_url),
        img: file(context, request, &banner.file),
        title: banner.title,
        description: banner.description,
    }
}

pub async fn detail(
    context: Data<Context>,
    request: HttpRequest,
    _: Caller,
    id: Path<String>,
) -> Result<Json<Banner>, H5Error> {
    let banner = site::banner(&context, row_id(&id)?).await?;
    Ok(Json(encode(&context, &request, banner)))
}

pub async fn by_position(
    context: Data<Context>,
    request: HttpRequest,
    caller: Signed,
) -> Result<Json<Vec<Banner>>, H5Error> {
    let position = caller.params.required("id")?;
    if position > 3 {
        return Err(DomainError::field("id", "必须是1、2或3").into());
    }
    let banners = site::banners(&context, position).await?;
    Ok(Json(banners.into_iter().map(|banner| encode(&context, &request, banner)).collect()))
}
