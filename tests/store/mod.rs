//! The store's cases, each on SQLite and on Postgres.

mod accounts;
mod backup;
mod constraints;
pub(crate) mod databases;
mod journal;
mod open_places;
mod parts;
mod plans;
mod quota;
mod quota_model;
mod refunds;
mod registration_close;
mod writes;
