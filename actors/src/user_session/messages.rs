//! What comes in from a socket, parsed.

use std::borrow::Cow;

use bytes::Bytes;

use crate::chat_room::Resume;
use crate::domain::chat::{ConnectionId, RoomForm};
use crate::domain::ids::LiveId;

/// A room as a client named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomRef {
    /// `None` when the text cannot be a room's id.
    pub id: Option<LiveId>,
    pub form: RoomForm,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Login {
        room: RoomRef,
        token: Option<String>,
        resume: Option<Resume>,
    },
    Say {
        room: RoomRef,
        content: String,
        token: Option<String>,
        client_id: Option<String>,
    },
    /// The invisible question of how many are here.
    Count {
        form: RoomForm,
        content: String,
        client_id: Option<String>,
    },
    Whisper {
        room: RoomRef,
        to_uuid: String,
        to: Option<ConnectionId>,
        content: String,
        token: Option<String>,
        client_id: Option<String>,
    },
    Logout {
        room: RoomRef,
    },
    History {
        room: RoomRef,
        before: Option<i64>,
        limit: u32,
    },
    WatchQueue {
        token: String,
    },
    /// A `type` that is none of ours.
    Unknown {
        room: Option<RoomRef>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    Command(Command),
    /// Readable as a frame, but not as a command.
    Malformed {
        reason: Cow<'static, str>,
        client_id: Option<String>,
    },
    Ping(Bytes),
    Pong,
    /// A fragment that does not end its message.
    Part,
    /// The peer says good-bye.
    Closed {
        code: Option<u16>,
    },
    /// The peer broke the protocol; nothing after it can be read.
    Violation {
        code: u16,
        reason: &'static str,
    },
}
