//! The store's cases, each on SQLite and on Postgres.

mod backup;
mod constraints;
pub(crate) mod databases;
mod plans;
mod quota;
mod quota_model;
mod writes;
