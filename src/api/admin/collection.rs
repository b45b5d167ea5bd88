//! Reading any collection: a page, or one row.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use actors::error::Entity;

use super::caller::{By, Group};
use super::codes::problem;
use super::request::{PageQuery, Paged};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::{self, Record};

/// Routes of a collection that is only read.
pub fn read_only<T: Record, G: Group>(name: &'static str, entity: Entity) -> impl FnOnce(&mut ServiceConfig) {
    move |cfg| {
        cfg.service(resource(&format!("/{name}")).route(web::get().to(list::<T, G>))).service(
            resource(&format!("/{name}/{{id}}"))
                .route(web::get().to(move |context, by, id| one::<T, G>(context, by, id, entity))),
        );
    }
}

pub async fn list<T: Record, G: Group>(
    context: Data<Context>,
    _by: By<G>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let (search, page, size) = query.checked()?;
    let found = collections::page::<T>(&context, search, page, size).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(Paged { current_page: page, total: found.total, data: found.rows }))
}

pub async fn one<T: Record, G: Group>(
    context: Data<Context>,
    _by: By<G>,
    id: Path<i64>,
    entity: Entity,
) -> Result<HttpResponse, Problem> {
    let row: T = collections::one(&context, *id, entity).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(row))
}
