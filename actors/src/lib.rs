//! matchday's domain and its actors. Nothing in here knows HTTP, SQL or Redis: what the actors need from outside is a
//! trait in `ports` (or beside its actor).

#![cfg_attr(not(test), deny(unused_crate_dependencies))]

pub mod ask;
pub mod chat_room;
pub mod counts;
pub mod directory;
pub mod domain;
pub mod draw;
pub mod error;
pub mod outbox;
pub mod ports;
pub mod quota_queue;
pub mod user_session;
