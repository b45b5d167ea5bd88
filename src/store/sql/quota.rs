//! The ledger of lines, places, tokens and the orders they become: `QuotaLedger` over SQL. Every change is one
//! transaction that locks the game's row first; the decisions are the pure ones of `quota_queue::state`.

use std::collections::HashMap;
use std::sync::LazyLock;

use actors::domain::ids::{AccountId, GameId};
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::messages::{
    Admitted, EnqueueRequest, Enqueued, QueueRow, QueueState, QuotaLedger, SealedPlayer,
};
use actors::quota_queue::state::{Holder, Outcome, Quota, Waiting, decide, order_tail};
use async_trait::async_trait;
use serde::Serialize;

use super::db::{BatchSql, ColumnKind, Db, Row, StoreError, Tx, json_rows};
use crate::args;

#[derive(Clone)]
pub struct SqlQuotaLedger {
    db: Db,
    payment_window_ms: i64,
}

impl SqlQuotaLedger {
    pub fn new(db: Db, payment_window_seconds: u64) -> Self {
        let payment_window_ms = i64::try_from(payment_window_seconds.saturating_mul(1000)).unwrap_or(i64::MAX / 2);
        Self { db, payment_window_ms }
    }
}

/// Takes the game's lock (on SQLite: the writer's, which is held already) and reads the row under it.
///
/// Errors: `NotFound(Game)`.
pub async fn lock(tx: &mut Tx, game: GameId) -> Result<QueueRow> {
    let sql = "UPDATE game_queue SET version = version + 1 WHERE game_id = $1
               RETURNING version, state, tail, head, limitation, balance, sold, held";
    let row = tx.fetch_optional(sql, args![game.0]).await?.ok_or(DomainError::NotFound(Entity::Game))?;
    Ok(queue_row(&row)?)
}

/// Writes a row that was locked and changed in this transaction. The table's checks refuse an oversell.
pub async fn store(tx: &mut Tx, game: GameId, row: &QueueRow) -> Result<()> {
    let sql =
        "UPDATE game_queue SET state = $2, tail = $3, head = $4, limitation = $5, balance = $6, sold = $7, held = $8
               WHERE game_id = $1";
    let quota = row.quota;
    let values =
        args![game.0, row.state.code(), row.tail, row.head, quota.limitation, quota.balance, quota.sold, quota.held];
    tx.execute(sql, values).await?;
    Ok(())
}

fn queue_row(row: &Row) -> Result<QueueRow, StoreError> {
    let state = row.int("state")?;
    Ok(QueueRow {
        version: row.int("version")?,
        state: QueueState::from_code(state).ok_or_else(|| StoreError::Corrupt(format!("queue state {state}")))?,
        tail: row.int("tail")?,
        head: row.int("head")?,
        quota: Quota {
            limitation: row.int("limitation")?,
            balance: row.int("balance")?,
            sold: row.int("sold")?,
            held: row.int("held")?,
        },
    })
}

fn outcome(row: &Row) -> Result<Option<Outcome>, StoreError> {
    let order_no = row.opt_text("order_no")?.and_then(|text| OrderNo::parse(&text));
    Ok(Outcome::from_stored(row.int("state")?, order_no))
}

/// What a token came to, for those that are no longer in memory. `None` while it waits or when there is no such token.
pub async fn outcome_of(db: &Db, game: GameId, sequence: i64) -> Result<Option<Outcome>> {
    let sql = "SELECT state, order_no FROM queue_tokens WHERE game_id = $1 AND sequence = $2";
    let row = db.fetch_optional(sql, args![game.0, sequence]).await?;
    Ok(row.map(|row| outcome(&row)).transpose()?.flatten())
}

/// The token that the same request got before, while it waits or its order lives.
pub async fn live_token(db: &Db, game: GameId, request_key: &str) -> Result<Option<i64>> {
    let sql = "SELECT sequence FROM queue_tokens WHERE game_id = $1 AND request_key = $2 AND live = 1";
    let row = db.fetch_optional(sql, args![game.0, request_key]).await?;
    Ok(row.map(|row| row.int("sequence")).transpose()?)
}

