//! The chat over real sockets.

mod closing;
mod deleted;
mod lifecycle;
mod limits;
mod lines;
mod nodes;
mod origins;
mod queue;
mod rooms;
