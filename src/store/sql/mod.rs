//! SQL, the truth. `db` is the two databases behind one interface; every other file is one aggregate's statements.

pub mod accounts;
pub mod admins;
pub mod audit;
pub mod backup;
mod batch;
pub mod bills;
pub mod chat;
pub mod collections;
pub mod data_key;
pub mod db;
pub mod demo;
pub mod draws;
pub mod games;
pub mod idempotency;
pub mod journal;
pub mod lobby;
mod migrate;
pub mod outbox;
pub mod payments;
pub mod people;
pub mod quota;
pub mod registrations;
pub mod registrations_file;
pub mod seal_plain;
mod sqlite_writer;
pub mod wechat_credentials;
