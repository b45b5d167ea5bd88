//! The command dialect: `POST /api/reg` with `{"cmd": …}`; `/api/party` takes the two queries about a party.
//!
//! Quirks: HTTP 200 whatever happens, errors live in `result`; Content-Type is not looked at; ids come as numbers or
//! digit strings and leave as strings; an ill-formed `game_id` counts as unknown (-10), a queue token of any wrong form
//! is -12; `RegQueryQueueTokenState` and `RegRegistration` have a member `token` of their own, so it is not read as the
//! caller's session there.

mod ask_refund;
mod caller;
pub mod codes;
mod envelope;
mod get_balances;
mod get_limitation;
mod get_queue_token;
mod members;
pub mod parse;
mod player;
mod query_by_certificate;
mod query_order;
mod query_party;
pub mod query_token_state;
mod query_user_orders;
mod register;
mod set_all_limitations;
mod set_limitation;
mod update;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::error::{DomainError, Result};
use serde_json::{Map, Value};

use self::envelope::{Answer, refusal};
use crate::context::Context;

/// The largest body; more is -1002.
const MOST_BODY: usize = 1 << 20;

pub fn routes(services: &mut web::ServiceConfig) {
    services
        .service(resource("/api/reg").route(web::post().to(registration)))
        .service(resource("/api/party").route(web::post().to(party)));
}

fn resource(path: &str) -> actix_web::Resource {
    web::resource(path)
        .app_data(web::PayloadConfig::new(MOST_BODY))
        .route(web::get().to(banner))
        .route(web::head().to(banner))
        .default_service(web::to(|| async { refusal(&DomainError::Malformed("use POST".into())) }))
}

/// The answer to `path` after a panic, if it is this dialect's.
pub fn fault(path: &str) -> Option<HttpResponse> {
    ["/api/reg", "/api/party"].contains(&path).then(envelope::fault)
}

async fn banner() -> &'static str {
    "matchday registration API. POST a JSON object with a member cmd.\n"
}

type Body = Result<web::Bytes, actix_web::Error>;

/// One command as it came: its members and the request around it.
struct Command<'a> {
    context: &'a Context,
    request: &'a HttpRequest,
    members: Map<String, Value>,
}

async fn registration(context: web::Data<Context>, request: HttpRequest, body: Body) -> HttpResponse {
    respond(&context, &request, body, false).await
}

async fn party(context: web::Data<Context>, request: HttpRequest, body: Body) -> HttpResponse {
    respond(&context, &request, body, true).await
}

async fn respond(context: &Context, request: &HttpRequest, body: Body, party_only: bool) -> HttpResponse {
    match answer(context, request, body, party_only).await {
        Ok(answer) => answer.into_response(),
        Err(error) => refusal(&error),
    }
}

async fn answer(context: &Context, request: &HttpRequest, body: Body, party_only: bool) -> Result<Answer> {
    let body = body.map_err(|_| DomainError::TooLarge)?;
    if !party_only && let Some(answer) = query_token_state::answer_plain(context, &body).await {
        return answer;
    }
    let (name, members) = parse::command(&body)?;
    let command = Command { context, request, members };
    match name.as_str() {
        "QueryRegStateByCert" => query_by_certificate::answer(&command).await,
        "RegQueryPartyRegState" => query_party::answer(&command).await,
        _ if party_only => Err(codes::unknown_command()),
        "RegGetQueueToken" => get_queue_token::answer(&command).await,
        "RegQueryQueueTokenState" => query_token_state::answer(&command).await,
        "RegSetGameLimitation" => set_limitation::answer(&command).await,
        "RegSetAllGamesLimitation" => set_all_limitations::answer(&command).await,
        "RegGetGameLimitationInfo" => get_limitation::answer(&command).await,
        "RegGetAllGamesBalanceInfo" => get_balances::answer(&command).await,
        "RegQueryUserOrders" => query_user_orders::answer(&command).await,
        "RegQueryOrder" => query_order::answer(&command).await,
        "RegRegistration" => register::answer(&command).await,
        "RegUpdate" => update::answer(&command).await,
        "RegAskRefund" => ask_refund::answer(&command).await,
        _ => Err(codes::unknown_command()),
    }
}
