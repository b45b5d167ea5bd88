//! One small row that is written now and then, to learn whether anything can be. Each node has a row of its own, so that a
//! node that stalls in the middle holds up no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actors::error::DomainError;

use super::db::{Db, Dialect, Tx};
use crate::args;

/// Rows of nodes that are gone.
const KEEP_MS: i64 = 86_400_000;

/// Why a row could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwritten {
    /// The database said that it takes no writes: read-only, a standby, full, damaged.
    Refused,
    /// It was busy or away, or the disk failed at the commit.
    Failed,
}

const PROBE: &str = "INSERT INTO _write_probes (node, written_at) VALUES ($1, $2)
                     ON CONFLICT (node) DO UPDATE SET written_at = excluded.written_at";

/// Writes the row of `node` and commits it.
pub async fn write(db: &Db, node: &str) -> Result<(), Unwritten> {
    let refused = Arc::new(AtomicBool::new(false));
    let (clock, node, said) = (db.clone(), node.to_owned(), refused.clone());
    let written = db.write(move |tx| {
        Box::pin(async move {
            let outcome = probe(&clock, tx, node).await;
            // A fact that does not pass by itself; the store logged it.
            if matches!(outcome, Err(DomainError::Internal)) {
                said.store(true, Ordering::Release);
            }
            outcome
        })
    });
    match written.await {
        Ok(()) => Ok(()),
        Err(_) if refused.load(Ordering::Acquire) => Err(Unwritten::Refused),
        Err(_) => Err(Unwritten::Failed),
    }
}

async fn probe(db: &Db, tx: &mut Tx, node: String) -> Result<(), DomainError> {
    if tx.dialect() == Dialect::Postgres {
        let sql = "SELECT CASE WHEN pg_is_in_recovery() THEN 1::bigint ELSE 0::bigint END AS standby";
        if tx.fetch_one(sql, args![]).await?.flag("standby")? {
            tracing::error!("the database is a standby, which takes no writes");
            return Err(DomainError::Internal);
        }
    }
    let now_ms = db.now_in(tx).await?;
    tx.execute(PROBE, args![node, now_ms]).await?;
    Ok(())
}

/// Removes the rows of nodes that ended long ago.
pub async fn tidy(db: &Db) -> Result<(), DomainError> {
    let clock = db.clone();
    db.write(move |tx| {
        Box::pin(async move {
            let before = clock.now_in(tx).await? - KEEP_MS;
            tx.execute("DELETE FROM _write_probes WHERE written_at < $1", args![before]).await?;
            Ok(())
        })
    })
    .await
}
