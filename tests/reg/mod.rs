//! The command dialect over HTTP.

mod ask_refund;
mod bad_input;
pub(crate) mod client;
pub(crate) mod digest;
mod envelope;
mod limitation;
mod line;
mod lookup;
mod nodes;
mod open_places;
mod query_order;
mod query_party;
mod queue;
mod register;
mod set_all_limitations;
mod trusting;
mod update;
