//! What a session needs from the server.

use std::sync::Arc;
use std::time::Instant;

use actix::Addr;
use async_trait::async_trait;

use crate::chat_room::ChatRoom;
use crate::domain::account::Account;
use crate::domain::caller_address::CallerAddress;
use crate::domain::chat::Publication;
use crate::domain::ids::{AccountId, LiveId};
use crate::error::Result;
use crate::outbox::Outbox;

/// A watch; it ends when this is dropped.
pub trait Watching: Send {
    /// Nothing more will be pushed.
    fn is_over(&self) -> bool;
}

/// What somebody may do in a room beyond others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    pub moderator: bool,
}

/// Pushes the state of queue tokens.
#[async_trait]
pub trait QueueWatch: Send + Sync {
    /// Pushes the state of `token` into `outbox`, now and whenever it changes, as whole frames. It must hold the outbox
    /// weakly or end with the returned guard.
    ///
    /// Errors: `InvalidQueueToken`, `Busy`.
    async fn watch(&self, token: &str, outbox: &Arc<Outbox>) -> Result<Box<dyn Watching>>;

    /// Tokens that are watched now.
    fn watched(&self) -> usize;
}

#[async_trait]
pub trait SessionGate: Send + Sync {
    /// Errors: `Unauthenticated`, `AccountDisabled`.
    async fn authenticate(&self, token: &str) -> Result<Arc<Account>>;

    /// An identity found in an earlier generation must be looked at again: some account was disabled.
    fn generation(&self) -> u64;

    /// What the account may do in `room`.
    ///
    /// Errors: `Muted` for a ban of the account or the address. An unknown address shares the ban of every address.
    async fn rights(&self, account: Option<AccountId>, address: CallerAddress, room: Option<LiveId>) -> Result<Rights>;

    /// The room of a live that exists.
    ///
    /// Errors: `NotFound(Live)`.
    async fn room(&self, room: LiveId) -> Result<Addr<ChatRoom>>;

    /// The lives in progress, those that began last first.
    async fn in_progress(&self) -> Result<Vec<LiveId>>;

    /// Up to `limit` lines before the offset `before`, oldest first.
    async fn history(&self, room: LiveId, before: Option<i64>, limit: u32) -> Result<Vec<Publication>>;

    async fn watch_queue(&self, token: &str, outbox: &Arc<Outbox>) -> Result<Box<dyn Watching>>;

    /// Connections of one room, or of all.
    fn online(&self, room: Option<LiveId>) -> i64;

    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;
}

/// A socket's place in the counts of its address and account; given back when dropped.
pub trait SocketSlot: Send {
    fn address(&self) -> CallerAddress;

    /// Errors: `RateLimited` when the account has too many sockets.
    fn belongs_to(&mut self, account: AccountId) -> Result<()>;

    /// Takes a line from the rate that all sockets of the account share, these 30 s at most `limit`.
    ///
    /// Errors: `RateLimited`; the line is not counted.
    fn take_line(&self, account: AccountId, limit: u32, now: Instant) -> Result<()>;

    /// Takes a request that may read the database from the rate that all sockets of the address without an account share.
    ///
    /// Errors: `RateLimited`; the request is not counted.
    fn take_lookup(&self, now: Instant) -> Result<()>;
}
