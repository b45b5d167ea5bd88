//! SQL, the truth. `db` is the two databases behind one interface; every other file is one aggregate's statements.

pub mod chat;
pub mod db;
mod migrate;
mod sqlite_writer;
