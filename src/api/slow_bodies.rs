//! A request's body must arrive in time: a sender that stops in the middle would hold its buffer and connection for ever.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::time::{Sleep, sleep};

/// For the whole body. The largest one, a file of administrators, takes that long at a megabit a second.
const TIME: Duration = Duration::from_secs(120);

struct Timed {
    body: Payload,
    /// Made when the body is waited for the first time: most are there at once.
    end: Option<Pin<Box<Sleep>>>,
    time: Duration,
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(next) = Pin::new(&mut self.body).poll_next(cx) {
            return Poll::Ready(next);
        }
        let time = self.time;
        match self.end.get_or_insert_with(|| Box::pin(sleep(time))).as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(PayloadError::Io(std::io::ErrorKind::TimedOut.into())))),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Gives the request's body its deadline. Upgrades, which are GETs, are left alone.
pub fn limit(request: &mut ServiceRequest) {
    if matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE) {
        match request.take_payload() {
            Payload::None => {}
            body => request.set_payload(Payload::Stream { payload: Box::pin(Timed { body, end: None, time: TIME }) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[actix_web::test]
    async fn a_body_that_stops_in_the_middle_ends_with_a_fault() {
        let start = futures_util::stream::iter([Ok(Bytes::from_static(b"{"))]);
        let stalled = start.chain(futures_util::stream::pending());
        let time = Duration::from_millis(50);
        let mut timed = Timed { body: Payload::Stream { payload: Box::pin(stalled) }, end: None, time };
        assert_eq!(timed.next().await.unwrap().unwrap(), "{");
        assert!(matches!(timed.next().await, Some(Err(PayloadError::Io(_)))));
        let whole = futures_util::stream::iter([Ok(Bytes::from_static(b"{}"))]);
        let mut timed = Timed { body: Payload::Stream { payload: Box::pin(whole) }, end: None, time };
        assert_eq!(timed.next().await.unwrap().unwrap(), "{}");
        assert!(timed.next().await.is_none());
    }
}
