//! Request bodies, bounded for every dialect at once: in time, and in bytes that are in memory together
//! (`service::body_budget`). A caller is a stranger until a dialect has judged them by their headers: a stranger's body is
//! small and has little time.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{HttpMessage, HttpRequest};
use actors::domain::caller_address::CallerAddress;
use actors::error::{DomainError, Result};
use futures_util::{Stream, StreamExt};
use tokio::time::{Sleep, sleep};

use super::client_address::ClientAddress;
use crate::context::Context;
use crate::service::body_budget::{BodyBudget, FULL, Part};

/// The largest body of a stranger, where the dialect says nothing else.
pub const OF_STRANGERS: usize = 64 * 1024;
/// A body of this size that is there at once waits for nobody and is not counted: nearly every poll.
const UNCOUNTED: usize = 8 * 1024;

/// How long a whole body may take.
#[derive(Debug, Clone, Copy)]
struct Times {
    known: Duration,
    stranger: Duration,
}

/// What the body of one request may cost. In the request's extensions, so that dialects reach it.
struct Allowance {
    times: Times,
    known: Cell<bool>,
    /// Nothing of the body is kept.
    discarded: Cell<bool>,
    refused: Cell<bool>,
    budget: Arc<BodyBudget>,
    address: CallerAddress,
    part: RefCell<Option<Part>>,
}

impl Allowance {
    /// Holds more bytes. Errors: `FULL`.
    fn grow(&self, bytes: usize) -> Result<()> {
        if self.discarded.get() {
            return Ok(());
        }
        let mut part = self.part.borrow_mut();
        let part = part.get_or_insert_with(|| {
            let mut part = self.budget.part(self.address);
            if self.known.get() {
                part.known();
            }
            part
        });
        part.grow(bytes).inspect_err(|_| self.refused.set(true))
    }

    fn time(&self) -> Duration {
        if self.known.get() { self.times.known } else { self.times.stranger }
    }
}

/// A request's body with its deadline and its part of the budget.
struct Bounded {
    body: Payload,
    allowance: Rc<Allowance>,
    /// Bytes that came so far, and how many of them are counted.
    read: usize,
    counted: usize,
    /// When the body was waited for the first time, and what wakes at its end. Most are there at once.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Bounded {
    fn new(body: Payload, allowance: Rc<Allowance>) -> Self {
        Self { body, allowance, read: 0, counted: 0, waiting: None }
    }

    fn hold(&mut self) -> std::result::Result<(), PayloadError> {
        let fresh = self.read - self.counted;
        if fresh > 0 && (self.waiting.is_some() || self.read > UNCOUNTED) {
            self.allowance.grow(fresh).map_err(|_| PayloadError::Io(io::ErrorKind::ResourceBusy.into()))?;
            self.counted = self.read;
        }
        Ok(())
    }

    /// Whether the time for the body is over.
    fn is_late(&mut self, cx: &mut TaskContext<'_>) -> bool {
        let time = self.allowance.time();
        let (since, end) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(time))));
        while end.as_mut().poll(cx).is_ready() {
            // A stranger may have become known meanwhile.
            match time.checked_sub(since.elapsed()).filter(|left| !left.is_zero()) {
                Some(left) => end.set(sleep(left)),
                None => return true,
            }
        }
        false
    }
}

impl Stream for Bounded {
    type Item = std::result::Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.body).poll_next(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.read += bytes.len();
                Poll::Ready(Some(self.hold().map(|()| bytes)))
            }
            Poll::Ready(other) => Poll::Ready(other),
            Poll::Pending => {
                if self.is_late(cx) {
                    return Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))));
                }
                match self.hold() {
                    Ok(()) => Poll::Pending,
                    Err(full) => Poll::Ready(Some(Err(full))),
                }
            }
        }
    }
}

/// Keeps the request's part of the budget until it is dropped.
pub struct Held(#[allow(dead_code, reason = "it is held, not read")] Option<Rc<Allowance>>);

/// Bounds the request's body. Upgrades, which are GETs, are left alone. What is returned must live until the answer is
/// made: handlers have the body in their hands.
pub fn limit(request: &mut ServiceRequest) -> Held {
    if !matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE) {
        return Held(None);
    }
    let Some(context) = request.app_data::<Data<Context>>() else { return Held(None) };
    let server = &context.config.server;
    let times = Times {
        known: Duration::from_secs(server.body_seconds),
        stranger: Duration::from_secs(server.stranger_body_seconds),
    };
    let ClientAddress(address) = ClientAddress::of(request.request());
    let allowance = Rc::new(Allowance {
        times,
        known: Cell::new(false),
        discarded: Cell::new(false),
        refused: Cell::new(false),
        budget: Arc::clone(&context.bodies),
        address,
        part: RefCell::new(None),
    });
    match request.take_payload() {
        Payload::None => return Held(None),
        body => {
            let bounded = Bounded::new(body, Rc::clone(&allowance));
            request.set_payload(Payload::Stream { payload: Box::pin(bounded) });
        }
    }
    request.extensions_mut().insert(Rc::clone(&allowance));
    Held(Some(allowance))
}

fn allowance(request: &HttpRequest) -> Option<Rc<Allowance>> {
    request.extensions().get::<Rc<Allowance>>().map(Rc::clone)
}

/// To be called once the caller has proven who they are by headers alone: the body may be as large as the dialect allows
/// and has its full time.
pub fn caller_is_known(request: &HttpRequest) {
    if let Some(allowance) = allowance(request) {
        allowance.known.set(true);
        if let Some(part) = allowance.part.borrow_mut().as_mut() {
            part.known();
        }
    }
}

pub fn is_caller_known(request: &HttpRequest) -> bool {
    allowance(request).is_some_and(|allowance| allowance.known.get())
}

/// To be called before a body is read on only so that its sender gets to the answer.
pub fn discard(request: &HttpRequest) {
    if let Some(allowance) = allowance(request) {
        allowance.discarded.set(true);
        allowance.part.take();
    }
}

/// Whether the body broke off because there was no room for it.
pub fn found_no_room(request: &HttpRequest) -> bool {
    allowance(request).is_some_and(|allowance| allowance.refused.get())
}

/// The size that the request announces.
pub fn announced(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a whole body.
///
/// Errors: `TooLarge` over `most` bytes, without reading a stranger's that is announced to be (a known caller's is read that
/// far, so that the sender gets to the answer); `Busy` when there is no room; `Malformed` when it breaks off or takes too
/// long.
pub async fn read(request: &HttpRequest, mut payload: Payload, most: usize) -> Result<Bytes> {
    if announced(request).is_some_and(|bytes| bytes > most) && !is_caller_known(request) {
        return Err(DomainError::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| fault(&error))?;
        if body.len() + chunk.len() > most {
            return Err(DomainError::TooLarge);
        }
        if body.is_empty() && chunk.len() == announced(request).unwrap_or_default() {
            // Nearly every body is one piece.
            return Ok(chunk);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn fault(error: &PayloadError) -> DomainError {
    match error {
        PayloadError::Overflow => DomainError::TooLarge,
        PayloadError::Io(error) if error.kind() == io::ErrorKind::ResourceBusy => FULL,
        PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            DomainError::Malformed("the body took too long".into())
        }
        _ => DomainError::Malformed("the body broke off".into()),
    }
}

#[cfg(test)]
#[path = "bodies_tests.rs"]
mod tests;
