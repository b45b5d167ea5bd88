//! SQL, the truth. `db` is the two databases behind one interface; every other file is one aggregate's statements.

pub mod admins;
pub mod audit;
pub mod db;
pub mod games;
pub mod quota;
mod migrate;
mod sqlite_writer;
