//! Collections of plain columns: list, one, create, change, delete, for the roles that each names.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use actors::domain::account::Admin;

use super::caller::{Anyone, By, Editors, Group};
use super::codes::problem;
use super::request::{PageQuery, Paged, Write, respond};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::table::{self, Members};
use crate::service::collections::{Table, tables};

pub fn routes(cfg: &mut ServiceConfig) {
    for content in [
        &tables::COMPETITIONS,
        &tables::LIVES,
        &tables::VIDEOS,
        &tables::TEAMS,
        &tables::BUSINESSES,
        &tables::BANNERS,
        &tables::FILES,
        &tables::CONFIGS,
    ] {
        written::<Anyone>(cfg, content);
    }
    // Of persons: not for every role.
    written::<Editors>(cfg, &tables::MEMBERS);
    read(cfg, &tables::FEEDS, true);
    read(cfg, &tables::APPLICATIONS, false);
    read(cfg, &tables::REGISTRATIONS, false);
}

/// Read by a group, written by editors.
fn written<G: Group>(cfg: &mut ServiceConfig, table: &'static Table) {
    cfg.service(
        resource(&format!("/{}", table.name))
            .route(web::get().to(move |context, by: By<G>, query| list(context, by.admin, query, table)))
            .route(web::post().to(move |context, by, write| create(context, by, write, table))),
    )
    .service(
        resource(&format!("/{}/{{id}}", table.name))
            .route(web::get().to(move |context, by: By<G>, id| one(context, by.admin, id, table)))
            .route(web::patch().to(move |context, by, id, write| change(context, by, id, write, table)))
            .route(web::delete().to(move |context, by, id, write| delete(context, by, id, write, table))),
    );
}

/// Read by editors, and removed by them if `removed`.
fn read(cfg: &mut ServiceConfig, table: &'static Table, removed: bool) {
    let row = resource(&format!("/{}/{{id}}", table.name))
        .route(web::get().to(move |context, by: By<Editors>, id| one(context, by.admin, id, table)));
    let remove = web::delete().to(move |context, by, id, write| delete(context, by, id, write, table));
    cfg.service(
        resource(&format!("/{}", table.name))
            .route(web::get().to(move |context, by: By<Editors>, query| list(context, by.admin, query, table))),
    )
    .service(if removed { row.route(remove) } else { row });
}

async fn list(
    context: Data<Context>,
    admin: Admin,
    query: Query<PageQuery>,
    table: &'static Table,
) -> Result<HttpResponse, Problem> {
    let (search, page, size) = query.checked()?;
    let found = table::page(&context, &admin, table, search, page, size).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(Paged { current_page: page, total: found.total, data: found.rows }))
}

async fn one(
    context: Data<Context>,
    admin: Admin,
    id: Path<i64>,
    table: &'static Table,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(table::one(&context, &admin, table, *id).await.map_err(problem)?))
}

async fn create(
    context: Data<Context>,
    by: By<Editors>,
    write: Write<Members>,
    table: &'static Table,
) -> Result<HttpResponse, Problem> {
    let (writer, new) = write.by(by.admin);
    table::create(&context, writer, table, new).await.map(respond).map_err(problem)
}

async fn change(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<Members>,
    table: &'static Table,
) -> Result<HttpResponse, Problem> {
    let (writer, given) = write.by(by.admin);
    table::change(&context, writer, table, *id, given).await.map(respond).map_err(problem)
}

async fn delete(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<()>,
    table: &'static Table,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    table::delete(&context, writer, table, *id).await.map(respond).map_err(problem)
}
