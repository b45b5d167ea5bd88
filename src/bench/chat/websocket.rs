//! The client's half of RFC 6455, as little as a load generator needs: the handshake, whole frames, no extensions.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bench::target::Target;

pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

const MAX_FRAME_BYTES: usize = 4 << 20;
const MAX_HEAD_BYTES: usize = 16 << 10;
/// A fixed key and the answer that the protocol prescribes for it.
const KEY: &str = "bWF0Y2hkYXkgYmVuY2ghIQ==";
const ACCEPT: &[u8] = b"k3lpvx83ZA3Z41f/7+OFsPHZcMI=";

/// A connection after its handshake, with what the server sent behind it.
pub struct Opened {
    pub stream: TcpStream,
    pub rest: Vec<u8>,
}

/// Connects from loopback address `source` and upgrades, within `limit`.
pub async fn open(target: &Target, path: &str, source: u32, limit: Duration) -> anyhow::Result<Opened> {
    let opened = tokio::time::timeout(limit, handshake(target, path, source)).await;
    opened.context("no answer to the handshake in time")?
}

async fn handshake(target: &Target, path: &str, source: u32) -> anyhow::Result<Opened> {
    let mut stream = target.connect(source).await.context("cannot connect")?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n",
        target.authority
    );
    stream.write_all(request.as_bytes()).await.context("handshake")?;
    let mut buffer = Vec::with_capacity(512);
    loop {
        let read = stream.read_buf(&mut buffer).await.context("handshake")?;
        ensure!(read > 0, "connection closed during the handshake");
        if let Some(head) = switched(&buffer)? {
            buffer.drain(..head);
            return Ok(Opened { stream, rest: buffer });
        }
        ensure!(buffer.len() <= MAX_HEAD_BYTES, "the handshake's answer is too long");
    }
}

/// Length of a complete answer that agrees to the upgrade.
fn switched(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).context("the handshake's answer is not HTTP")?;
    let httparse::Status::Complete(head) = parsed else {
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    ensure!(status == 101, "the server refused the upgrade with HTTP {status}");
    let accepted = response
        .headers
        .iter()
        .any(|header| header.name.eq_ignore_ascii_case("sec-websocket-accept") && header.value == ACCEPT);
    ensure!(accepted, "the server's Sec-WebSocket-Accept is wrong");
    Ok(Some(head))
}

#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub opcode: u8,
    pub payload: Range<usize>,
}

/// The frame at the start of `bytes`, `None` while it is incomplete.
///
/// # Errors
/// What a server must not send, or what this reader does not take (fragments, extensions).
pub fn parse(bytes: &[u8]) -> anyhow::Result<Option<Frame>> {
    let &[first, second, ..] = bytes else {
        return Ok(None);
    };
    ensure!(first & 0x70 == 0, "frame with an extension that was not agreed on");
    ensure!(first & 0x80 != 0, "fragmented frame");
    ensure!(second & 0x80 == 0, "masked frame from the server");
    let opcode = first & 0x0f;
    let (length, start) = match second {
        126 => match bytes.get(2..4) {
            Some(&[high, low]) => (usize::from(u16::from_be_bytes([high, low])), 4),
            _ => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|length| <[u8; 8]>::try_from(length).ok()) {
            Some(length) => (usize::try_from(u64::from_be_bytes(length))?, 10),
            None => return Ok(None),
        },
        short => (usize::from(short), 2),
    };
    if length > MAX_FRAME_BYTES {
        bail!("frame of {length} bytes");
    }
    let payload = start..start + length;
    Ok((bytes.len() >= payload.end).then_some(Frame { opcode, payload }))
}

/// Frames out of a stream that is cut anywhere. Holds only the beginning of an incomplete frame.
#[derive(Default)]
pub struct FrameReader {
    rest: Vec<u8>,
}

