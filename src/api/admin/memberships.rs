//! Memberships of accounts: granted by owners and cashiers, disabled and enabled by owners.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::error::DomainError;
use serde::Deserialize;

use super::caller::{By, Cashiers, Owners};
use super::codes::problem;
use super::request::{Write, respond};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::Time;
use crate::service::memberships::{self, Grant};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/accounts/{id}/membership").route(web::post().to(grant)))
        .service(resource("/accounts/{id}/membership/disable").route(web::post().to(disable)))
        .service(resource("/accounts/{id}/membership/enable").route(web::post().to(enable)));
}

/// One of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Granted {
    years: Option<i64>,
    until: Option<Time>,
}

async fn grant(
    context: Data<Context>,
    by: By<Cashiers>,
    id: Path<i64>,
    write: Write<Granted>,
) -> Result<HttpResponse, Problem> {
    let (writer, granted) = write.by(by.admin);
    let grant = match granted {
        Granted { years: Some(years), until: None } => Grant::Years(years),
        Granted { years: None, until: Some(Time(at)) } => Grant::Until(at),
        _ => return Err(problem(DomainError::field("years", "give either years or until"))),
    };
    memberships::grant(&context, writer, *id, grant).await.map(respond).map_err(problem)
}

async fn disable(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    memberships::set_disabled(&context, writer, *id, true).await.map(respond).map_err(problem)
}

async fn enable(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    memberships::set_disabled(&context, writer, *id, false).await.map(respond).map_err(problem)
}
