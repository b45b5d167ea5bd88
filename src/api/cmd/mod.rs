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
use super::bodies;
use crate::context::Context;

/// The largest body of a caller who is proven by a header, and of any other: a hundred players fit. More is -1002.
const MOST_BODY: usize = 1 << 20;
const MOST_OF_STRANGERS: usize = 128 << 10;

pub fn routes(services: &mut web::ServiceConfig) {
    services
        .service(resource("/api/reg").route(web::post().to(registration)))
        .service(resource("/api/party").route(web::post().to(party)));
}

fn resource(path: &str) -> actix_web::Resource {
    web::resource(path)
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

/// One command as it came: its members and the request around it.
struct Command<'a> {
    context: &'a Context,
    request: &'a HttpRequest,
    members: Map<String, Value>,
}

async fn registration(context: web::Data<Context>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    respond(&context, &request, payload, false).await
}

async fn party(context: web::Data<Context>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    respond(&context, &request, payload, true).await
}

async fn respond(context: &Context, request: &HttpRequest, payload: web::Payload, party_only: bool) -> HttpResponse {
    match answer(context, request, payload, party_only).await {
        Ok(answer) => answer.into_response(),
        Err(error) => refusal(&error),
    }
}

/// The whole body. The caller is judged before a large one is read; a small one is read at once, because a poll names
/// nobody and there are thousands a second.
async fn read(context: &Context, request: &HttpRequest, payload: web::Payload) -> Result<web::Bytes> {
    let small = bodies::announced(request).is_some_and(|bytes| bytes <= MOST_OF_STRANGERS);
    // Everybody's commands come from the address of a front end that is trusted: it has more than a stranger's share.
    let trusted = caller::is_trusted(context, request);
    if !trusted && (small || !caller::is_proven(context, request).await?) {
        return match bodies::read(request, payload.into_inner(), MOST_OF_STRANGERS).await {
            Err(DomainError::TooLarge) => Err(DomainError::Malformed(
                "body over 128 KiB: a larger one needs the session in the header token, and has 1 MiB at most".into(),
            )),
            other => other,
        };
    }
    bodies::caller_is_known(request);
    bodies::read(request, payload.into_inner(), MOST_BODY).await
}

async fn answer(context: &Context, request: &HttpRequest, payload: web::Payload, party_only: bool) -> Result<Answer> {
    let body = read(context, request, payload).await?;
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
