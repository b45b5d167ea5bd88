//! The SSO dialect over a real server, asked by a client that shares no code with it.

mod admin;
mod bad_input;
pub(crate) mod client;
mod command_line;
mod confirmations;
mod notices;
mod pending;
mod people;
mod register;
mod replay;
mod smtp;
mod vectors;

use std::future::Future;

use crate::support::{TestApp, spawn_app, spawn_app_in};

/// Runs a case on a server with SQLite, and on one with Postgres when there is one.
async fn on_both<F: Future<Output = ()>>(settings: &[(&'static str, &str)], case: impl Fn(TestApp) -> F) {
    let folder = tempfile::tempdir().unwrap();
    case(spawn_app_in(folder.path(), settings).await).await;
    if std::env::var_os("TEST_POSTGRES_URL").is_some() {
        case(spawn_app(settings).await).await;
    }
}
