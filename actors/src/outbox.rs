//! The bounded send queue of one socket. Any thread may push; one reader takes. A reader that does not keep up costs
//! its own connection and nothing else: over the limit the queue is emptied and only the close frame is left.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    Queued,
    /// This frame went over the limit: the connection is closed as too slow.
    Overflowed,
    /// The connection was closing already.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Open,
    /// What is queued still leaves, the last of it a close frame; nothing more is taken.
    Closing,
    /// The reader is told the end.
    Finished,
}

struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    phase: Phase,
    waker: Option<Waker>,
}

pub struct Outbox {
    queue: Mutex<Queue>,
    limit: usize,
    too_slow: Bytes,
}

impl Outbox {
    /// `limit` in bytes; `too_slow` is the close frame that an overflow leaves behind.
    pub fn new(limit: usize, too_slow: Bytes) -> Self {
        Self {
            queue: Mutex::new(Queue { frames: VecDeque::new(), bytes: 0, phase: Phase::Open, waker: None }),
            limit,
            too_slow,
        }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that wait to be written.
    pub fn queued_bytes(&self) -> usize {
        self.lock().bytes
    }

    pub fn phase(&self) -> Phase {
        self.lock().phase
    }

    pub fn is_open(&self) -> bool {
        self.phase() == Phase::Open
    }

    /// Takes whole frames; several may be in one `Bytes`.
    pub fn push(&self, frames: Bytes) -> Pushed {
        let mut queue = self.lock();
        if queue.phase != Phase::Open {
            return Pushed::Closed;
        }
        let outcome = if queue.bytes + frames.len() > self.limit {
            queue.frames.clear();
            queue.frames.push_back(self.too_slow.clone());
            queue.bytes = self.too_slow.len();
            queue.phase = Phase::Closing;
            Pushed::Overflowed
        } else {
            queue.bytes += frames.len();
            queue.frames.push_back(frames);
            Pushed::Queued
        };
        wake(queue);
        outcome
    }

    /// Lets what is queued leave, then `frame`, and takes nothing more. False when it was closing already.
    pub fn close(&self, frame: Bytes) -> bool {
        let mut queue = self.lock();
        if queue.phase != Phase::Open {
            return false;
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        queue.phase = Phase::Closing;
        wake(queue);
        true
    }

    /// Ends the reader after what is queued.
    pub fn finish(&self) {
        let mut queue = self.lock();
        queue.phase = Phase::Finished;
        wake(queue);
    }

    /// The next frames to write; `None` is the end.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut queue = self.lock();
        if let Some(frames) = queue.frames.pop_front() {
            queue.bytes -= frames.len();
            return Poll::Ready(Some(frames));
        }
        if queue.phase == Phase::Finished {
            return Poll::Ready(None);
        }
        queue.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

/// Wakes outside the lock, because the woken reader takes it.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(outbox: &Outbox) -> Poll<Option<Bytes>> {
        outbox.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn outbox(limit: usize) -> Outbox {
        Outbox::new(limit, Bytes::from_static(b"4001"))
    }

    #[test]
    fn frames_leave_in_order_and_the_close_frame_last() {
        let outbox = outbox(100);
        assert_eq!(outbox.push(Bytes::from_static(b"a")), Pushed::Queued);
        assert_eq!(outbox.push(Bytes::from_static(b"b")), Pushed::Queued);
        assert!(outbox.close(Bytes::from_static(b"bye")));
        assert!(!outbox.close(Bytes::from_static(b"again")), "closed only once");
        assert_eq!(outbox.push(Bytes::from_static(b"c")), Pushed::Closed);
        for expected in [&b"a"[..], b"b", b"bye"] {
            assert_eq!(take(&outbox), Poll::Ready(Some(Bytes::from_static(expected))));
        }
        assert_eq!(take(&outbox), Poll::Pending, "the peer may still answer");
        outbox.finish();
        assert_eq!(take(&outbox), Poll::Ready(None));
    }

    #[test]
    fn over_the_limit_only_the_close_frame_is_left() {
        let outbox = outbox(10);
        let frame = Bytes::from_static(b"12345");
        assert_eq!(outbox.push(frame.clone()), Pushed::Queued);
        assert_eq!(outbox.push(frame.clone()), Pushed::Queued);
        assert_eq!(outbox.push(frame.clone()), Pushed::Overflowed);
        assert_eq!(outbox.push(frame.clone()), Pushed::Closed);
        assert_eq!(outbox.queued_bytes(), 4);
        assert_eq!(take(&outbox), Poll::Ready(Some(Bytes::from_static(b"4001"))));
    }

    #[test]
    fn without_the_limit_a_reader_that_stops_would_cost_memory_without_end() {
        let bounded = outbox(1024);
        let unbounded = outbox(usize::MAX);
        let frame = Bytes::from_static(&[0; 100]);
        for _ in 0..1000 {
            bounded.push(frame.clone());
            unbounded.push(frame.clone());
        }
        assert!(bounded.queued_bytes() <= 1024);
        assert_eq!(unbounded.queued_bytes(), 100_000);
    }

    #[test]
    fn room_is_made_by_reading() {
        let outbox = outbox(10);
        for _ in 0..100 {
            assert_eq!(outbox.push(Bytes::from_static(b"12345678")), Pushed::Queued);
            assert!(take(&outbox).is_ready());
        }
    }
}
