//! What a user session asks of the server.

use std::sync::Arc;
use std::time::Instant;

use actix::Addr;
use actors::chat_room::ChatRoom;
use actors::domain::account::Account;
use actors::domain::caller_address::CallerAddress;
use actors::domain::chat::Publication;
use actors::domain::ids::{AccountId, LiveId};
use actors::error::{DomainError, Result};
use actors::outbox::Outbox;
use actors::user_session::{Rights, SessionGate, Watching};
use async_trait::async_trait;

use crate::context::Context;
use crate::service::accounts;
use crate::store::sql::chat;

pub struct LiveGate(pub Arc<Context>);

#[async_trait]
impl SessionGate for LiveGate {
    async fn authenticate(&self, token: &str) -> Result<Arc<Account>> {
        accounts::authenticate(&self.0, token).await
    }

    fn generation(&self) -> u64 {
        self.0.sessions.generation()
    }

    async fn rights(&self, account: Option<AccountId>, address: CallerAddress, room: Option<LiveId>) -> Result<Rights> {
        let (ban, moderator) = chat::standing(&self.0.db, account, address.ip(), room).await?;
        match ban {
            None => Ok(Rights { moderator }),
            Some(ban) => Err(DomainError::Muted {
                reason: ban.reason.into(),
                seconds_left: ban.seconds_left.unwrap_or(u32::MAX),
            }),
        }
    }

    async fn room(&self, room: LiveId) -> Result<Addr<ChatRoom>> {
        self.0.rooms.open(&self.0.db, room).await
    }

    async fn in_progress(&self) -> Result<Vec<LiveId>> {
        self.0.in_progress.read(&self.0.db).await
    }

    async fn history(&self, room: LiveId, before: Option<i64>, limit: u32) -> Result<Vec<Publication>> {
        super::history(&self.0, room, before, limit).await
    }

    async fn watch_queue(&self, token: &str, outbox: &Arc<Outbox>) -> Result<Box<dyn Watching>> {
        match self.0.rooms.queue_watch() {
            Some(watch) => watch.watch(token, outbox).await,
            None => Err(DomainError::BUSY),
        }
    }

    fn online(&self, room: Option<LiveId>) -> i64 {
        let (board, now) = (self.0.rooms.board(), Instant::now());
        let presence = match room {
            Some(room) => board.room(room, now),
            None => board.everywhere(now),
        };
        presence.connections
    }

    fn now_ms(&self) -> i64 {
        self.0.db.now_ms()
    }
}
