//! Pictures sent by editors, the sandbox's short messages for owners, and the push address of a live for editors.

use actix_web::web::{self, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use actors::domain::ids::LiveId;
use actors::error::DomainError;
use serde::Deserialize;
use serde_json::json;

use super::caller::{By, Editors, Owners};
use super::codes::problem;
use super::request::{read_file, respond};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::{Time, Writer};
use crate::service::{live, pictures, sms};

/// Longest name of a file, in characters.
const LONGEST_NAME: usize = 200;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/uploads").route(web::post().to(upload)))
        .service(resource("/sms").route(web::get().to(messages)))
        .service(resource("/lives/{id}/push").route(web::get().to(push)));
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

/// The body is the picture itself, whatever its content type says.
async fn upload(
    context: Data<Context>,
    by: By<Editors>,
    named: Query<Named>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    if named.name.chars().count() > LONGEST_NAME {
        return Err(problem(DomainError::field("name", format!("must have {LONGEST_NAME} characters at most"))));
    }
    let (raw, _room) = read_file(&context, &by, &request, payload.into_inner(), pictures::MOST_UPLOAD_BYTES).await?;
    // The file itself makes sending it twice harmless.
    let writer = Writer { admin: by.admin, key: None };
    let answer = pictures::upload(&context, writer, raw, named.into_inner().name).await;
    answer.map(respond).map_err(problem)
}

/// The last messages of the sandbox, newest first.
async fn messages(context: Data<Context>, _: By<Owners>) -> Result<HttpResponse, Problem> {
    let shown = sms::shown(&context, None).await.map_err(problem)?;
    let rows: Vec<_> = shown
        .into_iter()
        .map(|it| json!({"id": it.id, "phone": it.sms.phone, "kind": it.sms.kind, "values": it.sms.values, "time": Time(it.at)}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({"current_page": 1, "total": rows.len(), "data": rows})))
}

async fn push(context: Data<Context>, _: By<Editors>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let live = live::detail(&context, LiveId(*id)).await.map_err(problem)?;
    let push_url = live::push(&context, &live).map_err(problem)?;
    Ok(HttpResponse::Ok().json(json!({"id": live.id, "stream_name": live.stream_name, "push_url": push_url})))
}
