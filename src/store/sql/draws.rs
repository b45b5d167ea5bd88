//! Draws: their terms, the lists of their groups, the entrants as they were fixed, the result. Every change is made
//! under the lock of the game's row.

use std::sync::LazyLock;

use actors::domain::ids::GameId;
use actors::draw::bundle::{Entrant, GroupQuota, Terms};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::db::{BatchSql, ColumnKind, Db, Row, StoreError, Tx, json_rows};
use crate::args;

/// How far a draw is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DrawState {
    /// Entries are taken.
    Entries,
    /// The entrants are fixed.
    Closed,
    Drawn,
}

impl DrawState {
    fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Entries),
            2 => Some(Self::Closed),
            3 => Some(Self::Drawn),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Closed => "closed",
            Self::Drawn => "drawn",
        }
    }
}

/// What closing fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    pub count: u32,
    /// 64 hex.
    pub merkle_root: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// What the draw revealed, without the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revealed {
    pub public_value: String,
    /// 64 hex.
    pub secret: String,
    pub winners: u32,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// A draw without its long lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    pub game: GameId,
    pub state: DrawState,
    pub terms: Terms,
    pub dry_runs: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    pub fixed: Option<Fixed>,
    pub revealed: Option<Revealed>,
}

const FIND: &str = "
SELECT game_id, state, commitment, places, quotas, public_source, dry_runs, entrant_count, merkle_root, public_value,
       secret, winners, created_at, closed_at, drawn_at
FROM draws WHERE game_id = $1";

pub async fn find(db: &Db, game: GameId) -> Result<Option<Draw>, StoreError> {
    db.fetch_optional(FIND, args![game.0]).await?.map(|row| read(&row)).transpose()
}

/// As `find`, inside a transaction.
pub async fn find_in(tx: &mut Tx, game: GameId) -> Result<Option<Draw>, StoreError> {
    tx.fetch_optional(FIND, args![game.0]).await?.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<Draw, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("draws.{what}"));
    let small = |column: &str| row.opt_int(column)?.map(u32::try_from).transpose().map_err(|_| corrupt(column));
    let game = GameId(row.int("game_id")?);
    let terms = Terms {
        game_id: game.0,
        commitment: row.text("commitment")?,
        places: small("places")?.ok_or_else(|| corrupt("places"))?,
        quotas: json(&row.text("quotas")?)?,
        public_source: row.text("public_source")?,
    };
    let fixed = match (small("entrant_count")?, row.opt_text("merkle_root")?, row.opt_int("closed_at")?) {
        (Some(count), Some(merkle_root), Some(at)) => Some(Fixed { count, merkle_root, at }),
        _ => None,
    };
    let parts = (row.opt_text("public_value")?, row.opt_text("secret")?, small("winners")?, row.opt_int("drawn_at")?);
    let revealed = match parts {
        (Some(public_value), Some(secret), Some(winners), Some(at)) => {
            Some(Revealed { public_value, secret, winners, at })
        }
        _ => None,
    };
    Ok(Draw {
        game,
        state: DrawState::from_code(row.int("state")?).ok_or_else(|| corrupt("state"))?,
        terms,
        dry_runs: row.int("dry_runs")?,
        created_at: row.int("created_at")?,
        fixed,
        revealed,
    })
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn written<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A new draw that takes entries.
pub async fn insert(tx: &mut Tx, terms: &Terms, secret_sealed: &str, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO draws (game_id, commitment, secret_sealed, places, quotas, public_source, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let quotas: &[GroupQuota] = &terms.quotas;
    let values = args![
        terms.game_id,
        &terms.commitment,
        secret_sealed,
        terms.places,
        written(&quotas)?,
        &terms.public_source,
        now,
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

pub async fn secret_sealed(db: &Db, game: GameId) -> Result<String, StoreError> {
    let sql = "SELECT secret_sealed FROM draws WHERE game_id = $1";
    db.fetch_one(sql, args![game.0]).await?.text("secret_sealed")
}

#[derive(Serialize)]
struct MemberRow<'a> {
    game: i64,
    name: &'a str,
    k: &'a str,
}

static INSERT_MEMBERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO draw_group_members (game_id, group_name, certificate_key)
         SELECT r.game, r.name, r.k FROM {rows} WHERE true
         ON CONFLICT (game_id, group_name, certificate_key) DO NOTHING",
        &[("game", ColumnKind::Int), ("name", ColumnKind::Text), ("k", ColumnKind::Text)],
    )
});

