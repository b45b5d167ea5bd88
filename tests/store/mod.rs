//! The store's cases, each on SQLite and on Postgres.

mod constraints;
mod databases;
mod quota;
mod quota_model;
mod writes;
