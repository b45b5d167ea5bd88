//! Which lives are in progress, read at most once in two seconds on this node: every viewer who only watches asks.

use std::time::{Duration, Instant};

use actors::domain::ids::LiveId;
use actors::error::Result;
use tokio::sync::Mutex;

use crate::store::sql::chat;
use crate::store::sql::db::Db;

const KEEP: Duration = Duration::from_secs(2);
/// More than one connection hears, so that a list cut here still tells what is new.
const MOST: i64 = 16;

/// When it was read, and what came of it.
type Kept = Option<(Instant, Result<Vec<LiveId>>)>;

#[derive(Default)]
pub struct InProgress(Mutex<Kept>);

impl InProgress {
    /// The newest first. Callers wait for one reader, and its failure is theirs: they do not wait one after the other for a
    /// database that is away.
    pub async fn read(&self, db: &Db) -> Result<Vec<LiveId>> {
        let mut kept = self.0.lock().await;
        if let Some((_, lives)) = kept.as_ref().filter(|(at, _)| at.elapsed() < KEEP) {
            return lives.clone();
        }
        let lives = chat::in_progress(db, db.now_ms(), MOST).await;
        *kept = Some((Instant::now(), lives.clone()));
        lives
    }
}
