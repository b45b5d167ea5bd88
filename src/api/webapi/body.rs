//! A request's body, bounded: what the four members can need and no more. A larger one is read on for a while and thrown
//! away, so that its sender gets to the reply.

use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;

/// The largest body that is looked at.
const MOST: usize = 64 * 1024;
/// The largest body that is read to its end.
const MOST_READ: usize = 4 * 1024 * 1024;

/// What came of a body.
pub enum Received {
    Whole(Bytes),
    TooLarge,
    Broken,
}

pub async fn receive(mut payload: Payload) -> Received {
    let mut body = BytesMut::new();
    let mut read = 0;
    while let Some(chunk) = payload.next().await {
        let Ok(chunk) = chunk else { return Received::Broken };
        read += chunk.len();
        if read > MOST_READ {
            return Received::TooLarge;
        }
        if read <= MOST {
            body.extend_from_slice(&chunk);
        }
    }
    if read > MOST { Received::TooLarge } else { Received::Whole(body.freeze()) }
}
