//! A game's line for places. `state` decides (pure), `actor` batches and publishes (glue), `view` is what polls read,
//! `messages` is the interface. The truth is behind `QuotaLedger`; any number of nodes may run an actor for one game.

mod actor;
pub mod messages;
pub mod state;
pub mod view;

pub use actor::QuotaQueue;
