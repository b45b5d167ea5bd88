//! Redis carries only what may be lost; the truth is in SQL.

mod bus;

pub use bus::RedisBus;
