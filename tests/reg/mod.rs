//! The command dialect over HTTP.

mod client;
mod envelope;
mod limitation;
mod lookup;
mod nodes;
mod queue;
mod trusting;
