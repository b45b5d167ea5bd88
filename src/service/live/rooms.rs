//! The chat rooms that run on this node.

use std::sync::{Arc, OnceLock};

use actix::{Addr, ArbiterHandle};
use actors::chat_room::{ChatLog, ChatRoom, ChatWire, Forget, OnlineBoard, RoomNews, RoomParts};
use actors::directory::Directory;
use actors::domain::chat::Presence;
use actors::domain::ids::{AccountId, LiveId};
use actors::error::{DomainError, Entity, Result};
use actors::ports::{Bus, Topic};
use actors::user_session::QueueWatch;

use crate::store::sql::chat;
use crate::store::sql::db::Db;

/// Messages that may wait for one room.
const MAILBOX: usize = 4096;

pub struct Rooms {
    directory: Directory<LiveId, ChatRoom>,
    parts: RoomParts,
    queue_watch: OnceLock<Arc<dyn QueueWatch>>,
}

impl Rooms {
    /// `wire` makes the frames; rooms run on `arbiters`.
    pub fn new(
        log: Arc<dyn ChatLog>,
        bus: Arc<dyn Bus>,
        wire: Arc<dyn ChatWire>,
        arbiters: Vec<ArbiterHandle>,
    ) -> Self {
        let parts = RoomParts {
            log,
            wire,
            bus,
            board: Arc::default(),
            closed: Arc::default(),
            node: rand::random::<u32>() >> 1,
        };
        let shared = parts.clone();
        Self {
            directory: Directory::new(arbiters, MAILBOX, move |room| ChatRoom::new(*room, shared.clone())),
            parts,
            queue_watch: OnceLock::new(),
        }
    }

    /// Who pushes the state of queue tokens; set once, at the start.
    pub fn set_queue_watch(&self, watch: Arc<dyn QueueWatch>) {
        if self.queue_watch.set(watch).is_err() {
            tracing::error!("the queue watch was set twice; the first one stays");
        }
    }

    pub fn queue_watch(&self) -> Option<&Arc<dyn QueueWatch>> {
        self.queue_watch.get()
    }

    /// The rooms that run here, with their people on this node.
    pub fn on_this_node(&self) -> Vec<(LiveId, Presence)> {
        let mut rooms: Vec<LiveId> = self.directory.all().into_iter().map(|(room, _)| room).collect();
        rooms.sort();
        rooms.into_iter().map(|room| (room, self.parts.board.local(room))).collect()
    }

    pub fn board(&self) -> &OnlineBoard {
        &self.parts.board
    }

    pub fn wire(&self) -> &Arc<dyn ChatWire> {
        &self.parts.wire
    }

    /// This node's number in connection ids.
    pub fn node(&self) -> u32 {
        self.parts.node
    }

    /// The room that runs, if it does.
    pub fn running(&self, room: LiveId) -> Option<Addr<ChatRoom>> {
        self.directory.get(&room)
    }

    /// To be called after the commit that deleted the live: its room takes nobody and nothing any more. Other nodes see
    /// it in the database, at the latest when their next line or newcomer arrives.
    pub fn close(&self, room: LiveId) {
        self.parts.closed.close(room);
    }

    /// To be called after the commit that erased an account's lines: the rooms that run forget them, here and on the
    /// other nodes.
    pub async fn forget(&self, rooms: &[i64], account: AccountId) {
        for id in rooms {
            if let Ok(payload) = serde_json::to_vec(&RoomNews::Forget { account }) {
                self.parts.bus.publish(Topic::Room(*id), payload.into());
            }
            if let Some(room) = self.running(LiveId(*id)) {
                // `send` waits for its turn in the mailbox instead of being refused by a full one.
                if room.send(Forget(account)).await.is_err() {
                    tracing::debug!(room = id, "the room ended meanwhile");
                }
            }
        }
    }

    /// The room of a live that exists, started if it does not run.
    ///
    /// Errors: `NotFound(Live)`.
    pub async fn open(&self, db: &Db, room: LiveId) -> Result<Addr<ChatRoom>> {
        if self.parts.closed.contains(room) {
            return Err(DomainError::NotFound(Entity::Live));
        }
        if let Some(address) = self.directory.get(&room) {
            return Ok(address);
        }
        chat::find_live(db, room).await?.ok_or(DomainError::NotFound(Entity::Live))?;
        let epoch = format!("{:016x}", rand::random::<u64>());
        chat::ensure_room(db, room, epoch).await?;
        Ok(self.directory.get_or_start(room))
    }
}
