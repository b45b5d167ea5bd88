//! `admins`: owners only.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::domain::account::Role;
use actors::error::Entity;
use serde::Deserialize;

use super::caller::{By, Owners};
use super::codes::problem;
use super::request::{Write, respond};
use super::{collection, resource};
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::AdminRecord;
use crate::service::collections::admins::{self, AdminPatch};

pub fn routes(cfg: &mut ServiceConfig) {
    let one = |context, by, id| collection::one::<AdminRecord, Owners>(context, by, id, Entity::Admin);
    cfg.service(
        resource("/admins").route(web::get().to(collection::list::<AdminRecord, Owners>)).route(web::post().to(create)),
    )
    .service(
        resource("/admins/{id}")
            .route(web::get().to(one))
            .route(web::patch().to(change))
            .route(web::delete().to(delete)),
    );
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    username: String,
    password: String,
    role: Role,
}

async fn create(context: Data<Context>, by: By<Owners>, write: Write<New>) -> Result<HttpResponse, Problem> {
    let (writer, new) = write.by(by.admin);
    admins::create(&context, writer, new.username, &new.password, new.role).await.map(respond).map_err(problem)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Patch {
    role: Option<Role>,
    status: Option<i64>,
    password: Option<String>,
}

async fn change(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<Patch>,
) -> Result<HttpResponse, Problem> {
    let (writer, Patch { role, status, password }) = write.by(by.admin);
    let patch = AdminPatch { role, status, password };
    admins::change(&context, writer, *id, patch).await.map(respond).map_err(problem)
}

async fn delete(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    admins::delete(&context, writer, *id).await.map(respond).map_err(problem)
}
