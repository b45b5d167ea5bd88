//! The stamp inside a line's content that says when the line was due, and how it is found again without parsing JSON.
//! Latency counts from the due time, so that a publisher held up by a slow server does not hide the delay.

use std::time::{Duration, Instant};

const MARK: &[u8] = b"~TS";
const DIGITS: usize = 16;
pub const STAMP_BYTES: usize = MARK.len() + DIGITS;
const OFFSET: &[u8] = b"\"offset\":";

/// Microseconds since the benchmark began, the same for all its threads.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub fn now(self) -> u64 {
        self.at(Instant::now())
    }

    pub fn at(self, instant: Instant) -> u64 {
        let elapsed: Duration = instant.saturating_duration_since(self.start);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Appends a content of `size` bytes that was due at `due`.
pub fn append_content(out: &mut Vec<u8>, due: u64, size: usize) {
    out.extend_from_slice(MARK);
    for digit in (0..DIGITS).rev() {
        let value = (due >> (4 * digit)) & 0xf;
        let value = u8::try_from(value).unwrap_or(0);
        out.push(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    }
    out.resize(out.len() + size.saturating_sub(STAMP_BYTES), b'x');
}

/// A published line as a viewer needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub due: u64,
    pub offset: Option<u64>,
}

/// Finds stamps and offsets. Lines look alike, so that both are tried first where they were the last time.
#[derive(Debug, Default)]
pub struct LineReader {
    stamp_at: usize,
    offset_at: usize,
}

impl LineReader {
    /// `None` for a frame that is no stamped line.
    pub fn read(&mut self, frame: &[u8]) -> Option<Line> {
        self.stamp_at = find(frame, MARK, self.stamp_at)?;
        let digits = frame.get(self.stamp_at + MARK.len()..self.stamp_at + STAMP_BYTES)?;
        let due = digits.iter().try_fold(0, |due, digit| {
            let value = char::from(*digit).to_digit(16)?;
            Some(due << 4 | u64::from(value))
        })?;
        let offset = find(frame, OFFSET, self.offset_at).and_then(|at| {
            self.offset_at = at;
            number_after(frame, at)
        });
        Some(Line { due, offset })
    }
}

/// The number behind `"offset":` anywhere in `frame`.
pub fn offset_of(frame: &[u8]) -> Option<u64> {
    number_after(frame, find(frame, OFFSET, 0)?)
}

fn number_after(frame: &[u8], offset_at: usize) -> Option<u64> {
    let digits = frame.get(offset_at + OFFSET.len()..)?;
    let mut value: Option<u64> = None;
    for digit in digits.iter().skip_while(|byte| **byte == b' ') {
        if !digit.is_ascii_digit() {
            break;
        }
        value = Some(value.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit - b'0'))?);
    }
    value
}

fn find(frame: &[u8], what: &[u8], guess: usize) -> Option<usize> {
    if frame.get(guess..guess + what.len()) == Some(what) {
        return Some(guess);
    }
    frame.windows(what.len()).position(|window| window == what)
}

pub fn contains(frame: &[u8], what: &[u8]) -> bool {
    find(frame, what, 0).is_some()
}

/// What an offset means to a reader that has seen those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    Next,
    /// So many offsets were passed over.
    Gap(u64),
    /// One of those passed over, out of order.
    Late,
    Duplicate,
    /// From before this reader came.
    History,
}

/// The offsets one viewer has seen. Remembers the newest gaps only; a line that fills an older one counts as a duplicate.
#[derive(Debug, Default)]
pub struct Offsets {
    floor: u64,
    last: u64,
    missing: Vec<(u64, u64)>,
}

impl Offsets {
    const MAX_GAPS: usize = 64;

    /// `floor` is the last offset given out before the reader came.
    pub fn after(floor: u64) -> Self {
        Self { floor, last: floor, missing: Vec::new() }
    }

    pub fn take(&mut self, offset: u64) -> Arrival {
        if offset <= self.floor {
            return Arrival::History;
        }
        if offset > self.last {
            let first_missing = self.last + 1;
            self.last = offset;
            if offset == first_missing {
                return Arrival::Next;
            }
            if self.missing.len() == Self::MAX_GAPS {
                self.missing.remove(0);
            }
            self.missing.push((first_missing, offset - 1));
            return Arrival::Gap(offset - first_missing);
        }
        let inside = |(first, last): &(u64, u64)| (*first..=*last).contains(&offset);
        let Some(index) = self.missing.iter().position(inside) else {
            return Arrival::Duplicate;
        };
        let (first, last) = self.missing.swap_remove(index);
        let parts = [(first, offset - 1), (offset + 1, last)];
        self.missing.extend(parts.into_iter().filter(|(first, last)| first <= last));
        Arrival::Late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(due: u64, offset: &str) -> Vec<u8> {
        let mut out = br#"{"type":"SEND_ALL","content":""#.to_vec();
        append_content(&mut out, due, 200);
        out.extend_from_slice(br#"","offset":"#);
        out.extend_from_slice(offset.as_bytes());
        out.push(b'}');
        out
    }

    #[test]
    fn stamps_come_back_from_anywhere_in_a_frame() {
        let mut reader = LineReader::default();
        for due in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let line = reader.read(&frame(due, "17"));
            assert_eq!(line, Some(Line { due, offset: Some(17) }));
        }
        let mut shifted = b"   ".to_vec();
        shifted.extend(frame(5, " 18"));
        assert_eq!(reader.read(&shifted), Some(Line { due: 5, offset: Some(18) }));
        assert_eq!(reader.read(br#"{"type":"ONLINE","ONLINE":3}"#), None);
        assert_eq!(reader.read(b"~TS12"), None);
        assert_eq!(reader.read(b"~TSzzzzzzzzzzzzzzzz"), None);
    }

    #[test]
    fn content_has_the_size_asked_for() {
        let mut out = Vec::new();
        append_content(&mut out, 1, 200);
        assert_eq!(out.len(), 200);
        assert!(out.is_ascii());
    }

    #[test]
    fn offsets_tell_gaps_from_duplicates_and_disorder() {
        let mut offsets = Offsets::after(10);
        assert_eq!(offsets.take(10), Arrival::History);
        assert_eq!(offsets.take(11), Arrival::Next);
        assert_eq!(offsets.take(11), Arrival::Duplicate);
        assert_eq!(offsets.take(15), Arrival::Gap(3));
        assert_eq!(offsets.take(13), Arrival::Late);
        assert_eq!(offsets.take(13), Arrival::Duplicate);
        assert_eq!(offsets.take(12), Arrival::Late);
        assert_eq!(offsets.take(14), Arrival::Late);
        assert_eq!(offsets.take(14), Arrival::Duplicate);
        assert_eq!(offsets.take(16), Arrival::Next);
    }

    #[test]
    fn gaps_remembered_are_bounded() {
        let mut offsets = Offsets::after(0);
        for number in 1..1000 {
            assert_eq!(offsets.take(number * 2), Arrival::Gap(1));
        }
        assert_eq!(offsets.missing.len(), Offsets::MAX_GAPS);
    }
}
