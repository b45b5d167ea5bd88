//! WebSocket frames as a server writes them: whole, unmasked (RFC 6455, section 5.2).

use bytes::{BufMut, Bytes, BytesMut};

const FINAL: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// Bytes a control frame may carry.
const CONTROL_PAYLOAD: usize = 125;

pub fn text(payload: &[u8], out: &mut BytesMut) {
    header(TEXT, payload.len(), out);
    out.extend_from_slice(payload);
}

pub fn ping(out: &mut BytesMut) {
    header(PING, 0, out);
}

pub fn pong(payload: &[u8], out: &mut BytesMut) {
    let payload = &payload[..payload.len().min(CONTROL_PAYLOAD)];
    header(PONG, payload.len(), out);
    out.extend_from_slice(payload);
}

/// The reason is cut at what a control frame carries.
pub fn put_close(code: u16, reason: &str, out: &mut BytesMut) {
    let mut length = reason.len().min(CONTROL_PAYLOAD - 2);
    while !reason.is_char_boundary(length) {
        length -= 1;
    }
    header(CLOSE, 2 + length, out);
    out.put_u16(code);
    out.extend_from_slice(&reason.as_bytes()[..length]);
}

pub fn close(code: u16, reason: &str) -> Bytes {
    let mut out = BytesMut::new();
    put_close(code, reason, &mut out);
    out.freeze()
}

fn header(opcode: u8, length: usize, out: &mut BytesMut) {
    out.reserve(10 + length);
    out.put_u8(FINAL | opcode);
    if length < 126 {
        out.put_u8(length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        out.put_u8(126);
        out.put_u16(length);
    } else {
        out.put_u8(127);
        out.put_u64(length as u64);
    }
}

/// What the header of the frame at the start of a buffer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub is_close: bool,
    /// Bytes of the whole frame.
    pub whole: u64,
}

/// Bytes of the longest close frame.
pub const LONGEST_CLOSE: u64 = 2 + 4 + CONTROL_PAYLOAD as u64;

/// Reads no more than is needed to step over a frame, also over one that breaks the rules. None until the header is there.
pub fn head(buffer: &[u8]) -> Option<Head> {
    let payload = announced_length(buffer)?;
    let of_length = match buffer.get(1)? & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let of_mask = if buffer.get(1)? & 0x80 == 0 { 0 } else { 4 };
    Some(Head { is_close: buffer.first()? & 0x0F == CLOSE, whole: payload.saturating_add(2 + of_length + of_mask) })
}

/// The payload length that the frame at the start of `buffer` announces, once its header is there. The codec looks at
/// the limit only after it has the whole frame.
pub fn announced_length(buffer: &[u8]) -> Option<u64> {
    match buffer.get(1)? & 0x7F {
        126 => {
            let bytes: [u8; 2] = buffer.get(2..4)?.try_into().ok()?;
            Some(u64::from(u16::from_be_bytes(bytes)))
        }
        127 => {
            let bytes: [u8; 8] = buffer.get(2..10)?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        }
        short => Some(u64::from(short)),
    }
}

#[cfg(test)]
mod tests {
    use actix_http::ws::{Codec, Frame};
    use tokio_util::codec::Decoder as _;

    use super::*;

    #[test]
    fn an_independent_codec_reads_every_length() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = vec![b'x'; length];
            let mut out = BytesMut::new();
            text(&payload, &mut out);
            assert_eq!(announced_length(&out), Some(length as u64));
            let mut codec = Codec::new().client_mode().max_size(1 << 20);
            let frame = codec.decode(&mut out).unwrap();
            assert_eq!(frame, Some(Frame::Text(payload.into())), "{length}");
            assert!(out.is_empty());
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let mut out = BytesMut::from(&close(4001, &"慢".repeat(100))[..]);
        let frame = Codec::new().client_mode().decode(&mut out).unwrap();
        let Some(Frame::Close(Some(reason))) = frame else { panic!("{frame:?}") };
        assert_eq!(u16::from(reason.code), 4001);
        assert_eq!(reason.description, Some("慢".repeat(41)));
    }

    #[test]
    fn the_length_is_known_as_soon_as_the_header_is_there() {
        assert_eq!(announced_length(&[0x81]), None);
        assert_eq!(announced_length(&[0x81, 0xFE, 0x40]), None);
        assert_eq!(announced_length(&[0x81, 0xFE, 0x40, 0x01]), Some(16_385));
        assert_eq!(announced_length(&[0x81, 0x85]), Some(5));
        for (bytes, is_close, whole) in [
            (&[0x81, 0x05][..], false, 7),
            (&[0x88, 0x82], true, 8),
            (&[0x88, 0xFE, 0x40, 0x00], true, 8 + 16_384),
            (&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], false, 10 + 65_536),
        ] {
            assert_eq!(head(bytes), Some(Head { is_close, whole }));
        }
        assert_eq!(head(&[0x88]), None);
        assert_eq!(head(&[&[0x82, 0xFF][..], &[0xFF; 8]].concat()).unwrap().whole, u64::MAX);
    }
}
