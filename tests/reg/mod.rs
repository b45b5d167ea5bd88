//! The command dialect over HTTP.

pub(crate) mod client;
mod envelope;
mod limitation;
mod lookup;
mod queue;
mod trusting;
