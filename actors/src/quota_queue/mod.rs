//! A game's line for places. `row` is what the ledger keeps of it, `state` decides (pure), `history` is its event log,
//! `actor` batches and publishes (glue), `view` is what polls read, `wait` tells how long it may take, `open_places` bounds what one
//! account may keep, `messages` is the interface. The truth is behind `QuotaLedger`; any number of nodes may run an actor for one game.

mod actor;
pub mod history;
pub mod messages;
pub mod open_places;
pub mod row;
pub mod state;
pub mod view;
mod wait;

pub use actor::QuotaQueue;
