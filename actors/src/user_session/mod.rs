//! One session per connected socket: who speaks, where they are, how fast they may speak and when they are given up.
//! `state` is the pure part (deadlines, rates), `actor` the glue to rooms and to the server behind the gate.

mod actor;
mod messages;
mod ports;
mod rate;
mod state;

pub use actor::{SessionParts, SocketGone, UserSession};
pub use messages::{Command, Inbound, RoomRef};
pub use ports::{QueueWatch, Rights, SessionGate, SocketSlot, Watching};
pub use rate::{RATE_WINDOW, Rate};
pub use state::{SessionLimits, close};
