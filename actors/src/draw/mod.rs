//! Orders that chance decides and anyone can check: the shuffle, the order a line is worked through in, and what a
//! draw publishes. Pure: no clock, no database, no randomness of its own.

pub mod allocation;
pub mod bundle;
pub mod line_order;
pub mod merkle;
pub mod receipt;
pub mod shuffle;
pub mod verification;
