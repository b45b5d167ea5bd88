//! What clients speak to: one folder per dialect, each with its own wire types, codes and errors. Nothing in here
//! decides anything.

pub mod admin;
mod bodies;
pub mod client_address;
pub mod cmd;
pub mod confirm_mail;
pub mod draws;
pub mod forwarded;
pub mod h5;
pub mod lobby;
pub mod observe;
pub mod ops;
pub mod problem;
pub mod public_address;
pub mod queue;
pub mod sandbox;
pub mod sso;
pub mod static_files;
pub mod times;
pub mod webapi;

use actix_web::web::ServiceConfig;

/// The public port. One line a dialect.
pub fn routes(cfg: &mut ServiceConfig) {
    ops::routes(cfg);
    cmd::routes(cfg);
    h5::routes(cfg);
    sso::routes(cfg);
    confirm_mail::routes(cfg);
    webapi::routes(cfg);
    sandbox::routes(cfg);
    crate::ws::routes(cfg);
    admin::routes(cfg);
    lobby::routes(cfg);
    queue::routes(cfg);
    draws::routes(cfg);
    static_files::routes(cfg);
}

/// The chat port of the seed: any path.
pub fn chat_routes(cfg: &mut ServiceConfig) {
    crate::ws::seed_routes(cfg);
}

/// The port for those who run the server.
pub fn internal_routes(cfg: &mut ServiceConfig) {
    ops::internal_routes(cfg);
}
