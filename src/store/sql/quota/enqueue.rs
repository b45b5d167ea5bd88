//! Joining a line: one batch of requests, one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use actors::domain::ids::{AccountId, GameId};
use actors::draw::verification::MOST_ENTRANTS;
use actors::error::{DomainError, OverLimit, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::{Committed, EnqueueRequest, Enqueued, Lottery, QueueRow, QueueState};
use actors::quota_queue::open_places::OpenPlaces;
use serde::Serialize;

use super::super::db::{BatchSql, ColumnKind, StoreError, Tx, json_rows};
use super::{KeyRow, SqlQuotaLedger, commit, lock, open_places};
use crate::args;
use crate::failpoints::{Failpoint, pass};

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

/// Certificates of tokens that wait.
static WAITING: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT c.certificate_key FROM {rows}
         JOIN line_certificates c ON c.certificate_key = r.k AND c.game_id = r.game
         JOIN queue_tokens t ON t.game_id = c.game_id AND t.sequence = c.sequence AND t.state = 0",
        &[("game", ColumnKind::Int), ("k", ColumnKind::Text)],
    )
});

#[derive(Serialize)]
struct CertificateRow<'a> {
    game: i64,
    k: &'a str,
    sequence: i64,
}

static NOTE_CERTIFICATES: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO line_certificates (game_id, certificate_key, sequence) SELECT r.game, r.k, r.sequence FROM {rows}
         WHERE true ON CONFLICT (game_id, certificate_key) DO UPDATE SET sequence = excluded.sequence",
        &[("game", ColumnKind::Int), ("k", ColumnKind::Text), ("sequence", ColumnKind::Int)],
    )
});

pub(super) fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    vec![
        ("live requests", &LIVE_REQUESTS),
        ("insert tokens", &INSERT_TOKENS),
        ("waiting certificates", &WAITING),
        ("note certificates", &NOTE_CERTIFICATES),
    ]
}

/// Whether a second token would give a person another chance: where an order is drawn, and on a wait-list that others
/// want to be on. In a plain line the first token wins and the others only lose.
fn is_guarded(row: &QueueRow) -> bool {
    !row.is_ordered() || row.rules.wait_list > 0
}

async fn waiting_certificates(tx: &mut Tx, game: GameId, requests: &[EnqueueRequest]) -> Result<HashSet<String>> {
    let keys: Vec<KeyRow<'_>> = requests
        .iter()
        .flat_map(|request| &request.players)
        .map(|player| KeyRow { game: game.0, k: &player.certificate_key })
        .collect();
    let rows = tx.fetch_all(WAITING.text(tx.dialect()), args![json_rows(&keys)?]).await?;
    Ok(rows.iter().map(|row| row.text("certificate_key")).collect::<Result<_, StoreError>>()?)
}

/// A draw takes so many entries and no more.
fn entries_are_full(row: &QueueRow) -> bool {
    row.lottery == Lottery::Entries && row.tail >= MOST_ENTRANTS as i64
}

/// Counts the places of a new token, or says which limit of its account it would pass.
fn over_limit(
    open: Option<&mut HashMap<AccountId, OpenPlaces>>,
    account: AccountId,
    places: i64,
) -> Result<Option<OverLimit>> {
    let Some(open) = open else { return Ok(None) };
    // Every account of the batch was counted, unless it is not there.
    let counted = open.get_mut(&account).ok_or(DomainError::Internal)?;
    Ok(counted.take(places).err())
}

pub(super) async fn enqueue(
    ledger: &SqlQuotaLedger,
    tx: &mut Tx,
    game: GameId,
    requests: &[EnqueueRequest],
) -> Result<(Committed, Vec<Enqueued>)> {
    let mut row = lock(tx, game).await?;
    let now = ledger.db.now_in(tx).await?;
    let mut events = Vec::new();
    if row.opening_is_due(now) {
        // Who is in this batch came after the opening.
        events.push(super::admit::open(tx, game, &mut row).await?);
    }
    let keys: Vec<KeyRow<'_>> =
        requests.iter().map(|request| KeyRow { game: game.0, k: &request.request_key }).collect();
    let existing = tx.fetch_all(LIVE_REQUESTS.text(tx.dialect()), args![json_rows(&keys)?]).await?;
    let mut known: HashMap<String, i64> = HashMap::new();
    for found in existing {
        known.insert(found.text("request_key")?, found.int("sequence")?);
    }
    let guarded = is_guarded(&row);
    let mut waiting = if guarded { waiting_certificates(tx, game, requests).await? } else { HashSet::new() };
    // A request that has its token already needs no further place.
    let new = requests.iter().filter(|request| !known.contains_key(&request.request_key));
    let mut open = match ledger.open_places {
        Some(limit) if row.state != QueueState::Closed => Some(open_places::count(tx, game, limit, new, now).await?),
        _ => None,
    };
    let mut certificates = Vec::new();
    let first = row.tail + 1;
    let mut answers = Vec::with_capacity(requests.len());
    let mut tokens = Vec::with_capacity(requests.len());
    for request in requests {
        let places = request.players.len() as i64;
        if let Some(sequence) = known.get(&request.request_key) {
            answers.push(Enqueued::Existing { sequence: *sequence });
        } else if row.state == QueueState::Closed || entries_are_full(&row) {
            answers.push(Enqueued::Closed);
        } else if row.is_full_for(places) {
            answers.push(Enqueued::Full);
        } else if let Some(player) = request.players.iter().position(|player| waiting.contains(&player.certificate_key))
        {
            answers.push(Enqueued::PlayerWaits { player });
        } else if let Some(over) = over_limit(open.as_mut(), request.account, places)? {
            answers.push(Enqueued::OverLimit(over));
        } else {
            row.tail += 1;
            if guarded {
                for player in &request.players {
                    waiting.insert(player.certificate_key.clone());
                    certificates.push(CertificateRow { game: game.0, k: &player.certificate_key, sequence: row.tail });
                }
            }
            let players = serde_json::to_string(&request.players).map_err(|_| DomainError::Internal)?;
            let request_key = &request.request_key;
            tokens.push(TokenRow {
                sequence: row.tail,
                account: request.account.0,
                request_key,
                group_size: places,
                players,
            });
            known.insert(request_key.clone(), row.tail);
            answers.push(Enqueued::Waiting { sequence: row.tail });
        }
    }
    if !tokens.is_empty() {
        tx.execute(INSERT_TOKENS.text(tx.dialect()), args![json_rows(&tokens)?, game.0, now]).await?;
        pass(Failpoint::EnqueueTokensInserted);
        if !certificates.is_empty() {
            tx.execute(NOTE_CERTIFICATES.text(tx.dialect()), args![json_rows(&certificates)?]).await?;
            pass(Failpoint::EnqueueCertificatesNoted);
        }
        let (accounts, places) = tokens.iter().map(|token| (token.account, token.group_size)).unzip();
        events.push(Event::Enqueued { first, accounts, places });
    }
    if !events.is_empty() {
        commit(tx, game, &mut row, now, &events).await?;
    }
    let order = ledger.orders.of_in(tx, game, &row).await?;
    Ok((Committed { row, order }, answers))
}
