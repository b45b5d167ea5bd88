//! The response body of an open socket: what its outbox holds, already framed. It ends when the session is over, and
//! tells the session when the connection is gone.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix::Addr;
use actix_web::body::{BodySize, MessageBody};
use actors::outbox::Outbox;
use actors::user_session::{SocketGone, UserSession};
use bytes::Bytes;

pub struct SocketBody {
    pub outbox: Arc<Outbox>,
    pub session: Addr<UserSession>,
}

impl MessageBody for SocketBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.outbox.poll_next(context).map(|frames| frames.map(Ok))
    }
}

impl Drop for SocketBody {
    fn drop(&mut self) {
        // `do_send` has no bound and needs none here: once in a socket's life, and it must arrive, or a full mailbox would
        // keep the session of a socket that is gone.
        self.session.do_send(SocketGone);
    }
}