/// The row as committed last.
pub async fn row(db: &Db, game: GameId) -> Result<QueueRow> {
    let sql = "SELECT version, state, tail, head, limitation, balance, sold, held FROM game_queue WHERE game_id = $1";
    let row = db.fetch_optional(sql, args![game.0]).await?.ok_or(DomainError::NotFound(Entity::Game))?;
    Ok(queue_row(&row)?)
}

/// Games whose actor has something to do: undecided tokens in a line that is not paused, or holds that are due.
pub async fn games_with_work(db: &Db) -> Result<Vec<GameId>> {
    let sql = "SELECT game_id FROM game_queue WHERE tail > head AND state <> 2
               UNION SELECT DISTINCT game_id FROM orders WHERE status = 0 AND kind = 0 AND expires_at <= $1";
    let rows = db.fetch_all(sql, args![db.now_ms()]).await?;
    rows.iter().map(|row| Ok(GameId(row.int("game_id")?))).collect()
}

/// The game comes with every row, although it is one: were it a parameter, SQLite would walk all of the game's rows and
/// look for each among the batch instead of the other way round.
#[derive(Serialize)]
struct KeyRow<'a> {
    game: i64,
    k: &'a str,
}

#[derive(Serialize)]
struct TokenRow<'a> {
    sequence: i64,
    account: i64,
    request_key: &'a str,
    group_size: i64,
    players: String,
}

static LIVE_REQUESTS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT t.request_key, t.sequence FROM {rows} JOIN queue_tokens t
         ON t.request_key = r.k AND t.game_id = r.game AND t.live = 1",
        &[("game", ColumnKind::Int), ("k", ColumnKind::Text)],
    )
});

static INSERT_TOKENS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO queue_tokens (game_id, sequence, account_id, request_key, group_size, players_sealed, created_at)
         SELECT $2, sequence, account, request_key, group_size, players, $3 FROM {rows}",
        &[
            ("sequence", ColumnKind::Int),
            ("account", ColumnKind::Int),
            ("request_key", ColumnKind::Text),
            ("group_size", ColumnKind::Int),
            ("players", ColumnKind::Text),
        ],
    )
});

async fn enqueue(db: &Db, tx: &mut Tx, game: GameId, requests: &[EnqueueRequest]) -> Result<(QueueRow, Vec<Enqueued>)> {
    let mut row = lock(tx, game).await?;
    let keys: Vec<KeyRow<'_>> =
        requests.iter().map(|request| KeyRow { game: game.0, k: &request.request_key }).collect();
    let existing = tx.fetch_all(LIVE_REQUESTS.text(tx.dialect()), args![json_rows(&keys)?]).await?;
    let mut known: HashMap<String, i64> = HashMap::new();
    for found in existing {
        known.insert(found.text("request_key")?, found.int("sequence")?);
    }
    // Nobody behind an empty balance can get a place from it: those that wait can only make it smaller.
    let full = !row.quota.is_unlimited() && row.quota.balance == 0;
    let mut answers = Vec::with_capacity(requests.len());
    let mut tokens = Vec::with_capacity(requests.len());
    for request in requests {
        if let Some(sequence) = known.get(&request.request_key) {
            answers.push(Enqueued::Existing { sequence: *sequence });
        } else if row.state == QueueState::Closed {
            answers.push(Enqueued::Closed);
        } else if full {
            answers.push(Enqueued::Full);
        } else {
            row.tail += 1;
            let players = serde_json::to_string(&request.players).map_err(|_| DomainError::Internal)?;
            tokens.push(TokenRow {
                sequence: row.tail,
                account: request.account.0,
                request_key: &request.request_key,
                group_size: request.players.len() as i64,
                players,
            });
            known.insert(request.request_key.clone(), row.tail);
            answers.push(Enqueued::Waiting { sequence: row.tail });
        }
    }
    if !tokens.is_empty() {
        let now = db.now_in(tx).await?;
        tx.execute(INSERT_TOKENS.text(tx.dialect()), args![json_rows(&tokens)?, game.0, now]).await?;
        tx.execute("UPDATE game_queue SET tail = $2 WHERE game_id = $1", args![game.0, row.tail]).await?;
    }
    Ok((row, answers))
}

