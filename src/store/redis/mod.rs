//! Redis carries only what may be lost; the truth is in SQL.

mod bus;
pub mod inspect;

pub use bus::RedisBus;
