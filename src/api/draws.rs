//! What anybody may ask of a draw: its state and hashes, the bundle that checks it, an entrant's receipt. Errors are
//! problem documents.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::domain::ids::GameId;

use super::admin::codes::problem;
use super::problem::Problem;
use crate::context::Context;
use crate::service::draws;

const FRESH: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "public, max-age=1");

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/api/draws/{game:\\d+}", web::get().to(show))
        .route("/api/draws/{game:\\d+}/bundle", web::get().to(bundle))
        .route("/api/queue/{token}/receipt", web::get().to(receipt));
}

async fn show(context: Data<Context>, game: Path<String>) -> Result<HttpResponse, Problem> {
    let draw = draws::show(&context, id(&game)).await.map_err(problem)?;
    Ok(HttpResponse::Ok().insert_header(FRESH).json(draw))
}

async fn bundle(context: Data<Context>, game: Path<String>) -> Result<HttpResponse, Problem> {
    let bundle = draws::bundle(&context, id(&game)).await.map_err(problem)?;
    Ok(HttpResponse::Ok().insert_header(FRESH).insert_header((CONTENT_TYPE, "application/json")).body(bundle))
}

async fn receipt(context: Data<Context>, token: Path<String>) -> Result<HttpResponse, Problem> {
    let receipt = draws::receipt(&context, &token).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(receipt))
}

/// Digits; a number beyond all games is as good as one that is none.
fn id(text: &str) -> GameId {
    GameId(text.parse().unwrap_or(i64::MAX))
}
