//! Games for administrators, each with the places of its line.

use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::QueueState;
use actors::quota_queue::state::Quota;
use serde::{Deserialize, Serialize};

use super::super::db::Tx;
use super::super::games::fen;
use super::super::quota;
use super::record;
use super::wire::{Time, Yuan, given};
use crate::args;

#[derive(Debug, Clone, Serialize)]
pub struct GameRecord {
    pub id: i64,
    pub competition_id: i64,
    pub name: String,
    pub price: Yuan,
    /// Places; 0 = unlimited.
    pub limitation: i64,
    pub balance: i64,
    pub sold: i64,
    pub held: i64,
    /// `closed`, `open` or `paused`.
    pub queue_state: &'static str,
    pub gender_req: i64,
    pub min_age_req: i64,
    pub max_age_req: i64,
    pub start_time: Time,
    pub end_time: Option<Time>,
    pub create_time: Time,
}

record!(
    GameRecord,
    "g.id",
    "g.id, g.competition_id, g.name, g.price_fen, g.gender_req, g.min_age_req, g.max_age_req, g.start_time, g.end_time, \
     g.created_at, q.limitation, q.balance, q.sold, q.held, q.state",
    "games g JOIN game_queue q ON q.game_id = g.id",
    "g.deleted_at IS NULL",
    "LOWER(g.name) LIKE $1 ESCAPE '\\'",
    |row| Ok(GameRecord {
        id: row.int("id")?,
        competition_id: row.int("competition_id")?,
        name: row.text("name")?,
        price: Yuan(fen(row, "price_fen")?),
        limitation: row.int("limitation")?,
        balance: row.int("balance")?,
        sold: row.int("sold")?,
        held: row.int("held")?,
        queue_state: match row.int("state")? {
            0 => "closed",
            1 => "open",
            _ => "paused",
        },
        gender_req: row.int("gender_req")?,
        min_age_req: row.int("min_age_req")?,
        max_age_req: row.int("max_age_req")?,
        start_time: Time(row.int("start_time")?),
        end_time: row.opt_int("end_time")?.map(Time),
        create_time: Time(row.int("created_at")?),
    })
);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGame {
    pub competition_id: i64,
    pub name: String,
    pub price: Yuan,
    /// Required, though None here, so that the refusal can say what 0 means.
    pub limitation: Option<i64>,
    #[serde(default)]
    pub gender_req: i64,
    #[serde(default)]
    pub min_age_req: i64,
    #[serde(default)]
    pub max_age_req: i64,
    pub start_time: Time,
    pub end_time: Option<Time>,
}

/// Places are not in here: they are set through the line, under its lock.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GamePatch {
    pub name: Option<String>,
    pub price: Option<Yuan>,
    pub gender_req: Option<i64>,
    pub min_age_req: Option<i64>,
    pub max_age_req: Option<i64>,
    pub start_time: Option<Time>,
    #[serde(deserialize_with = "given")]
    pub end_time: Option<Option<Time>>,
}

/// The game and its line. Errors: `NotFound(Competition)`, `Conflict` on the name.
pub async fn insert(tx: &mut Tx, new: &NewGame, limitation: i64, now: i64) -> Result<i64> {
    let sql = "SELECT 1 AS one FROM competitions WHERE id = $1 AND deleted_at IS NULL";
    if tx.fetch_optional(sql, args![new.competition_id]).await?.is_none() {
        return Err(DomainError::NotFound(Entity::Competition));
    }
    let sql = "INSERT INTO games (competition_id, name, price_fen, gender_req, min_age_req, max_age_req, start_time, \
               end_time, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
               ON CONFLICT (competition_id, name) DO NOTHING RETURNING id";
    let args = args![
        new.competition_id,
        &new.name,
        new.price.0.get(),
        new.gender_req,
        new.min_age_req,
        new.max_age_req,
        new.start_time.0,
        new.end_time.map(|time| time.0),
        now,
    ];
    let row = tx.fetch_optional(sql, args).await?.ok_or(DomainError::Conflict { field: "name".into() })?;
    let id = row.int("id")?;
    let sql = "INSERT INTO game_queue (game_id, limitation, balance) VALUES ($1, $2, $2)";
    tx.execute(sql, args![id, limitation]).await?;
    Ok(id)
}

/// Takes the row's lock. False when there is no such game.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<bool> {
    let sql = "UPDATE games SET name = name WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.execute(sql, args![id]).await? == 1)
}

/// Writes all columns that a patch may change. Errors: `Conflict` on the name.
pub async fn update(tx: &mut Tx, game: &GameRecord) -> Result<()> {
    let sql = "UPDATE games SET name = $2, price_fen = $3, gender_req = $4, min_age_req = $5, max_age_req = $6, \
               start_time = $7, end_time = $8 WHERE id = $1";
    let args = args![
        game.id,
        &game.name,
        game.price.0.get(),
        game.gender_req,
        game.min_age_req,
        game.max_age_req,
        game.start_time.0,
        game.end_time.map(|time| time.0),
    ];
    match tx.execute(sql, args).await {
        Err(error) if error.is_unique_violation() => Err(DomainError::Conflict { field: "name".into() }),
        outcome => Ok(outcome.map(drop)?),
    }
}

/// Closes the line for good and hides the game. Errors: `InUse` while somebody waits, holds or owns a place.
pub async fn delete(tx: &mut Tx, id: i64, now: i64) -> Result<()> {
    let game = GameId(id);
    let mut line = quota::lock(tx, game).await?;
    let Quota { sold, held, .. } = line.quota;
    if sold + held > 0 {
        let text =
            format!("the game has orders: {sold} places are paid and {held} held; they must be given back first");
        return Err(DomainError::InUse(text.into()));
    }
    if line.tail > line.head || line.wait_listed > 0 {
        return Err(DomainError::InUse("somebody waits in the game's line: close it first".into()));
    }
    line.state = QueueState::Closed;
    quota::commit(tx, game, &mut line, now, &[Event::StateSet { state: QueueState::Closed.code() }]).await?;
    tx.execute("UPDATE games SET deleted_at = $2 WHERE id = $1", args![id, now]).await?;
    Ok(())
}
