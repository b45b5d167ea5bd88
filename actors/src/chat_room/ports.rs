//! What a room needs from outside: where lines are saved, and how they look on the wire.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::BytesMut;

use crate::domain::chat::{Profile, Publication};
use crate::domain::ids::LiveId;
use crate::error::{DomainError, Result};

use super::wire::Event;

/// A line that asks to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    pub uuid: Arc<str>,
    pub speaker: Profile,
    pub client_id: Option<String>,
    pub content: String,
}

/// What became of one line of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Saved(Publication),
    /// The same `client_id` of the same account was saved before: that line.
    Repeated(Publication),
    Refused(DomainError),
}

/// A room as it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSnapshot {
    /// Changes only when the history is lost or restored.
    pub epoch: String,
    /// The offset of the newest line, 0 when there is none.
    pub tail: i64,
    /// The newest lines up to `tail`, oldest first, tombstones included.
    pub recent: Vec<Publication>,
}

/// The saved lines of all rooms. Offsets are handed out under the room's lock, 1 by 1 and without holes.
///
/// Errors of `open`, `append` and `tail`: `NotFound(Live)` when the live was deleted.
#[async_trait]
pub trait ChatLog: Send + Sync {
    /// The room with up to `keep` of its newest lines.
    async fn open(&self, room: LiveId, keep: u32) -> Result<RoomSnapshot>;

    /// Saves a batch in one transaction; the verdicts are in the order of `lines`. `Err` means nothing was saved.
    async fn append(&self, room: LiveId, lines: Vec<NewLine>) -> Result<Vec<Verdict>>;

    /// Lines after the offset `after`, tombstones included, oldest first.
    async fn after(&self, room: LiveId, after: i64, limit: u32) -> Result<Vec<Publication>>;

    /// The room's epoch and the offset of its newest line.
    async fn tail(&self, room: LiveId) -> Result<(String, i64)>;
}

/// Turns events into framed bytes, ready to be written to a socket.
pub trait ChatWire: Send + Sync {
    /// Appends one whole frame.
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut);
}
