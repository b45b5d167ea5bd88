//! What a client sends: frames out of the request's payload, fragments put together, text parsed. The first breach of
//! the protocol is reported once. Whatever follows it is thrown away, so that the peer can read why it is closed, but for
//! the peer's own close frame, after which nothing keeps the connection (RFC 6455, section 7.1.1).

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::ws::{Codec, Frame, Item};
use actix_web::web::Payload;
use actors::user_session::{Inbound, close};
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::Stream;
use tokio_util::codec::Decoder as _;

use super::{frame, protocol};

/// Bytes of one message, in one frame or in fragments.
pub const MESSAGE_BYTES: usize = 16 * 1024;

pub struct InboundStream {
    payload: Payload,
    codec: Codec,
    buffer: BytesMut,
    /// The text of the fragments so far.
    fragments: Option<BytesMut>,
    /// After a breach: the bytes that are left of the frame that is being stepped over.
    skip: Option<u64>,
}

type Violation = (u16, &'static str);
const TOO_LARGE: Violation = (close::TOO_LARGE, "message over 16 KiB");
const BINARY: Violation = (close::UNSUPPORTED, "text frames only");
const BROKEN: Violation = (close::PROTOCOL, "protocol error");

impl InboundStream {
    pub fn new(payload: Payload) -> Self {
        Self {
            payload,
            codec: Codec::new().max_size(MESSAGE_BYTES),
            buffer: BytesMut::new(),
            fragments: None,
            skip: None,
        }
    }

    /// The next event in the buffer.
    fn next_event(&mut self) -> Result<Option<Inbound>, Violation> {
        let announced = frame::announced_length(&self.buffer);
        if announced.is_some_and(|length| length > MESSAGE_BYTES as u64) {
            return Err(TOO_LARGE);
        }
        let Some(frame) = self.codec.decode(&mut self.buffer).map_err(|_| BROKEN)? else {
            return Ok(None);
        };
        self.take(frame).map(Some)
    }

    /// Steps over frames. True once the peer's close frame is there.
    fn finds_close(&mut self) -> bool {
        let Some(mut skip) = self.skip else { return false };
        loop {
            let here = usize::try_from(skip).unwrap_or(usize::MAX).min(self.buffer.len());
            self.buffer.advance(here);
            skip -= here as u64;
            self.skip = Some(skip);
            match frame::head(&self.buffer).filter(|_| skip == 0) {
                None => return false,
                Some(head) if head.is_close => {
                    return self.buffer.len() as u64 >= head.whole.min(frame::LONGEST_CLOSE);
                }
                Some(head) => skip = head.whole,
            }
        }
    }

    fn take(&mut self, frame: Frame) -> Result<Inbound, Violation> {
        Ok(match frame {
            Frame::Text(bytes) => text(&bytes)?,
            Frame::Binary(_) => return Err(BINARY),
            Frame::Continuation(item) => self.fragment(item)?,
            Frame::Ping(payload) => Inbound::Ping(payload),
            Frame::Pong(_) => Inbound::Pong,
            Frame::Close(reason) => Inbound::Closed { code: reason.map(|reason| reason.code.into()) },
        })
    }

    fn fragment(&mut self, item: Item) -> Result<Inbound, Violation> {
        let (bytes, last) = match item {
            Item::FirstBinary(_) => return Err(BINARY),
            Item::FirstText(bytes) => {
                self.fragments = Some(BytesMut::new());
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let fragments = self.fragments.as_mut().ok_or(BROKEN)?;
        if fragments.len() + bytes.len() > MESSAGE_BYTES {
            return Err(TOO_LARGE);
        }
        fragments.extend_from_slice(&bytes);
        if !last {
            return Ok(Inbound::Part);
        }
        let whole = self.fragments.take().unwrap_or_default().freeze();
        text(&whole)
    }
}

fn text(bytes: &Bytes) -> Result<Inbound, Violation> {
    let text = std::str::from_utf8(bytes).map_err(|_| (close::NOT_UTF8, "not UTF-8"))?;
    Ok(protocol::parse(text))
}

impl Stream for InboundStream {
    type Item = Inbound;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Inbound>> {
        loop {
            if self.skip.is_none() {
                let (before, head) = (self.buffer.len(), frame::head(&self.buffer));
                match self.next_event() {
                    Ok(Some(event)) => return Poll::Ready(Some(event)),
                    Ok(None) => {}
                    Err((code, reason)) => {
                        // What the codec has left of the frame that is wrong.
                        let taken = (before - self.buffer.len()) as u64;
                        self.skip = Some(head.map_or(0, |head| head.whole.saturating_sub(taken)));
                        self.fragments = None;
                        return Poll::Ready(Some(Inbound::Violation { code, reason }));
                    }
                }
            } else if self.finds_close() {
                return Poll::Ready(Some(Inbound::Closed { code: None }));
            }
            match Pin::new(&mut self.payload).poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None | Some(Err(_))) => return Poll::Ready(None),
                Poll::Ready(Some(Ok(bytes))) => self.buffer.extend_from_slice(&bytes),
            }
        }
    }
}
