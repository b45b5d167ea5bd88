//! The matchday server. `startup` wires everything; the folders are layers: `api` and `ws` speak to clients, `service`
//! holds the use cases, `store` and `clients` reach out.

pub mod bench;
pub mod config;
pub mod context;
pub mod service;
pub mod store;
pub mod vault;
