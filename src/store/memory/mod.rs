//! What one node needs of a bus: nothing but the promise that there is no other.

mod bus;

pub use bus::MemoryBus;
