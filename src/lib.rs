//! The matchday server. `startup` wires everything; the folders are layers: `api` and `ws` speak to clients, `service`
//! holds the use cases, `store` and `clients` reach out.

#![cfg_attr(not(test), deny(unused_crate_dependencies))]

pub mod api;
mod assets;
pub mod bench;
pub mod byte_order_mark;
pub mod cli;
pub mod clients;
pub mod config;
pub mod context;
pub mod demo;
pub mod doctor;
pub mod failpoints;
mod figures;
pub mod listener;
pub mod metrics;
pub mod service;
pub mod shutdown;
pub mod sso_wire;
pub mod startup;
pub mod store;
pub mod telemetry;
pub mod vault;
pub mod ws;
