//! What a quota queue is asked and what it answers, and the port it keeps its truth behind.

use actix::prelude::*;
use async_trait::async_trait;

use super::state::{Outcome, Quota};
use crate::ask::Reply;
use crate::domain::ids::{AccountId, GameId};
use crate::error::Result;

/// Whether a line takes new tokens and decides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// Takes no new tokens; those that wait are still decided.
    Closed,
    Open,
    /// Takes new tokens, decides none.
    Paused,
}

impl QueueState {
    pub fn code(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::Open => 1,
            Self::Paused => 2,
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        [Self::Closed, Self::Open, Self::Paused].into_iter().find(|state| state.code() == code)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Paused => "paused",
        }
    }
}

/// The ledger's row of a line, as it was at a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueRow {
    /// Grows with every change of the row, so that a late answer cannot overwrite a newer one.
    pub version: i64,
    pub state: QueueState,
    /// The last sequence number handed out.
    pub tail: i64,
    /// The last sequence number decided.
    pub head: i64,
    pub quota: Quota,
}

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
    /// Nothing is left; no token was made.
    Full,
    /// The line takes no new tokens.
    Closed,
}

/// What one admission batch decided: `outcomes[i]` belongs to sequence `first + i`.
#[derive(Debug, Clone)]
pub struct Admitted {
    pub row: QueueRow,
    pub first: i64,
    pub outcomes: Vec<Outcome>,
}

/// The truth of all lines. Every call but the reads is one transaction that takes the row's lock first.
#[async_trait]
pub trait QuotaLedger: Send + Sync + 'static {
    /// The row, and the outcomes of up to `recent` sequences that end at the row's head.
    async fn load(&self, game: GameId, recent: i64) -> Result<Admitted>;
    /// Answers in the order of the requests.
    async fn enqueue(&self, game: GameId, requests: Vec<EnqueueRequest>) -> Result<(QueueRow, Vec<Enqueued>)>;
    /// Decides up to `limit` tokens in their order.
    async fn admit(&self, game: GameId, limit: usize) -> Result<Admitted>;
    /// Decides the first undecided token as failed, after its admission failed again and again.
    async fn give_up_next(&self, game: GameId) -> Result<Admitted>;
    /// Ends up to `limit` holds whose payment window has passed and frees their places; the count of them.
    async fn release_due(&self, game: GameId, limit: usize) -> Result<(QueueRow, u64)>;
}

/// Asks for a token.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Enqueue {
    pub request: EnqueueRequest,
    pub reply: Reply<Enqueued>,
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
