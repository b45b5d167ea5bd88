//! Files for spreadsheets: registrations of a game out and in, places of many games in, for editors; orders out, for
//! cashiers.
//!
//! Quirks: bodies are the files themselves, at most 10 MiB; sending a file again is told by the file, not by a key.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use actors::domain::account::Admin;
use actors::domain::ids::GameId;
use actors::domain::money::Fen;
use actors::error::DomainError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{By, Cashiers, Editors};
use super::codes::problem;
use super::request::{file, read_file};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::files::{self, Arrived, Encoding, Imported, Language, MOST_FILE_BYTES, Outcome, RowFaults, Terms};
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

/// A misspelt `dry_run` must not import.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mode {
    #[serde(default)]
    dry_run: u8,
    #[serde(default)]
    confirm: u8,
    encoding: Option<String>,
}

impl Mode {
    fn terms(&self) -> Result<Terms, Problem> {
        let flag = |name, value| match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(problem(DomainError::field(name, "must be 0 or 1"))),
        };
        let encoding = self.encoding.as_deref().map(Encoding::named).transpose().map_err(problem)?;
        Ok(Terms {
            encoding: encoding.unwrap_or_default(),
            dry_run: flag("dry_run", self.dry_run)?,
            confirmed: flag("confirm", self.confirm)?,
        })
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
    let terms = mode.terms()?;
    let file = arrived(&context, &by, &request, payload).await?;
    let done = files::import_registrations(&context, &by, GameId(*id), file, terms).await.map_err(problem)?;
    answer(done, terms, |import, known| {
        json!({
            "import_id": if terms.dry_run { None } else { Some(import.id) },
            "orders": import.orders,
            "places": import.places,
            "total_price": Fen::new(import.total_fen).map(Fen::yuan),
            "dry_run": terms.dry_run,
            "done_before": known,
        })
    })
}

async fn import_places(
    context: Data<Context>,
    by: By<Editors>,
    mode: Query<Mode>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let terms = mode.terms()?;
    let file = arrived(&context, &by, &request, payload).await?;
    let done = files::import_places(&context, &by, file, terms).await.map_err(problem)?;
    let mut response = answer(done, terms, |games, _| json!({"games": games, "dry_run": terms.dry_run}))?;
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

/// The turn is taken when the file is there: whoever sends slowly keeps nobody waiting.
async fn arrived(
    context: &Context,
    admin: &Admin,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Arrived, Problem> {
    let (bytes, room) = read_file(context, admin, request, payload.into_inner(), MOST_FILE_BYTES).await?;
    let turn = context.imports.clone().try_acquire_owned().map_err(|_| problem(DomainError::BUSY))?;
    Ok(Arrived { bytes, room, turn })
}

/// A dry run also says what it read, which is of persons, and what looks wrong.
fn answer<T>(done: Outcome<T>, terms: Terms, told: impl FnOnce(T, bool) -> Value) -> Result<HttpResponse, Problem> {
    let Outcome { import, first, warnings } = done;
    let (status, mut body) = match import {
        Imported::Refused(faults) => return Err(wrong_rows(faults)),
        Imported::Unconfirmed(faults) => return Err(unconfirmed(faults)),
        Imported::Done(done) if !terms.dry_run => (StatusCode::CREATED, told(done, false)),
        Imported::Done(done) => (StatusCode::OK, told(done, false)),
        Imported::Known(done) => (StatusCode::OK, told(done, true)),
    };
    if terms.dry_run {
        body["first_rows"] = json!(first);
        body["warnings"] = json!(warnings.named);
        body["warning_count"] = warnings.count.into();
    }
    Ok(HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(body))
}

fn wrong_rows(faults: RowFaults) -> Problem {
    named("wrong_rows", format!("{} wrong; nothing was changed", faults.count), faults)
}

fn unconfirmed(faults: RowFaults) -> Problem {
    let detail = format!(
        "{} look as if a spreadsheet had changed them: compare them with what people wrote, then send confirm=1; nothing \
         was changed",
        faults.count
    );
    named("unconfirmed", detail, faults)
}

fn named(code: &'static str, detail: String, faults: RowFaults) -> Problem {
    let named = faults.named.iter().map(|fault| json!(fault)).collect();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).with_errors(named, faults.count)
}
