//! Collections of plain columns: list, one, create, change, delete, for the roles that each names.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use actors::domain::account::Admin;

use super::caller::{Anyone, By, Editors, Group};
use super::codes::problem;
use super::collections::{Access, Admits, Listing, nobody};
use super::request::{PageQuery, Paged, Write, respond};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::table::{self, Members};
use crate::service::collections::{Table, tables};

/// Read by everybody, written by editors.
static CONTENT: [&Table; 8] = [
    &tables::COMPETITIONS,
    &tables::LIVES,
    &tables::VIDEOS,
    &tables::TEAMS,
    &tables::BUSINESSES,
    &tables::BANNERS,
    &tables::FILES,
    &tables::CONFIGS,
];
/// Of persons: not for every role.
static PERSONS: [&Table; 1] = [&tables::MEMBERS];
/// Not written, and whether editors may remove rows.
static READ: [(&Table, bool); 3] =
    [(&tables::FEEDS, true), (&tables::APPLICATIONS, false), (&tables::REGISTRATIONS, false)];

pub fn routes(cfg: &mut ServiceConfig) {
    for table in CONTENT {
        written::<Anyone>(cfg, table);
    }
    for table in PERSONS {
        written::<Editors>(cfg, table);
    }
    for (table, removed) in READ {
        read(cfg, table, removed);
    }
}

/// All of them as pages draw them.
pub fn listings() -> Vec<Listing> {
    let editors: Admits = Editors::admits;
    let listing = |table: &'static Table, access| Listing {
        name: table.name,
        columns: table.columns,
        links: table.links,
        only_new: &[],
        not_new: &[],
        hidden: &[],
        access,
    };
    let written = |read: Admits| Access { read, create: editors, change: editors, delete: editors };
    let content = CONTENT.iter().map(|table| listing(table, written(Anyone::admits)));
    let persons = PERSONS.iter().map(|table| listing(table, written(editors)));
    let read = READ.iter().map(|(table, removed)| {
        let delete = if *removed { editors } else { nobody };
        listing(table, Access { read: editors, create: nobody, change: nobody, delete })
    });
    content.chain(persons).chain(read).collect()
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