static TAKEN: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT g.certificate_key, o.order_no, g.account_id FROM {rows}
         JOIN registrations g ON g.certificate_key = r.k AND g.game_id = r.game AND g.live = 1
         JOIN orders o ON o.id = g.order_id",
        &[("game", ColumnKind::Int), ("k", ColumnKind::Text)],
    )
});

#[derive(Serialize)]
struct OrderRow<'a> {
    order_no: &'a str,
    account: i64,
    places: i64,
}

static INSERT_ORDERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO orders (order_no, account_id, kind, game_id, name, item_count, price_fen, total_fen, currency_type,
                             created_at, expires_at, phone_sealed)
         SELECT r.order_no, r.account, 0, g.id, c.title || ' ' || g.name, r.places, g.price_fen, g.price_fen * r.places,
                g.currency_type, $3, $4, COALESCE(a.mobile_sealed, '')
         FROM {rows} JOIN games g ON g.id = $2 JOIN competitions c ON c.id = g.competition_id
         JOIN accounts a ON a.id = r.account",
        &[("order_no", ColumnKind::Text), ("account", ColumnKind::Int), ("places", ColumnKind::Int)],
    )
});

#[derive(Serialize)]
struct RegistrationRow<'a> {
    order_no: &'a str,
    k: &'a str,
    s: &'a str,
}

static INSERT_PLAYERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO players (certificate_key, created_at) SELECT r.k, $2 FROM {rows} WHERE true
         ON CONFLICT (certificate_key) DO NOTHING",
        &[("k", ColumnKind::Text)],
    )
});

static INSERT_REGISTRATIONS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO registrations (order_id, game_id, competition_id, player_id, account_id, certificate_key,
                                    player_sealed, created_at)
         SELECT o.id, o.game_id, g.competition_id, p.id, o.account_id, r.k, r.s, $2
         FROM {rows} JOIN orders o ON o.order_no = r.order_no JOIN games g ON g.id = o.game_id
         JOIN players p ON p.certificate_key = r.k",
        &[("order_no", ColumnKind::Text), ("k", ColumnKind::Text), ("s", ColumnKind::Text)],
    )
});

#[derive(Serialize)]
struct OutcomeRow<'a> {
    game: i64,
    sequence: i64,
    state: i64,
    order_no: Option<&'a str>,
}

static DECIDE_TOKENS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE queue_tokens SET state = r.state, order_no = r.order_no, decided_at = $2,
                                 live = CASE WHEN r.state = 1 THEN 1 ELSE 0 END
         FROM {rows} WHERE queue_tokens.game_id = r.game AND queue_tokens.sequence = r.sequence",
        &[
            ("game", ColumnKind::Int),
            ("sequence", ColumnKind::Int),
            ("state", ColumnKind::Int),
            ("order_no", ColumnKind::Text),
        ],
    )
});

/// A token as read for admission, with its players as they will be copied into registrations.
struct Read {
    waiting: Waiting,
    players: Vec<SealedPlayer>,
}

async fn next_tokens(tx: &mut Tx, game: GameId, row: &QueueRow, limit: i64) -> Result<Vec<Read>> {
    let sql = "SELECT sequence, account_id, players_sealed FROM queue_tokens
               WHERE game_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence";
    let last = row.tail.min(row.head.saturating_add(limit));
    let mut tokens = Vec::new();
    for token in tx.fetch_all(sql, args![game.0, row.head, last]).await? {
        let players: Vec<SealedPlayer> = serde_json::from_str(&token.text("players_sealed")?).unwrap_or_default();
        let certificates = players.iter().map(|player| player.certificate_key.clone()).collect();
        let waiting =
            Waiting { sequence: token.int("sequence")?, account: AccountId(token.int("account_id")?), certificates };
        tokens.push(Read { waiting, players });
    }
    let contiguous = tokens.iter().zip(row.head + 1..).all(|(token, sequence)| token.waiting.sequence == sequence);
    if !contiguous || tokens.len() as i64 != last - row.head {
        tracing::error!(game = game.0, head = row.head, "a token is missing from the line");
        return Err(DomainError::Internal);
    }
    Ok(tokens)
}

