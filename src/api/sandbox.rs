//! Levers of the sandbox providers, for tests, demonstrations and rehearsals. Each is 404 while its provider is not the
//! sandbox one.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity};
use serde::Serialize;

use crate::context::Context;
use crate::service::sandbox;

/// Needs `web::Data<Context>`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/sandbox/pay/{order_no}", web::post().to(pay));
}

#[derive(Serialize)]
struct Paid {
    order_no: String,
    transaction_id: String,
}

/// Pays an order as the provider would, and answers after our own notify address has taken the notice.
async fn pay(context: Data<Context>, order_no: Path<String>) -> Result<Json<Paid>, Refusal> {
    let order_no =
        OrderNo::parse(&order_no).ok_or(Refusal(DomainError::NotFound(Entity::Order)))?;
    let transaction_id = sandbox::pay(&context, &order_no).await.map_err(Refusal)?;
    Ok(Json(Paid {
        order_no: order_no.to_string(),
        transaction_id,
    }))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(DomainError);

#[derive(Serialize)]
struct Problem {
    title: String,
    status: u16,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self.0 {
            DomainError::NotFound(_) => StatusCode::NOT_FOUND,
            DomainError::OrderState => StatusCode::CONFLICT,
            DomainError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            DomainError::ProviderFailed(_) => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        HttpResponse::build(status)
            .content_type("application/problem+json")
            .json(Problem {
                title: self.0.to_string(),
                status: status.as_u16(),
            })
    }
}
