//! Players for administrators: persons by their certificate, each with what the registrations say about them. What a
//! player is called lies sealed in the registrations only.

use std::sync::LazyLock;

use serde::Serialize;

use super::super::db::{BatchSql, ColumnKind, Db, Row, StoreError, json_rows};
use super::Page;
use super::wire::Time;
use crate::args;

/// Registrations of one player that are told.
const MOST_REGISTRATIONS: i64 = 100;

#[derive(Debug, Clone)]
pub struct PlayerRow {
    pub id: i64,
    pub created_at: i64,
    /// The player of each registration that is not over, sealed, oldest first.
    pub live: Vec<String>,
}

/// A registration of a player, also one that is over.
#[derive(Debug, Clone, Serialize)]
pub struct RegistrationRow {
    pub id: i64,
    pub order_no: String,
    pub competition_id: i64,
    pub game_id: i64,
    pub game_name: String,
    pub account_id: i64,
    /// 1: not over.
    pub live: i64,
    pub create_time: Time,
    #[serde(skip)]
    pub player_sealed: String,
}

#[derive(Serialize)]
struct PlayerId {
    id: i64,
}

#[derive(Serialize)]
struct KeyRow<'a> {
    k: &'a str,
}

fn row(row: &Row) -> Result<PlayerRow, StoreError> {
    Ok(PlayerRow { id: row.int("id")?, created_at: row.int("created_at")?, live: Vec::new() })
}

/// By game, because the index of live certificates begins with it.
static LIVE: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT p.id AS player, g.player_sealed FROM {rows} JOIN players p ON p.id = r.id CROSS JOIN games m
         JOIN registrations g ON g.game_id = m.id AND g.certificate_key = p.certificate_key AND g.live = 1
         ORDER BY g.id",
        &[("id", ColumnKind::Int)],
    )
});

static BY_KEY: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT p.id, p.created_at FROM {rows} JOIN players p ON p.certificate_key = r.k ORDER BY p.id DESC",
        &[("k", ColumnKind::Text)],
    )
});

async fn with_live(db: &Db, mut players: Vec<PlayerRow>) -> Result<Vec<PlayerRow>, StoreError> {
    let ids: Vec<PlayerId> = players.iter().map(|player| PlayerId { id: player.id }).collect();
    for found in db.fetch_all(LIVE.text(db.dialect()), args![json_rows(&ids)?]).await? {
        let id = found.int("player")?;
        if let Some(player) = players.iter_mut().find(|player| player.id == id) {
            player.live.push(found.text("player_sealed")?);
        }
    }
    Ok(players)
}

/// Newest first.
pub async fn page(db: &Db, limit: i64, offset: i64) -> Result<Page<PlayerRow>, StoreError> {
    let sql = "SELECT id, created_at FROM players ORDER BY id DESC LIMIT $1 OFFSET $2";
    let rows = db.fetch_all(sql, args![limit, offset]).await?;
    let rows = with_live(db, rows.iter().map(row).collect::<Result<_, _>>()?).await?;
    let total = db.fetch_one("SELECT COUNT(*) AS total FROM players", args![]).await?.int("total")?;
    Ok(Page { total, rows })
}

/// The players with one of these certificates' keyed hashes.
pub async fn by_keys(db: &Db, keys: &[String]) -> Result<Vec<PlayerRow>, StoreError> {
    let keys: Vec<KeyRow<'_>> = keys.iter().map(|key| KeyRow { k: key }).collect();
    let rows = db.fetch_all(BY_KEY.text(db.dialect()), args![json_rows(&keys)?]).await?;
    with_live(db, rows.iter().map(row).collect::<Result<_, _>>()?).await
}

pub async fn one(db: &Db, id: i64) -> Result<Option<PlayerRow>, StoreError> {
    let found = db.fetch_optional("SELECT id, created_at FROM players WHERE id = $1", args![id]).await?;
    let players = with_live(db, found.iter().map(row).collect::<Result<_, _>>()?).await?;
    Ok(players.into_iter().next())
}

/// Newest first, a hundred at the most. Reads all registrations: an index for what is looked at one by one would be paid
/// for by every registration.
pub async fn registrations_of(db: &Db, player: i64) -> Result<Vec<RegistrationRow>, StoreError> {
    let sql =
        "SELECT r.id, r.competition_id, r.game_id, r.account_id, r.live, r.created_at, r.player_sealed, o.order_no,
                   g.name
               FROM registrations r JOIN orders o ON o.id = r.order_id JOIN games g ON g.id = r.game_id
               WHERE r.player_id = $1 ORDER BY r.id DESC LIMIT $2";
    let read = |row: &Row| {
        Ok(RegistrationRow {
            id: row.int("id")?,
            order_no: row.text("order_no")?,
            competition_id: row.int("competition_id")?,
            game_id: row.int("game_id")?,
            game_name: row.text("name")?,
            account_id: row.int("account_id")?,
            live: row.int("live")?,
            create_time: Time(row.int("created_at")?),
            player_sealed: row.text("player_sealed")?,
        })
    };
    db.fetch_all(sql, args![player, MOST_REGISTRATIONS]).await?.iter().map(read).collect()
}
