//! Looking for rows that no index finds, outside the transaction that changes them: an index for what is asked once a
//! year would be paid for by every registration. Bounded steps; the transaction looks at what came meanwhile.

use std::collections::HashMap;

use super::super::db::{Db, StoreError, Tx};
use crate::args;

/// Rows looked at in one step.
const STEP: i64 = 20_000;

/// Whose tokens or registrations.
#[derive(Debug, Clone)]
pub enum Whose {
    Account(i64),
    /// The keyed hash of a certificate.
    Certificate(String),
}

/// A queue token's key: game and sequence.
pub type TokenKey = (i64, i64);

/// What was found, and up to where was looked.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub tokens: Vec<TokenKey>,
    /// The last sequence looked at, by game.
    looked_at: HashMap<i64, i64>,
    pub registrations: Vec<i64>,
    last_registration: i64,
}

const TOKENS_OF: &str = "
SELECT sequence FROM queue_tokens
WHERE game_id = $1 AND sequence > $2 AND sequence <= $3 AND account_id = $4 ORDER BY sequence";
const TOKENS_WITH: &str = "
SELECT sequence FROM queue_tokens
WHERE game_id = $1 AND sequence > $2 AND sequence <= $3 AND players_sealed LIKE $4 ORDER BY sequence";
const LINES: &str = "SELECT game_id, tail FROM game_queue ORDER BY game_id";

impl Whose {
    fn tokens(&self) -> &'static str {
        match self {
            Self::Account(_) => TOKENS_OF,
            Self::Certificate(_) => TOKENS_WITH,
        }
    }

    fn arg(&self) -> super::super::db::Value {
        match self {
            Self::Account(id) => (*id).into(),
            // The key is hex: nothing in it is a wildcard.
            Self::Certificate(key) => format!("%\"{key}\"%").into(),
        }
    }
}

/// Looks at everything there is now. Registrations are looked for by certificate only; orders lead to an account's.
pub async fn find(db: &Db, whose: &Whose) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for line in db.fetch_all(LINES, args![]).await? {
        let (game, tail) = (line.int("game_id")?, line.int("tail")?);
        let mut after = 0;
        while after < tail {
            let until = (after + STEP).min(tail);
            let rows = db.fetch_all(whose.tokens(), vec![game.into(), after.into(), until.into(), whose.arg()]).await?;
            for row in rows {
                found.tokens.push((game, row.int("sequence")?));
            }
            after = until;
        }
        found.looked_at.insert(game, tail);
    }
    if let Whose::Certificate(key) = whose {
        let last = db.fetch_one("SELECT COALESCE(MAX(id), 0) AS last FROM registrations", args![]).await?;
        found.last_registration = last.int("last")?;
        let sql = "SELECT id FROM registrations WHERE id > $1 AND id <= $2 AND certificate_key = $3";
        let mut after = 0;
        while after < found.last_registration {
            let until = after + STEP;
            for row in db.fetch_all(sql, args![after, until, key]).await? {
                found.registrations.push(row.int("id")?);
            }
            after = until;
        }
    }
    Ok(found)
}

/// Adds what came since `find`, inside the transaction.
pub async fn catch_up(tx: &mut Tx, whose: &Whose, found: &mut Found) -> Result<(), StoreError> {
    for line in tx.fetch_all(LINES, args![]).await? {
        let (game, tail) = (line.int("game_id")?, line.int("tail")?);
        let after = found.looked_at.get(&game).copied().unwrap_or(0);
        if after < tail {
            let rows = tx.fetch_all(whose.tokens(), vec![game.into(), after.into(), tail.into(), whose.arg()]).await?;
            for row in rows {
                found.tokens.push((game, row.int("sequence")?));
            }
        }
    }
    if let Whose::Certificate(key) = whose {
        let sql = "SELECT id FROM registrations WHERE id > $1 AND certificate_key = $2";
        for row in tx.fetch_all(sql, args![found.last_registration, key]).await? {
            found.registrations.push(row.int("id")?);
        }
    }
    found.registrations.sort_unstable();
    found.registrations.dedup();
    Ok(())
}
