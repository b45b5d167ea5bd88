//! Registrations as files carry them: read in pages for an export, and written as paid orders by an import.

use std::sync::LazyLock;

use actors::domain::ids::GameId;
use actors::domain::order::OrderStatus;
use serde::Serialize;

use super::db::{BatchSql, ColumnKind, Db, StoreError, Tx, json_rows};
use super::payments::OFFLINE;
use crate::args;

/// The sign-in name of the account that owns imported orders without an owner. It is disabled: nobody signs in with it.
/// No dialect takes a name with a blank in it, so nobody can register this one.
pub const HOUSE: &str = "matchday offline registrations";
/// `pay_way` of what was not paid through a provider.
const PAY_WAY_OTHER: i64 = 4;
/// Rows of a page and of a statement.
const PAGE: i64 = 500;
const BATCH: usize = 1_000;

/// A live registration with its order.
pub struct Exported {
    pub id: i64,
    pub order_no: String,
    pub user: i64,
    pub status: OrderStatus,
    /// Its own money is on its way back; the order keeps the rest.
    pub refunding: bool,
    /// Milliseconds since 1970.
    pub paid_at: Option<i64>,
    pub player_sealed: String,
}

/// The next live registrations of a game, by their ids. The sign keeps the databases from the index of certificates,
/// which would be sorted for every page.
const NEXT: &str = "
SELECT r.id, r.account_id, r.player_sealed, o.order_no, o.status, o.paid_at,
       (SELECT f.state FROM refunds f WHERE f.registration_id = r.id AND f.registration_id <> 0) AS refund_state
FROM registrations r JOIN orders o ON o.id = r.order_id
WHERE r.id > $2 AND +r.game_id = $1 AND +r.live = 1 ORDER BY r.id LIMIT $3";

pub async fn page(db: &Db, game: GameId, after: i64) -> Result<Vec<Exported>, StoreError> {
    let rows = db.fetch_all(NEXT, args![game.0, after, PAGE]).await?;
    rows.iter()
        .map(|row| {
            let status = row.int("status")?;
            Ok(Exported {
                id: row.int("id")?,
                order_no: row.text("order_no")?,
                user: row.int("account_id")?,
                status: OrderStatus::from_code(status)
                    .ok_or_else(|| StoreError::Corrupt(format!("order status {status}")))?,
                refunding: row.opt_int("refund_state")?.is_some(),
                paid_at: row.opt_int("paid_at")?,
                player_sealed: row.text("player_sealed")?,
            })
        })
        .collect()
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub id: i64,
    pub orders: i64,
    pub places: i64,
    pub total_fen: i64,
}

/// The import of this file into this game, if there was one.
pub async fn known(tx: &mut Tx, game: GameId, file_key: &str) -> Result<Option<Import>, StoreError> {
    let sql = "SELECT id, orders, places, total_fen FROM imports WHERE game_id = $1 AND file_key = $2";
    let row = tx.fetch_optional(sql, args![game.0, file_key]).await?;
    row.map(|row| {
        Ok(Import {
            id: row.int("id")?,
            orders: row.int("orders")?,
            places: row.int("places")?,
            total_fen: row.int("total_fen")?,
        })
    })
    .transpose()
}

/// Only under the game's lock.
pub async fn begin(
    tx: &mut Tx,
    game: GameId,
    file_key: &str,
    orders: usize,
    places: i64,
    now: i64,
) -> Result<Import, StoreError> {
    let sql = "INSERT INTO imports (game_id, file_key, orders, places, total_fen, created_at)
               SELECT id, $2, $3, $4, price_fen * $4, $5 FROM games WHERE id = $1 RETURNING id, total_fen";
    let orders = i64::try_from(orders).unwrap_or(i64::MAX);
    let row = tx.fetch_one(sql, args![game.0, file_key, orders, places, now]).await?;
    Ok(Import { id: row.int("id")?, orders, places, total_fen: row.int("total_fen")? })
}

/// The account of orders without an owner, made at its first use.
pub async fn house_account(tx: &mut Tx, now: i64) -> Result<i64, StoreError> {
    let sql = "INSERT INTO accounts (login_name, username, status, register_time) VALUES ($1, '线下报名', 0, $2)
               ON CONFLICT (login_name) DO NOTHING";
    tx.execute(sql, args![HOUSE, now]).await?;
    tx.fetch_one("SELECT id FROM accounts WHERE login_name = $1", args![HOUSE]).await?.int("id")
}

/// An account that a file names.
#[derive(Serialize)]
pub struct UserRow {
    pub id: i64,
}

static ENABLED: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new("SELECT a.id FROM {rows} JOIN accounts a ON a.id = r.id AND a.status = 1", &[("id", ColumnKind::Int)])
});

/// Those of `users` that are there and enabled.
pub async fn enabled_users(tx: &mut Tx, users: &[UserRow]) -> Result<Vec<i64>, StoreError> {
    let mut enabled = Vec::new();
    for batch in users.chunks(BATCH) {
        for row in tx.fetch_all(ENABLED.text(tx.dialect()), vec![json_rows(batch)?]).await? {
            enabled.push(row.int("id")?);
        }
    }
    Ok(enabled)
}

