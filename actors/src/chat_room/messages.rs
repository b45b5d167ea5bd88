//! What a room is asked, and what rooms of different nodes tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use actix::Message;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ask::Reply;
use crate::domain::chat::{ConnectionId, Profile, Publication, RoomForm};
use crate::domain::ids::AccountId;
use crate::error::DomainError;
use crate::outbox::Outbox;

use super::ports::{ChatWire, NewLine};
use super::wire::{Event, Greeting};

/// One connection's place in a room, shared by its session and the room. It outlives a room that dies, so that the next
/// one goes on exactly where the connection stands.
pub struct Subscription {
    pub connection: ConnectionId,
    pub uuid: Arc<str>,
    pub form: RoomForm,
    pub profile: Option<Profile>,
    pub outbox: Arc<Outbox>,
    /// The newest offset the outbox has taken; -1 before the room has answered.
    seen: AtomicI64,
    left: AtomicBool,
}

impl Subscription {
    pub fn new(
        connection: ConnectionId,
        uuid: Arc<str>,
        form: RoomForm,
        profile: Option<Profile>,
        outbox: Arc<Outbox>,
    ) -> Self {
        Self { connection, uuid, form, profile, outbox, seen: AtomicI64::new(-1), left: AtomicBool::new(false) }
    }

    pub fn seen(&self) -> Option<i64> {
        let seen = self.seen.load(Ordering::Acquire);
        (seen >= 0).then_some(seen)
    }

    pub(super) fn set_seen(&self, offset: i64) {
        self.seen.store(offset, Ordering::Release);
    }

    /// Ends the subscription also if the room's mailbox is too full to be told: the room looks once a second.
    pub fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        self.left.load(Ordering::Acquire) || !self.outbox.is_open()
    }
}

/// Where a client stopped reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    pub offset: i64,
    pub epoch: String,
}

/// Comes in, or comes in again with another profile.
pub struct Join {
    pub subscription: Arc<Subscription>,
    pub resume: Option<Resume>,
    pub greeting: Greeting,
}

pub struct Leave {
    pub subscription: Arc<Subscription>,
}

/// One line to be saved and delivered. Whatever happens to it, its sender is told: by the echo, or by an ERROR when it
/// is refused or dropped unanswered (a full queue, a room that died).
pub struct Publish {
    pub connection: ConnectionId,
    pub line: NewLine,
    pub answer: Answer,
}

/// The duty to answer one client message.
pub struct Answer {
    outbox: Arc<Outbox>,
    wire: Arc<dyn ChatWire>,
    client_id: Option<String>,
    form: RoomForm,
    open: bool,
}

impl Answer {
    pub fn new(outbox: Arc<Outbox>, wire: Arc<dyn ChatWire>, client_id: Option<String>, form: RoomForm) -> Self {
        Self { outbox, wire, client_id, form, open: true }
    }

    pub fn form(&self) -> RoomForm {
        self.form
    }

    pub fn refuse(mut self, error: &DomainError) {
        self.send_error(error);
    }

    pub fn give(mut self, frame: Bytes) {
        self.open = false;
        self.outbox.push(frame);
    }

    /// The answer leaves another way: the echo is part of the lines its sender is given.
    pub fn given(mut self) {
        self.open = false;
    }

    fn send_error(&mut self, error: &DomainError) {
        self.open = false;
        let client_id = self.client_id.as_deref();
        let event = Event::Refused { error, client_id };
        self.outbox.push(event.frame(&self.wire));
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.open {
            self.send_error(&DomainError::BUSY);
        }
    }
}

/// A private line to one connection of the room.
pub struct Whisper {
    pub subscription: Arc<Subscription>,
    pub from: Profile,
    pub to_uuid: String,
    /// Known from the uuid; it may be nobody's.
    pub to: Option<ConnectionId>,
    pub content: String,
    pub client_id: Option<String>,
    /// Milliseconds since 1970.
    pub sent_at: i64,
    pub answer: Answer,
}

/// Frames for everybody in the room on this node: the moderators' and administrators' notices.
pub struct Announce {
    pub text_form: Bytes,
    pub number_form: Bytes,
}

/// Takes an account's lines out of the room's memory, after they were erased in SQL. Who is in the room is told that
/// they were deleted.
pub struct Forget(pub AccountId);

/// The lines before an offset that can be shown, at most so many; none when the room's memory does not reach back that
/// far.
///
/// Errors: `NotFound(Live)` when the live was deleted.
pub struct History {
    pub before: Option<i64>,
    pub limit: u32,
    pub reply: Reply<Option<Vec<Publication>>>,
}

/// A payload of `Topic::Room` from another node.
pub struct BusNews(pub Bytes);

/// What nodes tell each other about a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomNews {
    Lines {
        epoch: String,
        lines: Vec<Publication>,
    },
    Whisper {
        from_uuid: String,
        from: Profile,
        to_uuid: String,
        to: u64,
        content: String,
        sent_at: i64,
    },
    /// An account was erased.
    Forget {
        account: AccountId,
    },
}

macro_rules! commands {
    ($($name:ident),*) => {$(
        impl Message for $name {
            type Result = ();
        }
    )*};
}
commands!(Join, Leave, Publish, Whisper, Announce, Forget, History, BusNews);