/// Makes `keys` the whole list of a group; how many different ones there are.
pub async fn replace_members(tx: &mut Tx, game: GameId, group: &str, keys: &[String]) -> Result<u64, StoreError> {
    let sql = "DELETE FROM draw_group_members WHERE game_id = $1 AND group_name = $2";
    tx.execute(sql, args![game.0, group]).await?;
    let rows: Vec<MemberRow<'_>> = keys.iter().map(|k| MemberRow { game: game.0, name: group, k }).collect();
    tx.execute(INSERT_MEMBERS.text(tx.dialect()), args![json_rows(&rows)?]).await
}

/// Every batch statement, with its name; for the test of their plans.
pub fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    vec![("insert members of a draw's group", &INSERT_MEMBERS)]
}

/// The certificate keys of all lists: (group, key).
pub async fn members(db: &Db, game: GameId) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT group_name, certificate_key FROM draw_group_members WHERE game_id = $1";
    let rows = db.fetch_all(sql, args![game.0]).await?;
    rows.iter().map(|row| Ok((row.text("group_name")?, row.text("certificate_key")?))).collect()
}

/// A token as closing reads it.
pub struct Entry {
    pub sequence: i64,
    /// Its players left the line.
    pub left: bool,
    pub group_size: i64,
    /// JSON of the sealed players.
    pub players: String,
}

/// Up to `limit` tokens behind `after` and not behind `last`, in order.
pub async fn entries(db: &Db, game: GameId, after: i64, last: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT sequence, state, group_size, players_sealed FROM queue_tokens
               WHERE game_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4";
    let rows = db.fetch_all(sql, args![game.0, after, last, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                sequence: row.int("sequence")?,
                left: row.int("state")? == 5,
                group_size: row.int("group_size")?,
                players: row.text("players_sealed")?,
            })
        })
        .collect()
}

/// Tokens of the first `last` that left the line.
pub async fn left_count(tx: &mut Tx, game: GameId, last: i64) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) AS n FROM queue_tokens WHERE game_id = $1 AND sequence <= $2 AND state = 5";
    tx.fetch_one(sql, args![game.0, last]).await?.int("n")
}

/// Fixes the entrants, given as their JSON text. False: they were fixed before.
pub async fn close(tx: &mut Tx, game: GameId, fixed: &Fixed, entrants: String) -> Result<bool, StoreError> {
    let sql = "UPDATE draws SET state = 2, entrant_count = $2, merkle_root = $3, closed_at = $4
               WHERE game_id = $1 AND state = 1";
    if tx.execute(sql, args![game.0, fixed.count, &fixed.merkle_root, fixed.at]).await? == 0 {
        return Ok(false);
    }
    tx.execute("INSERT INTO draw_entrants (game_id, entrants) VALUES ($1, $2)", args![game.0, entrants]).await?;
    Ok(true)
}

pub async fn count_dry_run(tx: &mut Tx, game: GameId) -> Result<(), StoreError> {
    tx.execute("UPDATE draws SET dry_runs = dry_runs + 1 WHERE game_id = $1", args![game.0]).await?;
    Ok(())
}

/// Stores the result; `sequences` is the line's whole order as its JSON text. False: it was drawn before, or is not
/// closed.
pub async fn reveal(tx: &mut Tx, game: GameId, revealed: &Revealed, sequences: String) -> Result<bool, StoreError> {
    let sql = "UPDATE draws SET state = 3, public_value = $2, secret = $3, winners = $4, drawn_at = $5
               WHERE game_id = $1 AND state = 2";
    let values = args![game.0, &revealed.public_value, &revealed.secret, revealed.winners, revealed.at];
    if tx.execute(sql, values).await? == 0 {
        return Ok(false);
    }
    tx.execute("INSERT INTO line_orders (game_id, sequences) VALUES ($1, $2)", args![game.0, sequences]).await?;
    Ok(true)
}

/// The fixed entrants; none before closing.
pub async fn entrants(db: &Db, game: GameId) -> Result<Option<String>, StoreError> {
    let row = db.fetch_optional("SELECT entrants FROM draw_entrants WHERE game_id = $1", args![game.0]).await?;
    row.map(|row| row.text("entrants")).transpose()
}

/// The line's drawn order; none before the draw.
pub async fn order(db: &Db, game: GameId) -> Result<Option<String>, StoreError> {
    let row = db.fetch_optional("SELECT sequences FROM line_orders WHERE game_id = $1", args![game.0]).await?;
    row.map(|row| row.text("sequences")).transpose()
}

/// Reads what `entrants` answered; slow for a large draw.
pub fn parse_entrants(text: &str) -> Result<Vec<Entrant>, StoreError> {
    json(text)
}

/// Reads what `order` answered; slow for a large draw.
pub fn parse_order(text: &str) -> Result<Vec<u32>, StoreError> {
    json(text)
}
