//! The HAWK-signed registration API over a real server.

mod admin;
mod agents;
mod business;
pub(crate) mod client;
mod command_line;
mod formats;
mod hardness;
mod hawk;
mod nodes;
mod proxies;
mod schema;
