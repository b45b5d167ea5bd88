//! The chat over real sockets.

mod lifecycle;
mod limits;
mod lines;
mod nodes;
mod rooms;
