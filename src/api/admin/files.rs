//! Files for spreadsheets: registrations of a game out and in, places of many games in, for editors; orders out, for
//! cashiers.
//!
//! Quirks: bodies are the files themselves, at most 10 MiB; sending a file again is told by the file, not by a key.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use actors::domain::ids::GameId;
use actors::domain::money::Fen;
use actors::error::DomainError;
use serde::Deserialize;
use serde_json::json;

use super::caller::{By, Cashiers, Editors};
use super::codes::problem;
use super::request::{file, read};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::files::{self, Import, Imported, Language, MOST_FILE_BYTES, RowFaults};
use crate::service::registration;

const CSV: &str = "text/csv; charset=utf-8";

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/games/{id}/registrations.csv").route(web::get().to(export)))
        .service(resource("/orders.csv").route(web::get().to(export_orders)))
        .service(resource("/games/{id}/registrations/template.csv").route(web::get().to(template)))
        .service(resource("/games/{id}/registrations/import").route(web::post().to(import)))
        .service(resource("/places/import").route(web::post().to(import_places)));
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    lang: Language,
}

async fn export(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    words: Query<Words>,
) -> Result<HttpResponse, Problem> {
    let game = GameId(*id);
    files::begin_export(&context, &by, game).await.map_err(problem)?;
    let pieces = files::export_registrations(context.db.clone(), context.vault.clone(), game, words.lang);
    Ok(file(&format!("registrations-{game}.csv"), CSV, pieces))
}

async fn export_orders(context: Data<Context>, by: By<Cashiers>, words: Query<Words>) -> Result<HttpResponse, Problem> {
    files::begin_orders_export(&context, &by).await.map_err(problem)?;
    Ok(file("orders.csv", CSV, files::export_orders(context.db.clone(), words.lang)))
}

async fn template(
    context: Data<Context>,
    _: By<Editors>,
    id: Path<i64>,
    words: Query<Words>,
) -> Result<HttpResponse, Problem> {
    registration::must_exist(&context, GameId(*id)).await.map_err(problem)?;
    let text = files::template(words.lang).map_err(problem)?;
    let pieces = futures_util::stream::once(std::future::ready(Ok(text)));
    Ok(file("registrations-template.csv", CSV, pieces))
}

#[derive(Deserialize)]
struct Mode {
    #[serde(default)]
    dry_run: u8,
}

impl Mode {
    fn is_dry(&self) -> Result<bool, Problem> {
        match self.dry_run {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(problem(DomainError::field("dry_run", "must be 0 or 1"))),
        }
    }
}

async fn import(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    mode: Query<Mode>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let dry_run = mode.is_dry()?;
    let _room = context.imports.try_acquire().map_err(|_| problem(DomainError::BUSY))?;
    let file = body(&request, payload).await?;
    let done = files::import_registrations(&context, &by, GameId(*id), file, dry_run).await.map_err(problem)?;
    let told = |import: &Import, known: bool| {
        json!({
            "import_id": if dry_run { None } else { Some(import.id) },
            "orders": import.orders,
            "places": import.places,
            "total_price": Fen::new(import.total_fen).map(Fen::yuan),
            "dry_run": dry_run,
            "done_before": known,
        })
    };
    match done {
        Imported::Done(import) if dry_run => Ok(HttpResponse::Ok().json(told(&import, false))),
        Imported::Done(import) => Ok(HttpResponse::Created().json(told(&import, false))),
        Imported::Known(import) => Ok(HttpResponse::Ok().json(told(&import, true))),
        Imported::Refused(faults) => Err(wrong_rows(faults)),
    }
}

async fn import_places(
    context: Data<Context>,
    by: By<Editors>,
    mode: Query<Mode>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let dry_run = mode.is_dry()?;
    let _room = context.imports.try_acquire().map_err(|_| problem(DomainError::BUSY))?;
    let file = body(&request, payload).await?;
    match files::import_places(&context, &by, file, dry_run).await.map_err(problem)? {
        Imported::Done(games) | Imported::Known(games) => {
            Ok(HttpResponse::Ok().json(json!({"games": games, "dry_run": dry_run})))
        }
        Imported::Refused(faults) => Err(wrong_rows(faults)),
    }
}

async fn body(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    read(request, payload.into_inner(), MOST_FILE_BYTES).await
}

fn wrong_rows(faults: RowFaults) -> Problem {
    let detail = format!("{} wrong; nothing was changed", faults.count);
    let named = faults.named.iter().map(|fault| json!(fault)).collect();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_rows", detail).with_errors(named, faults.count)
}
