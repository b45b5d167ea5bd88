//! `players`: who was registered, for those who handle registrations and orders. Read only.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};

use super::caller::{By, Registrars};
use super::codes::problem;
use super::request::{PageQuery, Paged};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::players;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/players").route(web::get().to(list)))
        .service(resource("/players/{id}").route(web::get().to(one)));
}

async fn list(context: Data<Context>, _: By<Registrars>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (search, page, size) = query.checked()?;
    let found = players::page(&context, search, page, size).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(Paged { current_page: page, total: found.total, data: found.rows }))
}

async fn one(context: Data<Context>, by: By<Registrars>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(players::one(&context, &by, *id).await.map_err(problem)?))
}
