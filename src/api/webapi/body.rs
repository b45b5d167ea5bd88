//! A request's body, bounded: what the four members can need and no more. A larger one, and one that nobody wants, is read
//! on for a while and thrown away, so that its sender gets to the reply.

use std::time::Duration;

use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

/// The largest body that is looked at.
const MOST: usize = 64 * 1024;
/// The largest body that is read to its end.
const MOST_READ: usize = 4 * 1024 * 1024;
/// How long a known caller may take for a body, and one that is refused anyhow.
const RECEIVE_WITHIN: Duration = Duration::from_secs(30);
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// What came of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    Whole(Bytes),
    TooLarge,
    Broken,
}

/// Reads a body that is wanted; one that takes too long is broken.
pub async fn receive<E>(body: impl Stream<Item = Result<Bytes, E>> + Unpin) -> Received {
    within(RECEIVE_WITHIN, MOST, body).await
}

/// Reads a body on that is not wanted, and keeps nothing of it.
pub async fn drain<E>(body: impl Stream<Item = Result<Bytes, E>> + Unpin) {
    within(DRAIN_WITHIN, 0, body).await;
}

async fn within<E>(time: Duration, most: usize, body: impl Stream<Item = Result<Bytes, E>> + Unpin) -> Received {
    tokio::time::timeout(time, read(most, body)).await.unwrap_or(Received::Broken)
}

async fn read<E>(most: usize, mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin) -> Received {
    let mut body = BytesMut::new();
    let mut read = 0;
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else { return Received::Broken };
        read += chunk.len();
        if read > MOST_READ {
            return Received::TooLarge;
        }
        if read <= most {
            body.extend_from_slice(&chunk);
        }
    }
    if read > most { Received::TooLarge } else { Received::Whole(body.freeze()) }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::stream;

    use super::*;

    /// So many chunks of so many bytes; counts those that were taken.
    fn chunks(count: usize, bytes: usize, taken: &Cell<usize>) -> impl Stream<Item = Result<Bytes, ()>> + Unpin {
        stream::iter(0..count).map(move |_| {
            taken.set(taken.get() + 1);
            Ok(Bytes::from(vec![b'x'; bytes]))
        })
    }

    #[tokio::test]
    async fn what_is_kept_and_what_is_read_is_bounded() {
        let taken = Cell::new(0);
        assert_eq!(receive(chunks(2, MOST / 2, &taken)).await, Received::Whole(vec![b'x'; MOST].into()));
        assert_eq!(receive(chunks(3, MOST / 2, &taken)).await, Received::TooLarge);
        assert_eq!(taken.replace(0), 5, "both to their ends");
        drain(chunks(1_000, MOST, &taken)).await;
        assert_eq!(taken.get(), MOST_READ / MOST + 1);
        assert_eq!(receive(stream::iter([Err(())])).await, Received::Broken);
    }

    #[tokio::test]
    async fn a_sender_that_stops_is_not_waited_for() {
        let silent = stream::pending::<Result<Bytes, ()>>();
        assert_eq!(within(Duration::from_millis(1), MOST, silent).await, Received::Broken);
        let one = stream::iter([Ok::<_, ()>(Bytes::from_static(b"a"))]).chain(stream::pending());
        assert_eq!(within(Duration::from_millis(1), 0, one).await, Received::Broken);
    }
}
