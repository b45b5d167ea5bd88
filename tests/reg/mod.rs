//! The command dialect over HTTP.

pub(crate) mod client;
mod envelope;
mod limitation;
mod line;
mod lookup;
mod nodes;
mod queue;
mod trusting;
