//! Registrations: one player in one game, inside an order, with the order's own sealed copy of the player's fields.

use actors::domain::ids::{AccountId, CompetitionId, GameId, OrderId, PlayerId, RegistrationId};

use super::db::{Db, Row, StoreError, Tx};
use crate::args;

/// A registration as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub id: RegistrationId,
    pub order: OrderId,
    pub game: GameId,
    pub account: AccountId,
    pub player: PlayerId,
    pub player_sealed: String,
    /// How often the certificate was corrected.
    pub certificate_corrections: i64,
    /// Its order waits for its payment, is paid, or is being refunded, and it was not given back.
    pub live: bool,
    /// Whether its own money is on its way back (false) or back (true); none: it was not asked back by itself.
    pub refunded: Option<bool>,
}

macro_rules! columns {
    () => {
        "id, order_id, game_id, account_id, player_id, player_sealed, certificate_corrections, live, \
         (SELECT f.state FROM refunds f WHERE f.registration_id = registrations.id AND f.registration_id <> 0) AS refund_state"
    };
}

fn from_row(row: &Row) -> Result<Registration, StoreError> {
    Ok(Registration {
        id: RegistrationId(row.int("id")?),
        order: OrderId(row.int("order_id")?),
        game: GameId(row.int("game_id")?),
        account: AccountId(row.int("account_id")?),
        player: PlayerId(row.int("player_id")?),
        player_sealed: row.text("player_sealed")?,
        certificate_corrections: row.int("certificate_corrections")?,
        live: row.flag("live")?,
        refunded: row.opt_int("refund_state")?.map(|state| state == 2),
    })
}

const ONE: &str = concat!("SELECT ", columns!(), " FROM registrations WHERE id = $1");

pub async fn one(db: &Db, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
    db.fetch_optional(ONE, args![id.0]).await?.as_ref().map(from_row).transpose()
}

const LOCK: &str = concat!("UPDATE registrations SET live = live WHERE id = $1 RETURNING ", columns!());

/// The registration under its row's lock. Who changes its certificate holds the game's lock before.
pub async fn lock(tx: &mut Tx, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
    tx.fetch_optional(LOCK, args![id.0]).await?.as_ref().map(from_row).transpose()
}

const OF_ORDER: &str = concat!("SELECT ", columns!(), " FROM registrations WHERE order_id = $1 ORDER BY id");

/// All registrations of an order, also those that are over.
pub async fn of_order(db: &Db, order: OrderId) -> Result<Vec<Registration>, StoreError> {
    db.fetch_all(OF_ORDER, args![order.0]).await?.iter().map(from_row).collect()
}

const SET_PLAYER: &str = "UPDATE registrations SET player_sealed = $2 WHERE id = $1";

/// Only under `lock`.
pub async fn set_player(tx: &mut Tx, id: RegistrationId, sealed: &str) -> Result<(), StoreError> {
    tx.execute(SET_PLAYER, args![id.0, sealed]).await.map(drop)
}

const INSERT_PLAYER: &str = "
INSERT INTO players (certificate_key, created_at) VALUES ($1, $2) ON CONFLICT (certificate_key) DO NOTHING";

const CORRECT: &str = "
UPDATE registrations
SET player_sealed = $2, certificate_key = $3, player_id = (SELECT id FROM players WHERE certificate_key = $3),
    certificate_corrections = certificate_corrections + 1
WHERE id = $1";

/// Gives a registration another certificate and so another person. Only under `quota::lock` and `lock`.
///
/// Errors: a unique violation when that person is registered in the game; a check violation at the second correction.
pub async fn correct_certificate(
    tx: &mut Tx,
    id: RegistrationId,
    sealed: &str,
    certificate_key: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(INSERT_PLAYER, args![certificate_key, now_ms]).await?;
    tx.execute(CORRECT, args![id.0, sealed, certificate_key]).await.map(drop)
}

const CHANGE_DEADLINE: &str = "
SELECT COALESCE(c.change_deadline, g.start_time) AS at
FROM games g JOIN competitions c ON c.id = g.competition_id WHERE g.id = $1";

/// Until when the registrations of a game may be changed.
pub async fn change_deadline(tx: &mut Tx, game: GameId) -> Result<i64, StoreError> {
    tx.fetch_one(CHANGE_DEADLINE, args![game.0]).await?.int("at")
}

/// How many players of a game there are. Orders that are being refunded count as paid until the money is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameState {
    pub game: GameId,
    pub name: String,
    pub paid: i64,
    pub unpaid: i64,
}

/// Games of one competition that are answered at most.
const MOST_GAMES: i64 = 1_000;

const STATE: &str = "
SELECT g.id, g.name, q.sold, q.held FROM games g JOIN game_queue q ON q.game_id = g.id
WHERE g.competition_id = $1 AND g.deleted_at IS NULL ORDER BY g.id LIMIT $2";

/// The games of a competition by id. A place is a player, so the numbers are those of the places.
pub async fn state_of(db: &Db, competition: CompetitionId) -> Result<Vec<GameState>, StoreError> {
    db.fetch_all(STATE, args![competition.0, MOST_GAMES])
        .await?
        .iter()
        .map(|row| {
            Ok(GameState {
                game: GameId(row.int("id")?),
                name: row.text("name")?,
                paid: row.int("sold")?,
                unpaid: row.int("held")?,
            })
        })
        .collect()
}
