//! `games/{id}/queue`: a line's numbers, and opening, pausing and closing it.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity};
use actors::quota_queue::messages::QueueState;
use serde_json::json;

use super::caller::{Anyone, By, Editors};
use super::codes::problem;
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::registration::{self, QueueStats};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/games/{id}/queue").route(web::get().to(show)))
        .service(resource("/games/{id}/queue/{act}").route(web::post().to(act)));
}

async fn show(context: Data<Context>, _: By<Anyone>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let game = GameId(*id);
    let stats = registration::queue_stats(&context, game).await.map_err(problem)?;
    Ok(numbers(game, &stats))
}

/// `open`, `pause` or `close`. Doing it again changes nothing, so it needs no idempotency key.
async fn act(context: Data<Context>, by: By<Editors>, path: Path<(i64, String)>) -> Result<HttpResponse, Problem> {
    let (id, act) = path.into_inner();
    let state = match act.as_str() {
        "open" => QueueState::Open,
        "pause" => QueueState::Paused,
        "close" => QueueState::Closed,
        _ => return Err(problem(DomainError::NotFound(Entity::Route))),
    };
    let game = GameId(id);
    let row = registration::set_queue_state(&context, &by.admin, game, state).await.map_err(problem)?;
    let mut stats = registration::queue_stats(&context, game).await.map_err(problem)?;
    stats.row = row;
    Ok(numbers(game, &stats))
}

fn numbers(game: GameId, stats: &QueueStats) -> HttpResponse {
    let (row, quota) = (stats.row, stats.row.quota);
    HttpResponse::Ok().json(json!({
        "game_id": game.0,
        "state": row.state.name(),
        "waiting": stats.waiting,
        "head": row.head,
        "tail": row.tail,
        "limitation": quota.limitation,
        "balance": quota.balance,
        "paid": quota.sold,
        "holds": quota.held,
        "withheld": quota.withheld(),
        "rate": stats.rate_per_second,
        "forecast": forecast_seconds(stats),
    }))
}

/// Seconds until those who wait now are decided at the present rate; none while nothing is decided.
fn forecast_seconds(stats: &QueueStats) -> Option<i64> {
    let seconds = stats.waiting as f64 / stats.rate_per_second;
    (stats.waiting == 0 || seconds.is_finite()).then(|| if stats.waiting == 0 { 0 } else { seconds.ceil() as i64 })
}
