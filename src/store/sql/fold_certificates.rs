//! Gives certificates that older versions stored the key of their letters and digits, once, at the start: a migration cannot,
//! because the data key is not in the database. Bounded batches, each its own transaction that also notes how far it came;
//! interrupted it goes on at the next start, and nodes that start together take turns.
//!
//! Lists of a draw hold keys only and stay as they are: entries with blanks or marks in them have to be listed again.

use actors::domain::registration::Player;
use actors::error::DomainError;
use actors::quota_queue::messages::SealedPlayer;
use anyhow::Context;

use super::db::{Db, Row, Tx};
use crate::args;
use crate::vault::Vault;

/// Rows of one transaction. A token holds up to a hundred players.
const REGISTRATIONS: i64 = 500;
const TOKENS: i64 = 100;

enum Step {
    /// So many keys changed, and there may be more.
    Changed(u64),
    Done,
}

/// Returns how many keys changed.
pub async fn run(db: &Db, vault: &Vault) -> anyhow::Result<u64> {
    let mut changed = 0;
    loop {
        let (vault, now) = (vault.clone(), db.now_ms());
        let work = db.write(move |tx| Box::pin(async move { step(tx, &vault, now).await }));
        match work.await.context("giving certificates their new keys")? {
            Step::Changed(count) => changed += count,
            Step::Done => break,
        }
    }
    if changed > 0 {
        tracing::info!(
            changed,
            "certificates that were written with blanks or marks have the keys of their letters and digits now"
        );
    }
    Ok(changed)
}

async fn step(tx: &mut Tx, vault: &Vault, now: i64) -> Result<Step, DomainError> {
    // Written and not only read, so that the next node waits for this one.
    let sql = "UPDATE certificate_folding SET id = 1 WHERE id = 1 RETURNING registration_id, game_id, sequence";
    let Some(progress) = tx.fetch_optional(sql, args![]).await? else { return Ok(Step::Done) };
    let mut changed = 0;
    let sql = "SELECT id, game_id, live, certificate_key, player_sealed FROM registrations
               WHERE id > $1 ORDER BY id LIMIT $2";
    let rows = tx.fetch_all(sql, args![progress.int("registration_id")?, REGISTRATIONS]).await?;
    if let Some(last) = rows.last() {
        for row in &rows {
            changed += u64::from(registration(tx, vault, row, now).await?);
        }
        let sql = "UPDATE certificate_folding SET registration_id = $1 WHERE id = 1";
        tx.execute(sql, args![last.int("id")?]).await?;
        return Ok(Step::Changed(changed));
    }
    let sql = "SELECT game_id, sequence, players_sealed FROM queue_tokens
               WHERE (game_id, sequence) > ($1, $2) ORDER BY game_id, sequence LIMIT $3";
    let rows = tx.fetch_all(sql, args![progress.int("game_id")?, progress.int("sequence")?, TOKENS]).await?;
    if let Some(last) = rows.last() {
        for row in &rows {
            changed += token(tx, vault, row).await?;
        }
        let sql = "UPDATE certificate_folding SET game_id = $1, sequence = $2 WHERE id = 1";
        tx.execute(sql, args![last.int("game_id")?, last.int("sequence")?]).await?;
        return Ok(Step::Changed(changed));
    }
    tx.execute("DELETE FROM certificate_folding WHERE id = 1", args![]).await?;
    Ok(Step::Done)
}

/// The key of a stored player. `None`: the person was erased, or cannot be read with this key.
fn key(vault: &Vault, sealed: &str) -> Option<String> {
    let player: Player = serde_json::from_str(&vault.open(sealed).ok()?).ok()?;
    let certificate = player.certificate();
    (!certificate.number.is_empty()).then(|| vault.lookup_key("certificate", certificate.lookup_text().as_bytes()))
}

async fn registration(tx: &mut Tx, vault: &Vault, row: &Row, now: i64) -> Result<bool, DomainError> {
    let (id, game, old) = (row.int("id")?, row.int("game_id")?, row.text("certificate_key")?);
    let Some(new) = key(vault, &row.text("player_sealed")?).filter(|new| *new != old) else { return Ok(false) };
    let held = "SELECT 1 AS one FROM registrations WHERE game_id = $1 AND certificate_key = $2 AND live = 1";
    if row.flag("live")? && tx.fetch_optional(held, args![game, &new]).await?.is_some() {
        tracing::warn!(
            registration = id,
            game,
            "the same certificate in another spelling has a place in this game, too"
        );
        return Ok(false);
    }
    let rename = "UPDATE players SET certificate_key = $2 WHERE certificate_key = $1
                  AND NOT EXISTS (SELECT 1 FROM players other WHERE other.certificate_key = $2)";
    tx.execute(rename, args![&old, &new]).await?;
    let insert =
        "INSERT INTO players (certificate_key, created_at) VALUES ($1, $2) ON CONFLICT (certificate_key) DO NOTHING";
    tx.execute(insert, args![&new, now]).await?;
    let point =
        "UPDATE registrations SET certificate_key = $2, player_id = (SELECT id FROM players WHERE certificate_key = $2)
                 WHERE id = $1";
    tx.execute(point, args![id, &new]).await?;
    Ok(true)
}

async fn token(tx: &mut Tx, vault: &Vault, row: &Row) -> Result<u64, DomainError> {
    let (game, sequence) = (row.int("game_id")?, row.int("sequence")?);
    // A token that cannot be read fails alone when it is decided.
    let mut players: Vec<SealedPlayer> = serde_json::from_str(&row.text("players_sealed")?).unwrap_or_default();
    let mut changed = 0;
    for player in &mut players {
        let Some(new) = key(vault, &player.sealed).filter(|new| *new != player.certificate_key) else { continue };
        let old = std::mem::replace(&mut player.certificate_key, new);
        let note = "UPDATE line_certificates SET certificate_key = $3 WHERE game_id = $1 AND certificate_key = $2
                    AND NOT EXISTS (SELECT 1 FROM line_certificates other
                                    WHERE other.game_id = $1 AND other.certificate_key = $3)";
        tx.execute(note, args![game, &old, &player.certificate_key]).await?;
        changed += 1;
    }
    if changed > 0 {
        let players = serde_json::to_string(&players).map_err(|_| DomainError::Internal)?;
        let sql = "UPDATE queue_tokens SET players_sealed = $3 WHERE game_id = $1 AND sequence = $2";
        tx.execute(sql, args![game, sequence, players]).await?;
    }
    Ok(changed)
}
