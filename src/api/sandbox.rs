//! Levers of the sandbox providers, for tests, demonstrations and rehearsals. Each is 404 while its provider is not the
//! sandbox one.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, ServiceConfig};
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity};
use serde::Serialize;

use super::problem::Problem;
use super::times;
use crate::context::Context;
use crate::service::sandbox;
use crate::service::sms::{self, Kind};

/// Needs `web::Data<Context>`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/sandbox/pay/{order_no}", web::post().to(pay)).route("/sandbox/sms/{phone}", web::get().to(last_sms));
}

#[derive(Serialize)]
struct Paid {
    order_no: String,
    transaction_id: String,
}

/// Pays an order as the provider would, and answers after our own notify address has taken the notice.
async fn pay(context: Data<Context>, order_no: Path<String>) -> Result<Json<Paid>, Problem> {
    let order_no = OrderNo::parse(&order_no).ok_or_else(|| refusal(DomainError::NotFound(Entity::Order)))?;
    let transaction_id = sandbox::pay(&context, &order_no).await.map_err(refusal)?;
    Ok(Json(Paid { order_no: order_no.to_string(), transaction_id }))
}

#[derive(Serialize)]
struct LastCode {
    phone: String,
    code: String,
    time: String,
}

/// The last code that was sent to a phone.
async fn last_sms(context: Data<Context>, phone: Path<String>) -> Result<Json<LastCode>, Problem> {
    let shown = sms::shown(&context, Some(&phone)).await.map_err(refusal)?;
    let last = shown.into_iter().find(|shown| shown.sms.kind == Kind::Code);
    let last = last.ok_or_else(|| refusal(DomainError::NotFound(Entity::Item)))?;
    Ok(Json(LastCode {
        phone: last.sms.phone,
        code: last.sms.values.into_iter().next().unwrap_or_default(),
        time: times::seconds(last.at),
    }))
}

/// The refusal as a problem document.
fn refusal(fact: DomainError) -> Problem {
    let (status, code) = match fact {
        DomainError::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
        DomainError::OrderState => (StatusCode::CONFLICT, "notice_refused"),
        DomainError::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        DomainError::ProviderFailed(_) => (StatusCode::BAD_GATEWAY, "notice_not_delivered"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    };
    Problem::new(status, code, fact.to_string())
}
