//! The event log of a game: appending in the transaction of the change, and reading it back with its chain of hashes
//! checked.

use actors::domain::ids::GameId;
use actors::error::{DomainError, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::LogTip;
use sha2::{Digest, Sha256};

use super::super::db::{Db, Row, StoreError, Tx};
use crate::args;

const INSERT: &str = "
INSERT INTO game_events (game_id, number, at, event, first_sequence, last_sequence, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Adds an event behind `tip`; the new tip, to be stored with the row. Only under the row's lock.
pub(super) async fn append(tx: &mut Tx, game: GameId, tip: LogTip, now_ms: i64, event: &Event) -> Result<LogTip> {
    let text = serde_json::to_string(event).map_err(|_| DomainError::Internal)?;
    let tip = LogTip { count: tip.count + 1, hash: chained(&tip.hash, now_ms, &text) };
    let sequences = event.sequences();
    let (first, last) = (sequences.map(|it| it.0), sequences.map(|it| it.1));
    tx.execute(INSERT, args![game.0, tip.count, now_ms, text, first, last, hex::encode(tip.hash)]).await?;
    Ok(tip)
}

/// SHA-256 of the previous hash, the time in decimal digits, a line feed and the event's text.
fn chained(previous: &[u8; 32], at: i64, text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(at.to_string());
    hash.update(b"\n");
    hash.update(text);
    hash.finalize().into()
}

/// An event as it was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    pub number: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    pub event: Event,
    pub hash: [u8; 32],
    text: String,
}

impl Logged {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let text = row.text("event")?;
        let number = row.int("number")?;
        let corrupt = |why: String| StoreError::Corrupt(format!("event {number}: {why}"));
        let mut hash = [0; 32];
        hex::decode_to_slice(row.text("hash")?, &mut hash).map_err(|error| corrupt(error.to_string()))?;
        let event = serde_json::from_str(&text).map_err(|error| corrupt(error.to_string()))?;
        Ok(Self { number, at: row.int("at")?, event, hash, text })
    }

    /// Whether it is the event that follows `tip`, unchanged.
    pub fn follows(&self, tip: &LogTip) -> bool {
        self.number == tip.count + 1 && self.hash == chained(&tip.hash, self.at, &self.text)
    }

    pub fn tip(&self) -> LogTip {
        LogTip { count: self.number, hash: self.hash }
    }
}

const PAGE: &str = "
SELECT number, at, event, hash FROM game_events WHERE game_id = $1 AND number > $2 ORDER BY number LIMIT $3";

/// Up to `limit` events behind number `after`, in order.
pub async fn page(db: &Db, game: GameId, after: i64, limit: i64) -> Result<Vec<Logged>, StoreError> {
    let rows = db.fetch_all(PAGE, args![game.0, after, limit]).await?;
    rows.iter().map(Logged::read).collect()
}

const ABOUT: &str = "
SELECT number, at, event, hash FROM game_events
WHERE game_id = $1 AND first_sequence <= $2 AND last_sequence >= $2 AND number > $3 ORDER BY number LIMIT $4";

/// Up to `limit` events behind number `after` whose range of tokens covers `sequence`; they need not name it.
pub async fn covering(db: &Db, game: GameId, sequence: i64, after: i64, limit: i64) -> Result<Vec<Logged>, StoreError> {
    let rows = db.fetch_all(ABOUT, args![game.0, sequence, after, limit]).await?;
    rows.iter().map(Logged::read).collect()
}
