//! A bounded request to an actor. `Addr::send` and `do_send` ignore a mailbox's capacity, and dropping a `send` future
//! cancels its message; so a request is a `try_send` that carries its own reply channel: full → `Busy` at once, and a
//! caller that goes away cancels nothing.

use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use tokio::sync::oneshot;

use crate::error::{DomainError, Result};

/// Where an actor sends the outcome of one request. Dropping it (a panic, a stop) tells the caller `Busy`.
pub type Reply<T> = oneshot::Sender<Result<T>>;

/// How long a caller waits for an actor before it is told to try again. The work itself is not undone.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends the message that `build` makes around a reply channel and waits for the outcome.
///
/// Errors: `Busy` when the mailbox is full, the actor is gone or died on the message, or the time ran out.
pub async fn ask<A, M, T>(address: &Addr<A>, build: impl FnOnce(Reply<T>) -> M) -> Result<T>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message<Result = ()> + Send + 'static,
{
    let (reply, outcome) = oneshot::channel();
    address.try_send(build(reply)).map_err(|_| DomainError::BUSY)?;
    match tokio::time::timeout(ASK_TIMEOUT, outcome).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) | Err(_) => Err(DomainError::BUSY),
    }
}
