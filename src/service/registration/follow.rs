//! Following a token for those who push: tells each change of where it stands, and why a place fell faster than people
//! were decided. Streams of followers are counted and bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actors::domain::caller_address::CallerAddress;
use actors::domain::queue::{Phase, QueueStanding, Reason};
use actors::error::{DomainError, Result};

use super::line::look_at;
use crate::context::Context;
use crate::service::address_key::AddressKey;
use crate::service::counts::{count, discount};
use crate::service::queue_token::QueueToken;

/// One token followed from look to look.
#[derive(Debug)]
pub struct Follower {
    /// None: the text is none of this server's tokens.
    token: Option<QueueToken>,
    told: Option<(QueueStanding, i64)>,
}

impl Follower {
    pub fn new(context: &Context, token: &str) -> Self {
        Self { token: QueueToken::decode(&context.vault, token), told: None }
    }

    /// Where the token stands if that is news; the first look always is.
    ///
    /// Errors: `InvalidQueueToken`, `Busy`.
    pub async fn look(&mut self, context: &Context) -> Result<Option<QueueStanding>> {
        let token = self.token.ok_or(DomainError::InvalidQueueToken)?;
        let (standing, head) = look_at(context, token).await?;
        let news = match &self.told {
            Some((told, _)) if *told == standing => return Ok(None),
            Some((told, head_then)) => {
                QueueStanding { reason: reason(told, &standing, head - head_then), ..standing.clone() }
            }
            None => standing.clone(),
        };
        self.told = Some((standing, head));
        Ok(Some(news))
    }

    pub fn is_over(&self) -> bool {
        self.told.as_ref().is_some_and(|(told, _)| told.is_decided())
    }
}

/// Why a place changed. `decided`: by how many the line's head moved meanwhile.
fn reason(before: &QueueStanding, now: &QueueStanding, decided: i64) -> Option<Reason> {
    match (before.phase, now.phase) {
        (Phase::BeforeOpening, Phase::Line) => Some(Reason::Opened),
        (Phase::Line, Phase::WaitList) => Some(Reason::Full),
        (Phase::Line, Phase::Line) | (Phase::WaitList, Phase::WaitList) if now.count < before.count => {
            Some(if before.count - now.count > decided { Reason::Left } else { Reason::Decided })
        }
        _ => None,
    }
}

/// The streams open here, bounded in all and by address.
#[derive(Clone, Default)]
pub struct Streams {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    all: u32,
    by_address: HashMap<AddressKey, u32>,
}

/// One open stream, counted until it is dropped.
pub struct Stream {
    address: AddressKey,
    streams: Streams,
}

/// Counts a stream for `address`.
///
/// Errors: `Busy` when the node has as many as it may, `RateLimited` when the address has.
pub fn open(context: &Context, address: CallerAddress) -> Result<Stream> {
    let limits = &context.config.limits;
    let per_address = if limits.enabled { limits.event_streams_per_address } else { u32::MAX };
    context.streams.enter(AddressKey::of(address), limits.event_streams, per_address)
}

impl Streams {
    /// Counts a stream until it is dropped.
    ///
    /// Errors: `Busy` when there are `most`, `RateLimited` when the address has its own.
    pub fn enter(&self, address: AddressKey, most: u32, per_address: u32) -> Result<Stream> {
        self.with(|open| {
            if open.all >= most {
                return Err(DomainError::Busy { retry_after_seconds: 30 });
            }
            count(&mut open.by_address, address, per_address)?;
            open.all += 1;
            Ok(())
        })?;
        Ok(Stream { address, streams: self.clone() })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Open) -> T) -> T {
        act(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.streams.with(|open| {
            open.all -= 1;
            discount(&mut open.by_address, self.address);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(phase: Phase, count: i64) -> QueueStanding {
        QueueStanding {
            queue_state: 0,
            order_no: String::new(),
            count,
            query_interval: 1,
            wait_seconds: None,
            wait_known: false,
            phase,
            notice: None,
            reason: None,
            msg: "".into(),
        }
    }

    #[test]
    fn faster_fall_than_decisions_has_a_reason() {
        let line = |count| standing(Phase::Line, count);
        assert_eq!(reason(&line(10), &line(7), 3), Some(Reason::Decided));
        assert_eq!(reason(&line(10), &line(6), 3), Some(Reason::Left));
        assert_eq!(reason(&line(10), &line(10), 0), None);
        let listed = |count| standing(Phase::WaitList, count);
        assert_eq!(reason(&listed(2), &listed(1), 0), Some(Reason::Left));
        assert_eq!(reason(&line(3), &listed(3), 9), Some(Reason::Full));
        assert_eq!(reason(&standing(Phase::BeforeOpening, 0), &line(900), 0), Some(Reason::Opened));
    }
}
