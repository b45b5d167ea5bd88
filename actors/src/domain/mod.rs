//! The words of the platform as types that can only be built valid.

pub mod account;
pub mod birth_date;
pub mod caller_address;
pub mod certificate;
pub mod chat;
pub mod game;
pub mod ids;
pub mod login_name;
pub mod money;
pub mod order;
pub mod phone;
pub mod player_patch;
pub mod queue;
pub mod registration;
pub mod visible;