async fn admit(ledger: &SqlQuotaLedger, tx: &mut Tx, game: GameId, limit: i64) -> Result<Admitted> {
    let mut row = lock(tx, game).await?;
    let first = row.head + 1;
    if row.state == QueueState::Paused || row.head == row.tail {
        return Ok(Admitted { row, first, outcomes: Vec::new() });
    }
    let tokens = next_tokens(tx, game, &row, limit).await?;
    let now = ledger.db.now_in(tx).await?;
    let dialect = tx.dialect();

    let keys: Vec<KeyRow<'_>> = tokens
        .iter()
        .flat_map(|token| &token.players)
        .map(|player| KeyRow { game: game.0, k: &player.certificate_key })
        .collect();
    let mut taken = HashMap::new();
    for holder in tx.fetch_all(TAKEN.text(dialect), args![json_rows(&keys)?]).await? {
        let order_no = OrderNo::parse(&holder.text("order_no")?).ok_or(DomainError::Internal)?;
        let account = AccountId(holder.int("account_id")?);
        taken.insert(holder.text("certificate_key")?, Holder { order_no, account });
    }

    let waiting: Vec<Waiting> = tokens.iter().map(|token| token.waiting.clone()).collect();
    let outcomes =
        decide(&mut row.quota, &mut taken, &waiting, |sequence| OrderNo::compose(now, order_tail(game.0, sequence)));
    row.head += tokens.len() as i64;

    let mut orders = Vec::new();
    let mut registrations = Vec::new();
    let mut decided = Vec::with_capacity(tokens.len());
    for (token, outcome) in tokens.iter().zip(&outcomes) {
        let order_no = outcome.order_no().map(OrderNo::as_str);
        if let (Outcome::Ordered(_), Some(order_no)) = (outcome, order_no) {
            let places = token.players.len() as i64;
            orders.push(OrderRow { order_no, account: token.waiting.account.0, places });
            registrations.extend(token.players.iter().map(|player| RegistrationRow {
                order_no,
                k: &player.certificate_key,
                s: &player.sealed,
            }));
        }
        decided.push(OutcomeRow { game: game.0, sequence: token.waiting.sequence, state: outcome.code(), order_no });
    }
    if !orders.is_empty() {
        let expires = now.saturating_add(ledger.payment_window_ms);
        tx.execute(INSERT_ORDERS.text(dialect), args![json_rows(&orders)?, game.0, now, expires]).await?;
        let rows = json_rows(&registrations)?;
        tx.execute(INSERT_PLAYERS.text(dialect), vec![rows.clone(), now.into()]).await?;
        let inserted = tx.execute(INSERT_REGISTRATIONS.text(dialect), vec![rows, now.into()]).await?;
        if inserted != registrations.len() as u64 {
            tracing::error!(game = game.0, inserted, expected = registrations.len(), "registrations are missing");
            return Err(DomainError::Internal);
        }
    }
    tx.execute(DECIDE_TOKENS.text(dialect), args![json_rows(&decided)?, now]).await?;
    store(tx, game, &row).await?;
    Ok(Admitted { row, first, outcomes })
}

async fn give_up_next(db: &Db, tx: &mut Tx, game: GameId) -> Result<Admitted> {
    let mut row = lock(tx, game).await?;
    let first = row.head + 1;
    if row.head == row.tail {
        return Ok(Admitted { row, first, outcomes: Vec::new() });
    }
    let now = db.now_in(tx).await?;
    let sql = "UPDATE queue_tokens SET state = 3, live = 0, decided_at = $3 WHERE game_id = $1 AND sequence = $2";
    tx.execute(sql, args![game.0, first, now]).await?;
    row.head = first;
    store(tx, game, &row).await?;
    Ok(Admitted { row, first, outcomes: vec![Outcome::Failed] })
}

