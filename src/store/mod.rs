pub mod memory;
pub mod sql;
