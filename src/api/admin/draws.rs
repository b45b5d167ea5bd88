//! `games/{id}/draw`: setting up, closing, trying and running the draw of a game that is decided by lottery.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::domain::ids::GameId;
use serde::Deserialize;

use super::caller::{Anyone, By, Editors};
use super::codes::problem;
use super::request::{Write, respond};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::draws::{self, ListedCertificate, NewDraw};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/games/{id}/draw").route(web::get().to(show)).route(web::post().to(create)))
        .service(resource("/games/{id}/draw/groups/{name}").route(web::put().to(set_list)))
        .service(resource("/games/{id}/draw/close").route(web::post().to(close)))
        .service(resource("/games/{id}/draw/dry-run").route(web::post().to(dry_run)))
        .service(resource("/games/{id}/draw/run").route(web::post().to(run)));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    certificates: Vec<ListedCertificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    public_value: String,
}

async fn show(context: Data<Context>, _: By<Anyone>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let draw = draws::show(&context, GameId(*id)).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(draw))
}

async fn create(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<NewDraw>,
) -> Result<HttpResponse, Problem> {
    let (writer, new) = write.by(by.admin);
    draws::create(&context, writer, GameId(*id), new).await.map(respond).map_err(problem)
}

async fn set_list(
    context: Data<Context>,
    by: By<Editors>,
    path: Path<(i64, String)>,
    write: Write<List>,
) -> Result<HttpResponse, Problem> {
    let (writer, list) = write.by(by.admin);
    let (id, group) = path.into_inner();
    draws::set_list(&context, writer, GameId(id), group, list.certificates).await.map(respond).map_err(problem)
}

async fn close(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    draws::close(&context, writer, GameId(*id)).await.map(respond).map_err(problem)
}

async fn dry_run(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    draws::dry_run(&context, writer, GameId(*id)).await.map(respond).map_err(problem)
}

async fn run(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<Run>,
) -> Result<HttpResponse, Problem> {
    let (writer, run) = write.by(by.admin);
    draws::run(&context, writer, GameId(*id), run.public_value).await.map(respond).map_err(problem)
}
