//! `GET /api/lobby`: the front page's content as JSON, for everybody.

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data, ServiceConfig};
use serde_json::{Value, json};

use super::admin::codes::problem;
use super::problem::Problem;
use super::times;
use crate::context::Context;
use crate::service::lobby::{self, CompetitionCard, GamePlaces};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/api/lobby", web::get().to(show_lobby));
}

async fn show_lobby(context: Data<Context>) -> Result<HttpResponse, Problem> {
    let lobby = lobby::lobby(&context).await.map_err(problem)?;
    let body = json!({
        "competitions": lobby.competitions.iter().map(card).collect::<Vec<_>>(),
        "payment_window_seconds": context.config.reg.payment_window_seconds,
        "sandbox": context.config.pay.provider == "sandbox",
    });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=1")).json(body))
}

fn card(card: &CompetitionCard) -> Value {
    let lives: Vec<Value> = card
        .lives
        .iter()
        .map(|(live, online)| {
            json!({
                "id": live.id,
                "title": live.title,
                "summary": live.summary,
                "main_img_url": live.main_img_url,
                "play_m3u8": live.play_m3u8,
                "live_status": live.live_status,
                "online": online,
            })
        })
        .collect();
    json!({
        "id": card.id.to_string(),
        "title": card.title,
        "summary": card.summary,
        "play_time": times::minutes(card.play_time),
        "main_img_url": card.main_img_url,
        "registration_open": card.registration_open,
        "games": card.games.iter().map(|row| game(row, card.registration_open)).collect::<Vec<_>>(),
        "lives": lives,
    })
}

fn game(game: &GamePlaces, registration_open: bool) -> Value {
    json!({
        "game_id": game.id.to_string(),
        "name": game.name,
        "price": game.price_fen as f64 / 100.0,
        "limitation": game.limitation,
        "balance": game.balance,
        "open": registration_open && game.queue_state != 0,
        "full": game.limitation > 0 && game.balance == 0,
    })
}
