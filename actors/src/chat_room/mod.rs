//! One chat room per live stream. `state` is the pure machine: lines, members, what leaves when; `actor` is the glue to
//! the mailbox, timers and the database; `presence` counts people over all nodes.

mod actor;
mod closed;
mod messages;
mod ports;
mod presence;
mod state;
#[cfg(test)]
pub(crate) mod test_support;
mod unsent;
mod wire;

pub use actor::{ChatRoom, RoomParts};
pub use closed::ClosedRooms;
pub use messages::{
    Announce, Answer, BusNews, Forget, History, Join, Leave, Publish, Resume, RoomNews, Subscription, Whisper,
};
pub use ports::{ChatLog, ChatWire, NewLine, RoomSnapshot, Verdict};
pub use presence::{OnlineBoard, PRESENCE_REFRESH, PRESENCE_TTL};
pub use state::{KEPT_LINES, PENDING_LINES};
pub use wire::{Event, Greeting};
