//! `lives`: read by every administrator, written by editors.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::error::Entity;

use super::caller::{Anyone, By, Editors};
use super::codes::problem;
use super::request::{Write, respond};
use super::{collection, resource};
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::LiveRecord;
use crate::service::collections::lives::{self, LivePatch};

pub fn routes(cfg: &mut ServiceConfig) {
    let one = |context, by, id| collection::one::<LiveRecord, Anyone>(context, by, id, Entity::Live);
    cfg.service(
        resource("/lives").route(web::get().to(collection::list::<LiveRecord, Anyone>)).route(web::post().to(create)),
    )
    .service(
        resource("/lives/{id}")
            .route(web::get().to(one))
            .route(web::patch().to(change))
            .route(web::delete().to(delete)),
    );
}

async fn create(context: Data<Context>, by: By<Editors>, write: Write<LivePatch>) -> Result<HttpResponse, Problem> {
    let (writer, new) = write.by(by.admin);
    lives::create(&context, writer, new).await.map(respond).map_err(problem)
}

async fn change(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<LivePatch>,
) -> Result<HttpResponse, Problem> {
    let (writer, patch) = write.by(by.admin);
    lives::change(&context, writer, *id, patch).await.map(respond).map_err(problem)
}

async fn delete(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    lives::delete(&context, writer, *id).await.map(respond).map_err(problem)
}