impl FrameReader {
    /// Calls `on_frame(opcode, payload)` for each frame that is complete with `bytes`.
    pub fn feed(&mut self, bytes: &[u8], mut on_frame: impl FnMut(u8, &[u8])) -> anyhow::Result<()> {
        if self.rest.is_empty() {
            let used = each_frame(bytes, &mut on_frame)?;
            self.rest.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        self.rest.extend_from_slice(bytes);
        let used = each_frame(&self.rest, &mut on_frame)?;
        if used == self.rest.len() {
            // Ten thousand sockets that each kept a buffer would weigh more than what is measured.
            self.rest = Vec::new();
        } else {
            self.rest.drain(..used);
        }
        Ok(())
    }
}

fn each_frame(bytes: &[u8], on_frame: &mut impl FnMut(u8, &[u8])) -> anyhow::Result<usize> {
    let mut used = 0;
    while let Some(frame) = parse(&bytes[used..])? {
        let payload = used + frame.payload.start..used + frame.payload.end;
        used = payload.end;
        on_frame(frame.opcode, &bytes[payload]);
    }
    Ok(used)
}

/// Appends a masked frame to `out`.
pub fn append(out: &mut Vec<u8>, opcode: u8, mask: u32, payload: &[u8]) {
    out.push(0x80 | opcode);
    let length = payload.len();
    if let Ok(short) = u8::try_from(length)
        && short < 126
    {
        out.push(0x80 | short);
    } else if let Ok(medium) = u16::try_from(length) {
        out.push(0x80 | 126);
        out.extend_from_slice(&medium.to_be_bytes());
    } else {
        out.push(0x80 | 127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    let mask = mask.to_be_bytes();
    out.extend_from_slice(&mask);
    let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key);
    out.extend(masked);
}

/// The code of a close frame's payload; 1005 when there is none.
pub fn close_code(payload: &[u8]) -> u16 {
    match payload {
        &[high, low, ..] => u16::from_be_bytes([high, low]),
        _ => 1005,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut masked = Vec::new();
        append(&mut masked, opcode, 0, payload);
        let head = masked.len() - payload.len() - 4;
        masked[1] &= 0x7f;
        masked.drain(head..head + 4);
        masked
    }

    #[test]
    fn frames_are_found_wherever_the_stream_is_cut() {
        let payloads = [vec![b'a'; 5], vec![b'b'; 125], vec![b'c'; 126], vec![b'd'; 70_000], Vec::new()];
        let stream: Vec<u8> = payloads.iter().flat_map(|payload| server_frame(TEXT, payload)).collect();
        for size in [1, 2, 3, 7, 130, 4096, stream.len()] {
            let (mut reader, mut seen) = (FrameReader::default(), Vec::new());
            for chunk in stream.chunks(size) {
                let collect = |opcode, payload: &[u8]| seen.push((opcode, payload.to_vec()));
                reader.feed(chunk, collect).unwrap();
            }
            let expected: Vec<(u8, Vec<u8>)> = payloads.iter().map(|payload| (TEXT, payload.clone())).collect();
            assert!(seen == expected, "chunks of {size}");
            assert!(reader.rest.is_empty());
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        let mut masked = Vec::new();
        append(&mut masked, TEXT, 1, b"x");
        assert!(parse(&masked).is_err());
        assert!(parse(&[0x01, 0x00]).is_err(), "fragment");
        assert!(parse(&[0xc1, 0x00]).is_err(), "compressed");
        assert!(parse(&[0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0]).is_err(), "4 GiB");
        assert!(parse(&[0x81, 126, 0]).unwrap().is_none());
        assert!(parse(&[0x81]).unwrap().is_none());
    }

    #[test]
    fn client_frames_are_masked() {
        let mut out = Vec::new();
        append(&mut out, PONG, 0x0102_0304, b"\x01\x02\x03\x04\x05");
        assert_eq!(out, [0x8a, 0x85, 1, 2, 3, 4, 0, 0, 0, 0, 4]);
    }

    #[test]
    fn handshake_wants_101_and_the_right_answer() {
        let accept = std::str::from_utf8(ACCEPT).unwrap();
        let good = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        assert_eq!(switched(good.as_bytes()).unwrap(), Some(good.len()));
        assert_eq!(switched(&good.as_bytes()[..20]).unwrap(), None);
        assert!(switched(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n").is_err());
        let refused = switched(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap_err().to_string();
        assert!(refused.contains("403"), "{refused}");
    }

    #[test]
    fn close_codes_are_read() {
        assert_eq!(close_code(&4001_u16.to_be_bytes()), 4001);
        assert_eq!(close_code(b""), 1005);
    }
}
