//! `games`: read by every administrator, written by editors.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::error::Entity;

use super::caller::{Anyone, By, Editors, Group};
use super::codes::problem;
use super::collections::{Access, Listing};
use super::request::{Write, respond};
use super::{collection, resource};
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::GameRecord;
use crate::service::collections::games::{self, GamePatch, NewGame};

pub const LISTING: Listing = Listing {
    name: "games",
    columns: games::COLUMNS,
    links: &[],
    only_new: &["competition_id", "limitation"],
    not_new: &[],
    hidden: &[],
    access: Access { read: Anyone::admits, create: Editors::admits, change: Editors::admits, delete: Editors::admits },
};

pub fn routes(cfg: &mut ServiceConfig) {
    let one = |context, by, id| collection::one::<GameRecord, Anyone>(context, by, id, Entity::Game);
    cfg.service(
        resource("/games").route(web::get().to(collection::list::<GameRecord, Anyone>)).route(web::post().to(create)),
    )
    .service(
        resource("/games/{id}")
            .route(web::get().to(one))
            .route(web::patch().to(change))
            .route(web::delete().to(delete)),
    );
}

async fn create(context: Data<Context>, by: By<Editors>, write: Write<NewGame>) -> Result<HttpResponse, Problem> {
    let (writer, new) = write.by(by.admin);
    games::create(&context, writer, new).await.map(respond).map_err(problem)
}

async fn change(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<GamePatch>,
) -> Result<HttpResponse, Problem> {
    let (writer, patch) = write.by(by.admin);
    games::change(&context, writer, *id, patch).await.map(respond).map_err(problem)
}

async fn delete(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    games::delete(&context, writer, *id).await.map(respond).map_err(problem)
}