/// One player of an imported order.
#[derive(Debug, Clone, Serialize)]
pub struct PlayerRow {
    pub game: i64,
    pub order_no: String,
    /// Keyed hash of the certificate.
    pub k: String,
    /// The player, sealed.
    pub s: String,
    /// Registrations are numbered in the order of the file.
    pub line: u64,
}

const PLAYER: &[(&str, ColumnKind)] = &[
    ("game", ColumnKind::Int),
    ("order_no", ColumnKind::Text),
    ("k", ColumnKind::Text),
    ("s", ColumnKind::Text),
    ("line", ColumnKind::Int),
];

static TAKEN: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT g.certificate_key FROM {rows}
         JOIN registrations g ON g.certificate_key = r.k AND g.game_id = r.game AND g.live = 1",
        PLAYER,
    )
});

/// The keys of those who are registered in the game already. Only under the game's lock.
pub async fn taken(tx: &mut Tx, players: &[PlayerRow]) -> Result<Vec<String>, StoreError> {
    let mut taken = Vec::new();
    for batch in players.chunks(BATCH) {
        for row in tx.fetch_all(TAKEN.text(tx.dialect()), vec![json_rows(batch)?]).await? {
            taken.push(row.text("certificate_key")?);
        }
    }
    Ok(taken)
}

#[derive(Debug, Clone, Serialize)]
pub struct OrderRow {
    pub order_no: String,
    pub account: i64,
    pub places: i64,
    pub transaction_id: String,
}

const ORDER: &[(&str, ColumnKind)] = &[
    ("order_no", ColumnKind::Text),
    ("account", ColumnKind::Int),
    ("places", ColumnKind::Int),
    ("transaction_id", ColumnKind::Text),
];

static INSERT_ORDERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO orders (order_no, account_id, kind, game_id, name, item_count, price_fen, total_fen, currency_type,
                             status, created_at, expires_at, paid_at, pay_way, pay_amount_fen, transaction_id,
                             phone_sealed)
         SELECT r.order_no, r.account, 0, g.id, c.title || ' ' || g.name, r.places, g.price_fen, g.price_fen * r.places,
                g.currency_type, $4, $3, $3, $3, $5, g.price_fen * r.places, r.transaction_id,
                COALESCE(a.mobile_sealed, '')
         FROM {rows} JOIN games g ON g.id = $2 JOIN competitions c ON c.id = g.competition_id
         JOIN accounts a ON a.id = r.account",
        ORDER,
    )
});

static INSERT_PAYMENTS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO payments (order_id, provider, transaction_id, amount_fen, state, received_at)
         SELECT o.id, $3, r.transaction_id, o.total_fen, 1, $2 FROM {rows} JOIN orders o ON o.order_no = r.order_no",
        ORDER,
    )
});

/// Money that was taken offline is booked like any other.
static INSERT_TRANSFERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO journal (at, kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id)
         SELECT $2, 'payment', 'cash', 'sales', o.total_fen, o.id, $3, r.transaction_id
         FROM {rows} JOIN orders o ON o.order_no = r.order_no WHERE o.total_fen > 0",
        ORDER,
    )
});

static INSERT_PLAYERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO players (certificate_key, created_at) SELECT r.k, $2 FROM {rows} WHERE true ORDER BY r.k
         ON CONFLICT (certificate_key) DO NOTHING",
        PLAYER,
    )
});

static INSERT_REGISTRATIONS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO registrations (order_id, game_id, competition_id, player_id, account_id, certificate_key,
                                    player_sealed, created_at)
         SELECT o.id, o.game_id, g.competition_id, p.id, o.account_id, r.k, r.s, $2
         FROM {rows} JOIN orders o ON o.order_no = r.order_no JOIN games g ON g.id = o.game_id
         JOIN players p ON p.certificate_key = r.k ORDER BY r.line",
        PLAYER,
    )
});

/// Writes paid orders with their registrations and payments. The places were taken under the game's lock before.
/// Answers how many rows of each were written: orders, payments, registrations.
pub async fn insert(
    tx: &mut Tx,
    game: GameId,
    orders: &[OrderRow],
    players: &[PlayerRow],
    now: i64,
) -> Result<[u64; 3], StoreError> {
    let dialect = tx.dialect();
    let mut written = [0; 3];
    for batch in orders.chunks(BATCH) {
        let rows = json_rows(batch)?;
        let paid = OrderStatus::Paid.code();
        let values = vec![rows.clone(), game.0.into(), now.into(), paid.into(), PAY_WAY_OTHER.into()];
        written[0] += tx.execute(INSERT_ORDERS.text(dialect), values).await?;
        let values = vec![rows, now.into(), OFFLINE.into()];
        written[1] += tx.execute(INSERT_PAYMENTS.text(dialect), values.clone()).await?;
        tx.execute(INSERT_TRANSFERS.text(dialect), values).await?;
    }
    for batch in players.chunks(BATCH) {
        let rows = json_rows(batch)?;
        tx.execute(INSERT_PLAYERS.text(dialect), vec![rows.clone(), now.into()]).await?;
        written[2] += tx.execute(INSERT_REGISTRATIONS.text(dialect), vec![rows, now.into()]).await?;
    }
    Ok(written)
}
