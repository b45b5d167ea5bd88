//! `GET /api/lobby`: the front page's content as JSON, for everybody.

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use serde_json::{Value, json};

use super::admin::codes::problem;
use super::problem::Problem;
use super::times::{self, rfc3339};
use crate::context::Context;
use crate::service::lobby::{self, CompetitionCard, GameCard, Live, Lobby};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/api/lobby", web::get().to(show_lobby));
}

async fn show_lobby(context: Data<Context>) -> Result<HttpResponse, Problem> {
    let lobby = lobby::lobby(&context).await.map_err(problem)?;
    // A long front page has megabytes of texts: written once for each reading, not once for each request.
    let text = lobby.text.get_or_init(|| Bytes::from(written(&context, &lobby).to_string())).clone();
    let json = HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=1"))
        .content_type("application/json")
        .body(text);
    Ok(json)
}

fn written(context: &Context, lobby: &Lobby) -> Value {
    json!({
        "competitions": lobby.competitions.iter().map(card).collect::<Vec<_>>(),
        "lives": lobby.lives.iter().map(live).collect::<Vec<_>>(),
        "payment_window_seconds": context.config.reg.payment_window_seconds,
        "sandbox": context.config.pay.provider == "sandbox",
        // Public: it is in the address of WeChat's sign-in.
        "wechat_app_id": (context.config.wechat.provider == "real").then_some(&context.config.wechat.app_id),
    })
}

fn card(card: &CompetitionCard) -> Value {
    json!({
        "id": card.id.to_string(),
        "title": card.title,
        "summary": card.summary,
        "play_time": times::minutes(card.play_time),
        "main_img_url": card.main_img_url,
        "closes_at": rfc3339(card.closes_at),
        "registration_open": card.registration_open,
        "games": card.games.iter().map(game).collect::<Vec<_>>(),
        "lives": card.lives.iter().map(live).collect::<Vec<_>>(),
    })
}

fn live((live, online): &(Live, i64)) -> Value {
    json!({
        "id": live.id,
        "title": live.title,
        "summary": live.summary,
        "main_img_url": live.main_img_url,
        "play_m3u8": live.play_m3u8,
        "live_status": live.live_status,
        "online": online,
    })
}

fn game(game: &GameCard) -> Value {
    let (places, line) = (&game.places, &game.places.line);
    json!({
        "game_id": places.id.to_string(),
        "name": places.name,
        "price": places.price_fen as f64 / 100.0,
        "limitation": line.quota.limitation,
        "balance": line.quota.balance,
        "open": game.is_open,
        "full": line.quota.limitation > 0 && line.quota.balance == 0,
        "wait_list": game.has_wait_list,
        "wait_listed": line.wait_listed,
        "pre_queue_at": line.rules.pre_queue_at.map(rfc3339),
        "opening_at": line.rules.opening_at.map(rfc3339),
        "lottery": line.lottery.code(),
    })
}
