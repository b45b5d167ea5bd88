//! Reads of games and of the registrations in them.

use actors::domain::game::Game;
use actors::domain::ids::{AccountId, CompetitionId, GameId, OrderId};
use actors::domain::money::Fen;
use actors::domain::order::{OrderNo, OrderStatus};
use actors::error::{DomainError, Result};

use super::db::{Db, Row, StoreError, Tx};
use crate::args;

/// Games kept in memory; an instance with more reads the rest one by one.
const MOST_GAMES: i64 = 10_000;

macro_rules! select_game {
    ($rest:literal) => {
        concat!(
            "SELECT g.id, g.competition_id, c.title, g.name, g.price_fen, g.gender_req, g.min_age_req, g.max_age_req,
                    g.start_time, c.registration_open_at, c.registration_close_at
             FROM games g JOIN competitions c ON c.id = g.competition_id
             WHERE g.deleted_at IS NULL AND c.deleted_at IS NULL AND c.valid_state = 1 ",
            $rest
        )
    };
}

pub async fn game(db: &Db, id: GameId) -> Result<Option<Game>> {
    let row = db.fetch_optional(select_game!("AND g.id = $1"), args![id.0]).await?;
    Ok(row.map(|row| from_row(&row)).transpose()?)
}

pub async fn all(db: &Db) -> Result<Vec<Game>> {
    let rows = db.fetch_all(select_game!("ORDER BY g.id LIMIT $1"), args![MOST_GAMES]).await?;
    Ok(rows.iter().map(from_row).collect::<Result<_, _>>()?)
}

fn from_row(row: &Row) -> Result<Game, StoreError> {
    Ok(Game {
        id: GameId(row.int("id")?),
        competition: CompetitionId(row.int("competition_id")?),
        competition_title: row.text("title")?,
        name: row.text("name")?,
        price: fen(row, "price_fen")?,
        gender_req: row.int("gender_req")?,
        min_age_req: row.int("min_age_req")?,
        max_age_req: row.int("max_age_req")?,
        start_time: row.int("start_time")?,
        registration_open_at: row.opt_int("registration_open_at")?,
        registration_close_at: row.opt_int("registration_close_at")?,
    })
}

pub fn fen(row: &Row, column: &str) -> Result<Fen, StoreError> {
    let value = row.int(column)?;
    Fen::new(value).ok_or_else(|| StoreError::Corrupt(format!("{column} {value}")))
}

/// Whether there is such a game, hidden or not.
pub async fn game_exists(db: &Db, id: GameId) -> Result<bool> {
    Ok(db.fetch_optional(GAME_EXISTS, args![id.0]).await?.is_some())
}

/// As `game_exists`, inside a transaction.
pub async fn game_exists_in(tx: &mut Tx, id: GameId) -> Result<bool> {
    Ok(tx.fetch_optional(GAME_EXISTS, args![id.0]).await?.is_some())
}

const GAME_EXISTS: &str = "SELECT id FROM games WHERE id = $1 AND deleted_at IS NULL";

pub async fn competition_exists(db: &Db, id: CompetitionId) -> Result<bool> {
    let sql = "SELECT id FROM competitions WHERE id = $1 AND deleted_at IS NULL";
    Ok(db.fetch_optional(sql, args![id.0]).await?.is_some())
}

/// A race order as registrants see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaceOrder {
    pub order_no: OrderNo,
    pub game: GameId,
    pub game_name: String,
    pub competition: CompetitionId,
    pub competition_title: String,
    pub status: OrderStatus,
    pub total: Fen,
    /// What came back of it: registrations, and their money.
    pub refunded_count: i64,
    pub refunded: Fen,
    pub currency_type: i64,
    pub created_at: i64,
    pub expires_at: i64,
    pub paid_at: Option<i64>,
}

macro_rules! select_order {
    ($rest:literal) => {
        concat!(
            "SELECT o.order_no, o.status, o.total_fen, o.refunded_count, o.refunded_fen, o.currency_type, o.created_at,
                    o.expires_at, o.paid_at,
                    g.id AS game_id, g.name AS game_name, c.id AS competition_id, c.title AS competition_title
             FROM orders o JOIN games g ON g.id = o.game_id JOIN competitions c ON c.id = g.competition_id ",
            $rest
        )
    };
}

fn order_from_row(row: &Row) -> Result<RaceOrder, StoreError> {
    let (number, status) = (row.text("order_no")?, row.int("status")?);
    Ok(RaceOrder {
        order_no: OrderNo::parse(&number).ok_or_else(|| StoreError::Corrupt("order number".to_owned()))?,
        game: GameId(row.int("game_id")?),
        game_name: row.text("game_name")?,
        competition: CompetitionId(row.int("competition_id")?),
        competition_title: row.text("competition_title")?,
        status: OrderStatus::from_code(status).ok_or_else(|| StoreError::Corrupt(format!("order status {status}")))?,
        total: fen(row, "total_fen")?,
        refunded_count: row.int("refunded_count")?,
        refunded: fen(row, "refunded_fen")?,
        currency_type: row.int("currency_type")?,
        created_at: row.int("created_at")?,
        expires_at: row.int("expires_at")?,
        paid_at: row.opt_int("paid_at")?,
    })
}

/// An account's race orders, newest first.
pub async fn orders_of(db: &Db, account: AccountId, offset: i64, limit: i64) -> Result<Vec<RaceOrder>> {
    let sql = select_order!("WHERE o.account_id = $1 AND o.kind = 0 ORDER BY o.id DESC LIMIT $2 OFFSET $3");
    let rows = db.fetch_all(sql, args![account.0, limit, offset]).await?;
    Ok(rows.iter().map(order_from_row).collect::<Result<_, _>>()?)
}

pub async fn race_order(db: &Db, id: OrderId) -> Result<Option<RaceOrder>> {
    let row = db.fetch_optional(select_order!("WHERE o.id = $1 AND o.kind = 0"), args![id.0]).await?;
    Ok(row.map(|row| order_from_row(&row)).transpose()?)
}

/// The order of the newest live registration of a certificate in a competition.
pub async fn order_by_certificate(
    db: &Db,
    competition: CompetitionId,
    certificate_key: &str,
) -> Result<Option<RaceOrder>, DomainError> {
    let sql = select_order!(
        "JOIN registrations r ON r.order_id = o.id AND r.game_id = g.id
         WHERE g.competition_id = $2 AND r.certificate_key = $1 AND r.live = 1 ORDER BY r.id DESC LIMIT 1"
    );
    let row = db.fetch_optional(sql, args![certificate_key, competition.0]).await?;
    Ok(row.map(|row| order_from_row(&row)).transpose()?)
}
