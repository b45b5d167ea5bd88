//! `accounts`: read by every administrator, phones in full by owners only; disabled by owners and moderators; a person's
//! data given out and erased by owners.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use actors::domain::ids::AccountId;
use actors::domain::registration::{Certificate, CertificateType};
use actors::error::{DomainError, Entity};
use serde::Deserialize;

use super::caller::{Anyone, By, Editors, Moderators, Owners};
use super::codes::problem;
use super::request::{PageQuery, Paged, Write, file, respond};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::{self, AccountRecord, accounts, given};
use crate::service::people;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/accounts").route(web::get().to(list)))
        .service(
            resource("/accounts/{id}")
                .route(web::get().to(one))
                .route(web::patch().to(change))
                .route(web::delete().to(disable)),
        )
        .service(resource("/accounts/{id}/send-confirmation").route(web::post().to(send_confirmation)))
        .service(resource("/accounts/{id}/confirm-mail").route(web::post().to(confirm_mail)))
        .service(resource("/accounts/{id}/allowance").route(web::post().to(set_allowance)))
        .service(resource("/accounts/{id}/export").route(web::get().to(export)))
        .service(resource("/accounts/{id}/erase").route(web::post().to(erase)))
        .service(resource("/players/erase").route(web::post().to(erase_player)));
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

async fn send_confirmation(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    accounts::send_confirmation(&context, writer, *id).await.map(respond).map_err(problem)
}

async fn confirm_mail(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    accounts::confirm_mail(&context, writer, *id).await.map(respond).map_err(problem)
}

/// How many places of one game it may keep without paying; null: as many as everybody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowance {
    #[serde(default, deserialize_with = "given")]
    open_places: Option<Option<i64>>,
}

async fn set_allowance(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    write: Write<Allowance>,
) -> Result<HttpResponse, Problem> {
    let (writer, Allowance { open_places }) = write.by(by.admin);
    let places = open_places.ok_or_else(|| problem(DomainError::field("open_places", "is required; null for none")))?;
    accounts::set_open_places(&context, writer, *id, places).await.map(respond).map_err(problem)
}

/// Everything about one person, as a file.
async fn export(context: Data<Context>, by: By<Owners>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let id = AccountId(*id);
    people::begin_export(&context.db, Some(&by), id).await.map_err(problem)?;
    let pieces = people::export(context.db.clone(), context.vault.clone(), id);
    Ok(file(&format!("account-{id}.json"), "application/json", pieces))
}

async fn erase(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    people::erase(&context, writer, AccountId(*id)).await.map(respond).map_err(problem)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayerName {
    certificate_type: i64,
    certificate_no: String,
}

/// A player in somebody else's group.
async fn erase_player(
    context: Data<Context>,
    by: By<Owners>,
    write: Write<PlayerName>,
) -> Result<HttpResponse, Problem> {
    let (writer, PlayerName { certificate_type, certificate_no }) = write.by(by.admin);
    let kind = CertificateType::new(certificate_type)
        .ok_or_else(|| problem(DomainError::field("certificate_type", "must be -1 to 5")))?;
    let certificate = Certificate::new(kind, &certificate_no)
        .map_err(|reason| problem(DomainError::field("certificate_no", reason)))?;
    people::erase_player(&context, writer, &certificate).await.map(respond).map_err(problem)
}
