//! `POST /api/confirm-mail` and `…/again`: what the page behind the link in a confirmation mail does. Reading the page
//! changes nothing, because programs that scan mails read it, too.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actors::error::DomainError;
use serde::Deserialize;
use serde_json::json;

use super::admin::Body;
use super::problem::{Problem, method_not_allowed};
use crate::context::Context;
use crate::service::confirmations::{self, Opened};

/// Needs `web::Data<Context>`.
pub fn routes(cfg: &mut ServiceConfig) {
    let refused = || web::to(method_not_allowed);
    cfg.service(web::resource("/api/confirm-mail").route(web::post().to(open)).default_service(refused()))
        .service(web::resource("/api/confirm-mail/again").route(web::post().to(again)).default_service(refused()));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    token: String,
}

async fn open(context: Data<Context>, Body(link): Body<Link>) -> Result<HttpResponse, Problem> {
    match confirmations::open(&context, &link.token).await.map_err(problem)? {
        Opened::Confirmed => Ok(HttpResponse::Ok().json(json!({"state": "confirmed"}))),
        Opened::Expired => Err(Problem::new(StatusCode::GONE, "link_expired", "the link is over: ask for a new one")),
    }
}

async fn again(context: Data<Context>, Body(link): Body<Link>) -> Result<HttpResponse, Problem> {
    confirmations::ask_again(&context, &link.token).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(json!({"state": "sent"})))
}

fn problem(fact: DomainError) -> Problem {
    match fact {
        DomainError::NotFound(_) => Problem::new(StatusCode::NOT_FOUND, "no_such_link", "there is no such link"),
        DomainError::Conflict { .. } => {
            Problem::new(StatusCode::CONFLICT, "confirmed_already", "the address is confirmed already")
        }
        DomainError::RateLimited { retry_after_seconds } => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "a mail was sent not long ago")
                .with_retry_after(retry_after_seconds)
        }
        DomainError::Busy { retry_after_seconds } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the server is busy")
                .with_retry_after(retry_after_seconds)
        }
        _ => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here"),
    }
}
