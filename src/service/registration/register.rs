//! Registering in one call: a token's outcome is waited for a few seconds, so that a short line needs no polls. Waiting
//! reads the line's view in memory when it changes; it asks nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::domain::account::Account;
use actors::domain::ids::GameId;
use actors::domain::queue::QueueStanding;
use actors::domain::registration::PlayerDraft;
use actors::error::{DomainError, Result};
use tokio::time::{Instant, timeout_at};

use super::line::{Ticket, enqueue, token_standing};
use crate::context::Context;
use crate::service::counts::{count, discount};
use crate::service::queue_token::QueueToken;

/// The longest that a caller is kept waiting.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// Callers that wait in this process; more are answered at once with what is known. A commit of their line wakes them.
const MOST_WAITS: usize = 256;
/// Callers that wait for the same token, so that its holder cannot take all waits.
const MOST_PER_TOKEN: u32 = 2;

/// The waits of this process.
#[derive(Clone, Default)]
pub struct Waits {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_token: HashMap<QueueToken, u32>,
}

/// One caller that waits, until it is dropped.
struct Wait {
    token: QueueToken,
    waits: Waits,
}

impl Waits {
    /// Callers that wait now.
    pub fn count(&self) -> usize {
        self.with(|open| open.all)
    }

    fn enter(&self, token: QueueToken) -> Option<Wait> {
        self.with(|open| {
            if open.all >= MOST_WAITS {
                return None;
            }
            count(&mut open.by_token, token, MOST_PER_TOKEN).ok()?;
            open.all += 1;
            Some(Wait { token, waits: self.clone() })
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Open) -> T) -> T {
        act(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.waits.with(|open| {
            open.all -= 1;
            discount(&mut open.by_token, self.token);
        });
    }
}

/// As `enqueue`, and waits for the outcome for up to three seconds.
///
/// Errors: those of `enqueue`.
pub async fn register(context: &Context, account: &Account, game: GameId, drafts: Vec<PlayerDraft>) -> Result<Ticket> {
    let ticket = enqueue(context, account, game, drafts).await?;
    let Some(token) = ticket.token else { return Ok(ticket) };
    let standing = settled(context, &token, ticket.standing).await?;
    Ok(Ticket { token: Some(token), standing })
}

/// Where a token stands as soon as it is decided, at the latest after three seconds.
///
/// Errors: `InvalidQueueToken`, `Busy`.
pub async fn wait_for_outcome(context: &Context, token: &str) -> Result<QueueStanding> {
    let standing = token_standing(context, token).await?;
    settled(context, token, standing).await
}

async fn settled(context: &Context, token: &str, mut standing: QueueStanding) -> Result<QueueStanding> {
    if standing.is_decided() {
        return Ok(standing);
    }
    let decoded = QueueToken::decode(&context.vault, token).ok_or(DomainError::InvalidQueueToken)?;
    let Some(_wait) = context.waits.enter(decoded) else { return Ok(standing) };
    let view = context.queues.loaded_view(decoded.game).await?;
    let latest = Instant::now() + LONGEST_WAIT;
    loop {
        // Taken before the look: what is published between the two is not missed.
        let publication = view.next_publication();
        standing = token_standing(context, token).await?;
        if standing.is_decided() || timeout_at(latest, publication).await.is_err() {
            return Ok(standing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(sequence: i64) -> QueueToken {
        QueueToken { game: GameId(1), sequence }
    }

    #[test]
    fn waits_are_bounded_in_all_and_per_token_and_end_with_their_caller() {
        let waits = Waits::default();
        let first = waits.enter(token(1)).unwrap();
        let second = waits.enter(token(1)).unwrap();
        assert!(waits.enter(token(1)).is_none(), "two callers a token");
        drop(first);
        let third = waits.enter(token(1)).unwrap();
        drop((second, third));
        assert_eq!(waits.count(), 0);
        assert!(waits.with(|open| open.by_token.is_empty()), "nothing is kept of those who left");
        let most = i64::try_from(MOST_WAITS).unwrap();
        let all: Vec<Wait> = (0..most).map(|sequence| waits.enter(token(sequence)).unwrap()).collect();
        assert!(waits.enter(token(most)).is_none());
        drop(all);
        assert!(waits.enter(token(most)).is_some());
    }
}
