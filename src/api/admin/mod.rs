//! Administrators over HTTP, `/admin/api/v1`. Errors are problem documents; collections answer
//! {current_page, total, data}; times are `YYYY-MM-DD HH:mm:ss` in Beijing and prices yuan.
//!
//! Quirks: content types are not looked at; a write's answer is the row as it is after it, and 204 after a DELETE.

mod accounts;
mod admins;
mod agents;
pub mod caller;
pub mod codes;
mod collection;
mod collections;
mod draws;
mod files;
mod games;
mod hawk_credentials;
mod memberships;
mod money;
mod players;
mod queue;
mod request;
mod session;
mod sso_apps;
mod table;
mod uploads;

use actix_web::Resource;
use actix_web::web::{self, ServiceConfig};
use actors::error::{DomainError, Entity};

use self::codes::problem;
use crate::api::problem::method_not_allowed;
use crate::service::collections::AuditRecord;

pub use self::request::{Body, Write, respond};

pub fn routes(cfg: &mut ServiceConfig) {
    let query = web::QueryConfig::default()
        .error_handler(|error, _| problem(DomainError::field("query", error.to_string())).into());
    let path = web::PathConfig::default().error_handler(|_, _| problem(DomainError::NotFound(Entity::Route)).into());
    cfg.service(
        web::scope("/admin/api/v1")
            .app_data(query)
            .app_data(path)
            .configure(session::routes)
            .configure(queue::routes)
            .configure(draws::routes)
            .configure(files::routes)
            .configure(games::routes)
            .configure(table::routes)
            .configure(collections::routes)
            .configure(accounts::routes)
            .configure(players::routes)
            .configure(admins::routes)
            .configure(agents::routes)
            .configure(hawk_credentials::routes)
            .configure(money::routes)
            .configure(memberships::routes)
            .configure(uploads::routes)
            .configure(sso_apps::routes)
            .configure(collection::read_only::<AuditRecord, caller::Owners>("audit", Entity::Item)),
    );
}

/// A resource whose other methods answer a problem.
pub fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(method_not_allowed))
}
