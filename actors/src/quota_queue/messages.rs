//! What a quota queue is asked and what it answers, and the port it keeps its truth behind.

use std::sync::Arc;

use actix::prelude::*;
use async_trait::async_trait;

pub use super::row::{LineRules, LogTip, Lottery, QueueRow, QueueState, RateCredit};
use super::state::Outcome;
use crate::ask::Reply;
use crate::domain::ids::{AccountId, GameId};
use crate::draw::line_order::LineOrder;
use crate::error::{OverLimit, Result};

/// One player as the ledger keeps him.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SealedPlayer {
    /// Keyed hash of certificate type and number.
    #[serde(rename = "k")]
    pub certificate_key: String,
    /// The player's fields, encrypted.
    #[serde(rename = "s")]
    pub sealed: String,
}

/// A validated wish for places.
#[derive(Debug, Clone)]
pub struct EnqueueRequest {
    pub account: AccountId,
    /// Equal for the same caller with the same players: such a request gets the same token.
    pub request_key: String,
    /// 1..=100; one place each, all or none.
    pub players: Vec<SealedPlayer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// A new token at this sequence number.
    Waiting { sequence: i64 },
    /// The same request has this token already.
    Existing { sequence: i64 },
    /// A player (by index) waits in this line already, where a second token would be a second chance; no token was made.
    PlayerWaits { player: usize },
    /// The account has as many open places as it may; no token was made.
    OverLimit(OverLimit),
    /// Nothing is left; no token was made.
    Full,
    /// The line takes no new tokens.
    Closed,
}

/// What a wish to leave the line came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaving {
    Left,
    /// It was decided before.
    Decided(Outcome),
    /// There is no such token.
    Unknown,
}

/// A row as committed, with the order its line is taken in when that was drawn.
#[derive(Debug, Clone)]
pub struct Committed {
    pub row: QueueRow,
    pub order: Option<Arc<LineOrder>>,
}

/// When another admission may decide more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Now,
    /// The rate allows the next order after so many milliseconds.
    InMs(i64),
    /// Not before the row changes.
    OnChange,
}

/// What one admission batch decided: `outcomes[i]` belongs to position `first + i`, `None` was put on the wait-list;
/// `late` are positions that were on it.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub committed: Committed,
    pub first: i64,
    pub outcomes: Vec<Option<Outcome>>,
    pub late: Vec<(i64, Outcome)>,
    pub next: Next,
}

/// Who stands apart from the line's plain order, as positions in it, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    pub wait_listed: Vec<i64>,
    /// Left, and not yet passed by the head.
    pub left: Vec<i64>,
}

/// A line as read from the ledger. `outcomes[i]` belongs to position `first + i`.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub committed: Committed,
    pub first: i64,
    pub outcomes: Vec<Option<Outcome>>,
    /// None when they are as the caller knows them.
    pub lists: Option<Lists>,
    /// The message to those who wait; none when it is as the caller knows it.
    pub notice: Option<String>,
}

/// What the reader of a line has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// Outcomes wanted: up to so many that end at the head.
    pub recent: i64,
    /// `list_version` of the lists it has; none: it has none.
    pub lists: Option<i64>,
    pub notice: i64,
}

/// The truth of all lines. Every call but the reads is one transaction that takes the row's lock first.
#[async_trait]
pub trait QuotaLedger: Send + Sync + 'static {
    async fn load(&self, game: GameId, known: Known) -> Result<Loaded>;
    /// Answers in the order of the requests.
    async fn enqueue(&self, game: GameId, requests: Vec<EnqueueRequest>) -> Result<(Committed, Vec<Enqueued>)>;
    /// Opens the line if its time has come, gives places that are free to the wait-list, then decides up to `limit`
    /// tokens in their order.
    async fn admit(&self, game: GameId, limit: usize) -> Result<Admitted>;
    /// Decides the first undecided token as failed, after its admission failed again and again.
    async fn give_up_next(&self, game: GameId) -> Result<Admitted>;
    /// Ends up to `limit` holds whose payment window has passed and frees their places; the count of them.
    async fn release_due(&self, game: GameId, limit: usize) -> Result<(Committed, u64)>;
    /// Takes waiting tokens out of the line. Answers in the order of the sequences.
    async fn leave(&self, game: GameId, sequences: Vec<i64>) -> Result<(Committed, Vec<Leaving>)>;
}

/// Asks for a token.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Enqueue {
    pub request: EnqueueRequest,
    pub reply: Reply<Enqueued>,
}

/// Takes a waiting token out of the line.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave {
    pub sequence: i64,
    pub reply: Reply<Leaving>,
}

/// Waits until the line is loaded, so that its view can be read.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Load {
    pub reply: Reply<()>,
}

/// Something outside changed the row (a payment, new places, another node): read it again and go on.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub struct Refresh;

/// Looks for due holds and undecided tokens.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub struct Sweep;

/// Takes no new tokens from now on and answers when nothing is in flight.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain {
    pub reply: Reply<()>,
}
