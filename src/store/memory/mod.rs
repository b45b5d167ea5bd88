//! The ports of a node that runs alone.

mod bus;

pub use bus::MemoryBus;
