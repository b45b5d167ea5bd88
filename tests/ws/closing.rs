//! How a connection ends, seen at its socket: as soon as both close frames have passed, or after a bounded time.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::PATIENCE;
use crate::support::chat::ChatServer;

/// A connection after its handshake, without a WebSocket client that would follow the rules.
struct Raw(TcpStream);

impl Raw {
    async fn open(server: &ChatServer) -> Self {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.address
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// The code of the server's close frame, which must come next.
    async fn close_code(&mut self) -> u16 {
        let read = async {
            let first = self.0.read_u8().await.unwrap();
            assert_eq!(first, 0x88, "a close frame");
            let length = self.0.read_u8().await.unwrap();
            let mut payload = vec![0; length.into()];
            self.0.read_exact(&mut payload).await.unwrap();
            u16::from_be_bytes([payload[0], payload[1]])
        };
        tokio::time::timeout(PATIENCE, read).await.expect("no close frame")
    }

    /// As `close_code`; other frames may come before it.
    async fn closed_with(&mut self) -> u16 {
        let read = async {
            loop {
                let first = self.0.read_u8().await.unwrap();
                let length = match self.0.read_u8().await.unwrap() {
                    126 => self.0.read_u16().await.unwrap().into(),
                    short => usize::from(short),
                };
                let mut payload = vec![0; length];
                self.0.read_exact(&mut payload).await.unwrap();
                if first == 0x88 {
                    return u16::from_be_bytes([payload[0], payload[1]]);
                }
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("no close frame")
    }

    /// Waits for the end of the connection; nothing may come before it.
    async fn ended(&mut self) {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        let read = read.expect("the connection stays open");
        assert!(matches!(read, Ok(0)), "{read:?} {rest:?}");
    }
}

/// Masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | short as u8),
        long @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(long as u16).to_be_bytes());
        }
        longest => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(longest as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

/// A server that would wait an hour for a peer's close frame.
async fn patient() -> ChatServer {
    ChatServer::with(&[("chat.close_timeout_seconds", "3600")]).await
}

#[tokio::test]
async fn after_a_breach_the_server_ends_the_connection_once_both_close_frames_have_passed() {
    let server = patient().await;
    let close = |code: u16| frame(0x88, &code.to_be_bytes());
    for (name, breach, code) in [
        ("binary", frame(0x82, &[1, 2, 3]), 1003),
        ("no UTF-8", frame(0x81, &[0xFF]), 1007),
        ("too large", frame(0x81, &[b'x'; 16 * 1024 + 1]), 1009),
        ("much too large", frame(0x81, &[b'x'; 200_000]), 1009),
        ("an end without a beginning", frame(0x80, b"x"), 1002),
        ("an unknown kind", frame(0x83, b"x"), 1002),
        ("not masked", vec![0x81, 0x01, b'x'], 1002),
    ] {
        let mut raw = Raw::open(&server).await;
        raw.0.write_all(&breach).await.unwrap();
        assert_eq!(raw.close_code().await, code, "{name}");
        // What was on its way already is stepped over, however the pieces fall.
        let rest = [frame(0x81, b"{}"), frame(0x82, &[b'x'; 70_000]), close(code)].concat();
        let (head, tail) = rest.split_at(rest.len() - 3);
        raw.0.write_all(head).await.unwrap();
        raw.0.write_all(tail).await.unwrap();
        raw.ended().await;
    }
}

#[tokio::test]
async fn a_good_bye_is_answered_and_ends_the_connection() {
    let server = patient().await;
    let mut raw = Raw::open(&server).await;
    raw.0.write_all(&frame(0x88, &1000_u16.to_be_bytes())).await.unwrap();
    assert_eq!(raw.close_code().await, 1000);
    raw.ended().await;
}

#[tokio::test]
async fn who_never_answers_the_close_frame_is_cut_off() {
    let server = ChatServer::with(&[("chat.close_timeout_seconds", "1")]).await;
    let mut raw = Raw::open(&server).await;
    raw.0.write_all(&frame(0x82, &[1])).await.unwrap();
    assert_eq!(raw.close_code().await, 1003);
    raw.ended().await;
}

#[tokio::test]
async fn frames_of_every_kind_count_and_a_flood_of_them_closes_the_socket() {
    let server = ChatServer::with(&[("limits.enabled", "true"), ("chat.frames_per_10_seconds", "100")]).await;
    let unlimited = ChatServer::with(&[("chat.frames_per_10_seconds", "100")]).await;
    let start = frame(0x01, b"");
    for (name, first, again) in [
        ("pongs", frame(0x8A, b""), frame(0x8A, b"")),
        ("fragments", start, frame(0x00, b"")),
        ("malformed", frame(0x81, b"x"), frame(0x81, b"x")),
        ("pings", frame(0x89, b""), frame(0x89, b"")),
    ] {
        let flood = [first, again.repeat(110)].concat();
        let mut raw = Raw::open(&server).await;
        raw.0.write_all(&flood).await.unwrap();
        assert_eq!(raw.closed_with().await, 4010, "{name}");
        let mut raw = Raw::open(&unlimited).await;
        raw.0.write_all(&flood).await.unwrap();
        raw.0.write_all(&frame(0x88, &1000_u16.to_be_bytes())).await.unwrap();
        assert_eq!(raw.closed_with().await, 1000, "{name}");
    }
}
