//! `accounts`: read by every administrator, phones in full by owners only; disabled by owners and moderators.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use actors::error::Entity;
use serde::Deserialize;

use super::caller::{Anyone, By, Moderators};
use super::codes::problem;
use super::request::{PageQuery, Paged, Write, respond};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::{self, AccountRecord, accounts};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/accounts").route(web::get().to(list))).service(
        resource("/accounts/{id}")
            .route(web::get().to(one))
            .route(web::patch().to(change))
            .route(web::delete().to(disable)),
    );
}

async fn list(context: Data<Context>, by: By<Anyone>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (search, page, size) = query.checked()?;
    let found = accounts::page(&context, search, page, size).await.map_err(problem)?;
    let data: Vec<AccountRecord> =
        found.rows.into_iter().map(|account| accounts::seen_by(&context, &by, account)).collect();
    Ok(HttpResponse::Ok().json(Paged { current_page: page, total: found.total, data }))
}

async fn one(context: Data<Context>, by: By<Anyone>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let account: AccountRecord = collections::one(&context, *id, Entity::Account).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(accounts::seen_by(&context, &by, account)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    status: i64,
}

async fn change(
    context: Data<Context>,
    by: By<Moderators>,
    id: Path<i64>,
    write: Write<Patch>,
) -> Result<HttpResponse, Problem> {
    let (writer, Patch { status }) = write.by(by.admin);
    accounts::set_status(&context, writer, *id, status).await.map(respond).map_err(problem)
}

/// An account is never removed, for its orders and lines stay.
async fn disable(
    context: Data<Context>,
    by: By<Moderators>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    accounts::set_status(&context, writer, *id, 0).await.map(respond).map_err(problem)
}
