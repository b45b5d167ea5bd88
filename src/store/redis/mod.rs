//! Redis carries only what may be lost; the truth is in SQL.

mod bus;
mod connections;
mod count_script;
mod counts;
pub mod inspect;

pub use bus::RedisBus;
pub use counts::RedisCounts;
