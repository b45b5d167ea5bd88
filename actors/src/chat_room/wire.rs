//! What a room or a session says to a client, before it has a wire form.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::domain::chat::{Presence, Profile, Publication, RoomForm};
use crate::domain::ids::{AccountId, LiveId};
use crate::domain::queue::QueueStanding;
use crate::error::DomainError;

use super::ports::ChatWire;

/// Whether a newcomer is told where the room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    Welcome,
    /// A seed client, or a session that comes back to a room that was replaced: nothing it did not miss.
    Quiet,
}

#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A saved line. `online` is set in the sender's own echo.
    Line {
        room: LiveId,
        form: RoomForm,
        line: &'a Publication,
        myself: bool,
        online: Option<i64>,
    },
    /// A private line, neither saved nor given an offset.
    Whisper {
        room: LiveId,
        form: RoomForm,
        from_uuid: &'a str,
        to_uuid: &'a str,
        from: &'a Profile,
        content: &'a str,
        client_id: Option<&'a str>,
        /// Milliseconds since 1970.
        sent_at: i64,
        /// Set in the sender's own echo.
        online: Option<i64>,
    },
    /// The answer to the invisible question of how many are here.
    Count {
        form: RoomForm,
        uuid: &'a str,
        content: &'a str,
        client_id: Option<&'a str>,
        sent_at: i64,
        online: i64,
    },
    Welcome {
        room: LiveId,
        form: RoomForm,
        uuid: &'a str,
        presence: Presence,
        offset: i64,
        epoch: &'a str,
        recovered: bool,
    },
    /// Somebody came (`arrived`) or went.
    Notice {
        room: LiveId,
        form: RoomForm,
        uuid: &'a str,
        profile: Option<&'a Profile>,
        arrived: bool,
        online: i64,
    },
    Online {
        room: LiveId,
        form: RoomForm,
        presence: Presence,
    },
    /// A line that was deleted.
    Deleted {
        room: LiveId,
        form: RoomForm,
        offset: i64,
    },
    History {
        room: LiveId,
        form: RoomForm,
        lines: &'a [Publication],
        viewer: Option<AccountId>,
    },
    /// Where a watched queue token stands.
    Queue {
        token: &'a str,
        standing: &'a QueueStanding,
    },
    Refused {
        error: &'a DomainError,
        client_id: Option<&'a str>,
    },
    Ping,
    Pong {
        payload: &'a [u8],
    },
    Close {
        code: u16,
        reason: &'a str,
    },
}

impl Event<'_> {
    /// The frame alone.
    pub fn frame(&self, wire: &Arc<dyn ChatWire>) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        wire.encode(self, &mut out);
        out.freeze()
    }
}
