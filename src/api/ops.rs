//! Health, readiness, figures: for load balancers and for those who run the server.

use std::time::{Duration, Instant};

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, http::StatusCode};
use serde_json::json;

use super::problem::Problem;
use crate::context::Context;

/// A database that needs longer is not there.
const DATABASE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/healthz", web::get().to(healthz))
        .route("/healthz", web::head().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/readyz", web::head().to(readyz));
}

pub fn internal_routes(cfg: &mut ServiceConfig) {
    routes(cfg);
    cfg.route("/metrics", web::get().to(metrics)).route("/debug/actors", web::get().to(debug_actors));
}

/// The process runs and answers.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"healthy": true}))
}

/// New work is welcome: not stopping, and the database answers (it was migrated before the port was bound) and took a
/// write lately. Nothing is written here: anybody may ask.
async fn readyz(context: Data<Context>) -> HttpResponse {
    let refuse = |reason| HttpResponse::ServiceUnavailable().json(json!({"ready": false, "reason": reason}));
    if context.shutdown.is_draining() {
        return refuse("stopping");
    }
    match tokio::time::timeout(DATABASE_ANSWERS_WITHIN, context.db.ping()).await {
        Ok(Ok(())) if context.writability.can_write(Instant::now()) => HttpResponse::Ok().json(json!({"ready": true})),
        Ok(Ok(())) => refuse("database takes no writes"),
        _ => refuse("database"),
    }
}

async fn metrics(context: Data<Context>) -> Result<HttpResponse, Problem> {
    let text = context.metrics.exposition().map_err(|error| {
        tracing::error!(%error, "metrics");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "figures cannot be written")
    })?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

async fn debug_actors(context: Data<Context>) -> HttpResponse {
    HttpResponse::Ok().json(context.metrics.inspected())
}
