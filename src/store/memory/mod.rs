//! The ports of a node that runs alone.

mod bus;
mod counts;

pub use bus::MemoryBus;
pub use counts::MemoryCounts;
