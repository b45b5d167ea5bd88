//! The tokens a run holds, what was seen of each, and the file that carries them from one invocation to the next.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;

use crate::bench::line_order::Seen;

#[derive(Debug, Clone)]
pub struct Ticket {
    /// Index of the account that holds it.
    pub account: u32,
    pub token: String,
    pub asked: Instant,
    pub acknowledged: Instant,
    /// The lowest place told so far.
    pub place: i64,
    /// How often a poll told a place above one told before.
    pub rises: u64,
    pub last_waiting_asked: Option<Instant>,
    pub first_decided: Option<Instant>,
    /// State and order number of the outcome.
    pub outcome: Option<(i64, String)>,
}

impl Ticket {
    pub fn new(account: u32, token: String, asked: Instant, acknowledged: Instant, place: i64) -> Self {
        Self {
            account,
            token,
            asked,
            acknowledged,
            place,
            rises: 0,
            last_waiting_asked: None,
            first_decided: None,
            outcome: None,
        }
    }

    pub fn still_waits(&mut self, asked: Instant, place: i64) {
        self.last_waiting_asked = Some(asked);
        if place > self.place {
            self.rises += 1;
        }
        self.place = self.place.min(place);
    }

    /// Takes an outcome; `false` when it differs from the one told before.
    pub fn decided(&mut self, at: Instant, queue_state: i64, order_no: &str) -> bool {
        match &self.outcome {
            Some((state, order)) => *state == queue_state && order == order_no,
            None => {
                self.first_decided = Some(at);
                self.outcome = Some((queue_state, order_no.to_owned()));
                true
            }
        }
    }

    pub fn seen(&self) -> Seen {
        Seen {
            asked: self.asked,
            acknowledged: self.acknowledged,
            last_waiting_asked: self.last_waiting_asked,
            first_decided: self.first_decided,
        }
    }
}

/// # Errors
/// The file cannot be written.
pub fn save(path: &Path, tickets: &[Ticket]) -> anyhow::Result<()> {
    let mut text = String::new();
    for ticket in tickets {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {}", ticket.account, ticket.token);
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// # Errors
/// The file cannot be read or is not what [`save`] writes.
pub fn load(path: &Path) -> anyhow::Result<Vec<Ticket>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let now = Instant::now();
    let parse = |(index, line): (usize, &str)| {
        line.split_once(' ')
            .and_then(|(account, token)| Some((account.parse().ok()?, token.to_owned())))
            .map(|(account, token)| Ticket::new(account, token, now, now, i64::MAX))
            .with_context(|| format!("{}:{}: expected an account and a token", path.display(), index + 1))
    };
    text.lines().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_may_fall_and_not_rise() {
        let now = Instant::now();
        let mut ticket = Ticket::new(0, "t".to_owned(), now, now, 10);
        ticket.still_waits(now, 10);
        ticket.still_waits(now, 4);
        assert_eq!(ticket.rises, 0);
        ticket.still_waits(now, 5);
        assert_eq!((ticket.rises, ticket.place), (1, 4));
    }

    #[test]
    fn an_outcome_is_told_the_same_for_ever() {
        let now = Instant::now();
        let mut ticket = Ticket::new(0, "t".to_owned(), now, now, 1);
        assert!(ticket.decided(now, 1, "a"));
        assert!(ticket.decided(now, 1, "a"));
        assert!(!ticket.decided(now, 1, "b"));
        assert!(!ticket.decided(now, 2, "a"));
    }

    #[test]
    fn tokens_survive_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let now = Instant::now();
        let tickets: Vec<Ticket> =
            (0..3).map(|number| Ticket::new(number, format!("token{number}"), now, now, 1)).collect();
        save(&path, &tickets).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.len(), 3);
        assert_eq!((loaded[2].account, loaded[2].token.as_str()), (2, "token2"));
        std::fs::write(&path, "x y\n").unwrap();
        assert!(load(&path).is_err());
    }
}
