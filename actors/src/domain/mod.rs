//! The words of the platform as types that can only be built valid.

pub mod account;
pub mod chat;
pub mod ids;
pub mod money;
pub mod order;
