//! The frames of lines that are saved and have not been fanned out yet, encoded once and shared by reference.

use bytes::{Bytes, BytesMut};

/// Frames in one form of the room's id, for consecutive offsets.
#[derive(Default)]
pub(super) struct Unsent {
    /// One `Bytes` a round of encoding; usually there is only one.
    rounds: Vec<Bytes>,
    /// One slice a line.
    lines: Vec<Bytes>,
}

impl Unsent {
    /// How many lines are encoded.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Adds lines; `encode` appends the frame of each.
    pub fn extend<T>(&mut self, lines: impl Iterator<Item = T>, mut encode: impl FnMut(T, &mut BytesMut)) {
        let mut out = BytesMut::new();
        let mut ends = Vec::new();
        for line in lines {
            encode(line, &mut out);
            ends.push(out.len());
        }
        if ends.is_empty() {
            return;
        }
        let round = out.freeze();
        let mut start = 0;
        for end in ends {
            self.lines.push(round.slice(start..end));
            start = end;
        }
        self.rounds.push(round);
    }

    /// The frame of the line at `index`.
    pub fn line(&self, index: usize) -> Option<&Bytes> {
        self.lines.get(index)
    }

    /// All frames as one piece.
    pub fn whole(&self) -> Bytes {
        match self.rounds.as_slice() {
            [only] => only.clone(),
            rounds => rounds.concat().into(),
        }
    }

    pub fn clear(&mut self) {
        self.rounds.clear();
        self.lines.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_is_shared_and_not_copied() {
        let mut unsent = Unsent::default();
        let encode = |text: &str, out: &mut BytesMut| out.extend_from_slice(text.as_bytes());
        unsent.extend(["one", "two"].into_iter(), encode);
        assert_eq!(unsent.whole().as_ptr(), unsent.whole().as_ptr());
        assert_eq!(unsent.line(1).map(|line| &line[..]), Some(&b"two"[..]));
        unsent.extend(["three"].into_iter(), encode);
        assert_eq!(&unsent.whole()[..], b"onetwothree");
        assert_eq!(unsent.len(), 3);
        unsent.clear();
        assert_eq!(unsent.line(0), None);
    }
}
