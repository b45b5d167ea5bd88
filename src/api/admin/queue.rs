//! `games/{id}/queue`: a line's numbers and rules, opening, pausing and closing it; `games/{id}/tokens/{sequence}`: what
//! happened to one token.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity};
use actors::quota_queue::messages::QueueState;
use serde_json::json;

use super::caller::{Anyone, By, Editors, Registrars};
use super::codes::problem;
use super::request::Body;
use super::resource;
use crate::api::problem::Problem;
use crate::api::times::{rfc3339, seconds as admin_time};
use crate::context::Context;
use crate::service::registration::{self, QueueStats, RulesPatch, Story};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/games/{id}/queue").route(web::get().to(show)).route(web::patch().to(set_rules)))
        .service(resource("/games/{id}/tokens/{sequence}").route(web::get().to(story)))
        .service(resource("/games/{id}/replay").route(web::get().to(replay)))
        .service(resource("/games/{id}/queue/{act}").route(web::post().to(act)));
}

async fn show(context: Data<Context>, _: By<Anyone>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let game = GameId(*id);
    let stats = registration::queue_stats(&context, game).await.map_err(problem)?;
    Ok(numbers(&context, game, &stats))
}

/// The rules that are there change, the others stay. Doing it again changes nothing, so it needs no idempotency key.
async fn set_rules(
    context: Data<Context>,
    by: By<Editors>,
    id: Path<i64>,
    Body(patch): Body<RulesPatch>,
) -> Result<HttpResponse, Problem> {
    let game = GameId(*id);
    let row = registration::set_rules(&context, &by.admin, game, patch).await.map_err(problem)?;
    let view = context.queues.fresh_view(game).await.map_err(problem)?;
    let stats = QueueStats { row, waiting: view.waiting(), rate_per_second: view.rate_per_second() };
    Ok(numbers(&context, game, &stats))
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
    Ok(numbers(&context, game, &stats))
}

/// What the log says about a token, and what became of its order. It names the account and the order, so it is for the
/// roles that may see registrations or orders.
async fn story(context: Data<Context>, _: By<Registrars>, path: Path<(i64, i64)>) -> Result<HttpResponse, Problem> {
    let (game, sequence) = path.into_inner();
    let told = registration::story(&context, GameId(game), sequence).await.map_err(problem)?;
    let Story { token, chapters } = told.ok_or_else(|| problem(DomainError::NotFound(Entity::Item)))?;
    let chapters: Vec<_> = chapters
        .iter()
        .map(|chapter| json!({"event": chapter.number, "at": rfc3339(chapter.at), "text": chapter.text}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "game_id": game,
        "sequence": token.sequence,
        "account_id": token.account_id,
        "places": token.group_size,
        "state": state_name(token.state, token.is_wait_listed),
        "order_no": token.order_no,
        "created_at": rfc3339(token.created_at),
        "decided_at": token.decided_at.map(rfc3339),
        "story": chapters,
    })))
}

fn state_name(state: i64, is_wait_listed: bool) -> &'static str {
    match state {
        0 if is_wait_listed => "on the wait-list",
        0 => "waiting",
        1 => "ordered",
        2 => "full",
        3 => "failed",
        4 => "already registered",
        _ => "left",
    }
}

/// Rebuilds the line from its log and compares.
async fn replay(context: Data<Context>, _: By<Editors>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let report = registration::replay::replay(&context.db, GameId(*id)).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(json!({
        "events": report.events, "tokens": report.tokens, "orders": report.orders, "differences": report.differences,
    })))
}

fn numbers(context: &Context, game: GameId, stats: &QueueStats) -> HttpResponse {
    let (row, quota) = (stats.row, stats.row.quota);
    let notice = context.queues.view(game).and_then(|view| view.notice());
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
        "wait_listed": row.wait_listed,
        "wait_list": row.rules.wait_list,
        "wait_for_refunds": row.rules.wait_for_refunds,
        "offer_seconds": row.rules.offer_seconds,
        "orders_per_minute": row.rules.orders_per_minute,
        "most_unpaid": row.rules.most_unpaid,
        "pre_queue_at": row.rules.pre_queue_at.map(admin_time),
        "opening_at": row.rules.opening_at.map(admin_time),
        "shuffled": row.shuffled,
        "lottery": row.lottery.code(),
        "notice": notice.as_deref().unwrap_or_default(),
        "events": row.log.count,
    }))
}

/// Seconds until those who wait now are decided at the present rate; none while nothing is decided.
fn forecast_seconds(stats: &QueueStats) -> Option<i64> {
    let seconds = stats.waiting as f64 / stats.rate_per_second;
    (stats.waiting == 0 || seconds.is_finite()).then(|| if stats.waiting == 0 { 0 } else { seconds.ceil() as i64 })
}