async fn release_due(db: &Db, tx: &mut Tx, game: GameId, limit: i64) -> Result<(QueueRow, u64)> {
    let mut row = lock(tx, game).await?;
    let now = db.now_in(tx).await?;
    let sql = "UPDATE orders SET status = 2, cancelled_at = $2, version = version + 1 WHERE id IN (
                   SELECT id FROM orders WHERE game_id = $1 AND status = 0 AND kind = 0 AND expires_at <= $2
                   ORDER BY expires_at, id LIMIT $3)
               AND status = 0 RETURNING id, item_count";
    let released = tx.fetch_all(sql, args![game.0, now, limit]).await?;
    let mut orders = Vec::with_capacity(released.len());
    for order in &released {
        row.quota.give_back_held(order.int("item_count")?);
        orders.push(OrderKey { id: order.int("id")? });
    }
    if !orders.is_empty() {
        end_registrations(tx, &orders).await?;
        store(tx, game, &row).await?;
    }
    Ok((row, orders.len() as u64))
}

/// An order by its id, as a batch's row.
#[derive(Serialize)]
pub struct OrderKey {
    pub id: i64,
}

static END_REGISTRATIONS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE registrations SET live = 0 FROM {rows} WHERE registrations.order_id = r.id",
        &[("id", ColumnKind::Int)],
    )
});

static END_TOKENS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE queue_tokens SET live = 0 FROM {rows} JOIN orders o ON o.id = r.id
         WHERE queue_tokens.order_no = o.order_no AND queue_tokens.state = 1",
        &[("id", ColumnKind::Int)],
    )
});

/// Ends the registrations and tokens of orders that are over, so that their players may register again.
pub async fn end_registrations(tx: &mut Tx, orders: &[OrderKey]) -> Result<()> {
    let rows = json_rows(orders)?;
    tx.execute(END_REGISTRATIONS.text(tx.dialect()), vec![rows.clone()]).await?;
    tx.execute(END_TOKENS.text(tx.dialect()), vec![rows]).await?;
    Ok(())
}

/// Every statement that takes a batch, with its name; for the test of their plans.
pub fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    vec![
        ("live requests", &LIVE_REQUESTS),
        ("insert tokens", &INSERT_TOKENS),
        ("taken certificates", &TAKEN),
        ("insert orders", &INSERT_ORDERS),
        ("insert players", &INSERT_PLAYERS),
        ("insert registrations", &INSERT_REGISTRATIONS),
        ("decide tokens", &DECIDE_TOKENS),
        ("end registrations", &END_REGISTRATIONS),
        ("end tokens", &END_TOKENS),
    ]
}

#[async_trait]
impl QuotaLedger for SqlQuotaLedger {
    async fn load(&self, game: GameId, recent: i64) -> Result<Admitted> {
        // The row first: outcomes that are decided in between are read again by number, never missed.
        let row = row(&self.db, game).await?;
        let first = (row.head - recent).max(0) + 1;
        let sql = "SELECT state, order_no FROM queue_tokens WHERE game_id = $1 AND sequence >= $2 AND sequence <= $3
                   ORDER BY sequence";
        let mut outcomes = Vec::new();
        if recent > 0 && row.head >= first {
            for token in self.db.fetch_all(sql, args![game.0, first, row.head]).await? {
                outcomes.push(outcome(&token)?.ok_or(DomainError::Internal)?);
            }
        }
        Ok(Admitted { row, first, outcomes })
    }

    async fn enqueue(&self, game: GameId, requests: Vec<EnqueueRequest>) -> Result<(QueueRow, Vec<Enqueued>)> {
        let db = self.db.clone();
        self.db.write(move |tx| Box::pin(async move { enqueue(&db, tx, game, &requests).await })).await
    }

    async fn admit(&self, game: GameId, limit: usize) -> Result<Admitted> {
        let ledger = self.clone();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.write(move |tx| Box::pin(async move { admit(&ledger, tx, game, limit).await })).await
    }

    async fn give_up_next(&self, game: GameId) -> Result<Admitted> {
        let db = self.db.clone();
        self.db.write(move |tx| Box::pin(async move { give_up_next(&db, tx, game).await })).await
    }

    async fn release_due(&self, game: GameId, limit: usize) -> Result<(QueueRow, u64)> {
        let db = self.db.clone();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.write(move |tx| Box::pin(async move { release_due(&db, tx, game, limit).await })).await
    }
}
