//! What an admission writes: outcomes, the orders made with their registrations, and the event that tells it.

use std::sync::LazyLock;

use actors::domain::ids::GameId;
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Result};
use actors::quota_queue::history::{Decision, Event};
use actors::quota_queue::messages::{QueueRow, SealedPlayer};
use actors::quota_queue::state::{Outcome, Waiting};
use serde::Serialize;

use super::super::db::{BatchSql, ColumnKind, Tx, json_rows};
use super::super::payments::FREE;
use super::SqlQuotaLedger;
use crate::args;
use crate::failpoints::{Failpoint, pass};

#[derive(Serialize)]
struct OrderRow {
    order_no: String,
    account: i64,
    places: i64,
    expires_at: i64,
}

static INSERT_ORDERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO orders (order_no, account_id, kind, game_id, name, item_count, price_fen, total_fen, currency_type,
                             created_at, expires_at, phone_sealed, status, paid_at, pay_amount_fen, transaction_id)
         SELECT r.order_no, r.account, 0, g.id, c.title || ' ' || g.name, r.places, $5, $5 * r.places,
                g.currency_type, $3, r.expires_at, COALESCE(a.mobile_sealed, ''),
                CASE WHEN $5 = 0 THEN 1 ELSE 0 END, CASE WHEN $5 = 0 THEN $3 ELSE NULL END,
                CASE WHEN $5 = 0 THEN 0 ELSE NULL END, CASE WHEN $5 = 0 THEN $4 ELSE NULL END
         FROM {rows} JOIN games g ON g.id = $2 JOIN competitions c ON c.id = g.competition_id
         JOIN accounts a ON a.id = r.account",
        &[
            ("order_no", ColumnKind::Text),
            ("account", ColumnKind::Int),
            ("places", ColumnKind::Int),
            ("expires_at", ColumnKind::Int),
        ],
    )
});

#[derive(Serialize)]
struct RegistrationRow {
    /// Place in the batch: registrations are numbered in the order in which their players were named.
    n: usize,
    order_no: String,
    k: String,
    s: String,
}

static INSERT_PLAYERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO players (certificate_key, created_at) SELECT r.k, $2 FROM {rows} WHERE true ORDER BY r.k
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
         JOIN players p ON p.certificate_key = r.k ORDER BY r.n",
        &[("n", ColumnKind::Int), ("order_no", ColumnKind::Text), ("k", ColumnKind::Text), ("s", ColumnKind::Text)],
    )
});

#[derive(Serialize)]
struct OutcomeRow {
    game: i64,
    sequence: i64,
    state: i64,
    order_no: Option<String>,
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

#[derive(Serialize)]
struct WaitRow {
    game: i64,
    sequence: i64,
    position: Option<i64>,
}

/// Puts tokens on the wait-list or, with a null position, takes them off it.
static WAIT_LIST: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE queue_tokens SET wait_position = r.position
         FROM {rows} WHERE queue_tokens.game_id = r.game AND queue_tokens.sequence = r.sequence",
        &[("game", ColumnKind::Int), ("sequence", ColumnKind::Int), ("position", ColumnKind::Int)],
    )
});

pub(super) fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    vec![
        ("insert orders", &INSERT_ORDERS),
        ("insert players", &INSERT_PLAYERS),
        ("insert registrations", &INSERT_REGISTRATIONS),
        ("decide tokens", &DECIDE_TOKENS),
        ("wait-list", &WAIT_LIST),
    ]
}

/// Collects what one admission decided and writes it.
pub(super) struct Made {
    game: GameId,
    now: i64,
    expires_at: i64,
    offer_expires_at: i64,
    /// Of one place, as it was when the places were taken: an administrator may change it meanwhile.
    price_fen: i64,
    orders: Vec<OrderRow>,
    registrations: Vec<RegistrationRow>,
    outcomes: Vec<OutcomeRow>,
    wait_list: Vec<WaitRow>,
    told: Vec<Decision>,
}

impl Made {
    /// `price_fen`: of one place; 0 makes paid orders.
    pub(super) fn new(game: GameId, now: i64, ledger: &SqlQuotaLedger, row: &QueueRow, price_fen: i64) -> Self {
        let window = ledger.payment_window_ms;
        let offer = if row.rules.offer_seconds > 0 { row.rules.offer_seconds.saturating_mul(1_000) } else { window };
        Self {
            game,
            now,
            expires_at: now.saturating_add(window),
            offer_expires_at: now.saturating_add(offer),
            price_fen,
            orders: Vec::new(),
            registrations: Vec::new(),
            outcomes: Vec::new(),
            wait_list: Vec::new(),
            told: Vec::new(),
        }
    }

    pub(super) fn decided(&mut self, token: &Waiting, players: &[SealedPlayer], outcome: &Outcome, was_listed: bool) {
        if *outcome == Outcome::Left {
            // It ended when its owner left; the head only passes it.
            return;
        }
        let (game, sequence, state) = (self.game.0, token.sequence, outcome.code());
        let order_no = outcome.order_no().map(OrderNo::to_string);
        let mut places = 0;
        if let (Outcome::Ordered(_), Some(order_no)) = (outcome, &order_no) {
            places = players.len() as i64;
            let expires_at = if was_listed { self.offer_expires_at } else { self.expires_at };
            self.orders.push(OrderRow { order_no: order_no.clone(), account: token.account.0, places, expires_at });
            let first = self.registrations.len();
            self.registrations.extend(players.iter().zip(first..).map(|(player, n)| RegistrationRow {
                n,
                order_no: order_no.clone(),
                k: player.certificate_key.clone(),
                s: player.sealed.clone(),
            }));
        }
        if was_listed {
            self.wait_list.push(WaitRow { game, sequence, position: None });
        }
        self.told.push(Decision { sequence, state, order_no: order_no.clone(), places });
        self.outcomes.push(OutcomeRow { game, sequence, state, order_no });
    }

    pub(super) fn wait_listed(&mut self, token: &Waiting, position: i64) {
        let (game, sequence) = (self.game.0, token.sequence);
        self.wait_list.push(WaitRow { game, sequence, position: Some(position) });
        self.told.push(Decision { sequence, state: 0, order_no: None, places: 0 });
    }

    /// `head` as it is afterwards; `closed`: registration is. Returns the event that says it all.
    pub(super) async fn write(self, tx: &mut Tx, head: i64, closed: bool) -> Result<Event> {
        let (dialect, now) = (tx.dialect(), self.now);
        if !self.orders.is_empty() {
            let orders = json_rows(&self.orders)?;
            tx.execute(INSERT_ORDERS.text(dialect), args![orders, self.game.0, now, FREE, self.price_fen]).await?;
            pass(Failpoint::AdmitOrdersInserted);
            let rows = json_rows(&self.registrations)?;
            tx.execute(INSERT_PLAYERS.text(dialect), vec![rows.clone(), now.into()]).await?;
            pass(Failpoint::AdmitPlayersInserted);
            let inserted = tx.execute(INSERT_REGISTRATIONS.text(dialect), vec![rows, now.into()]).await?;
            if inserted != self.registrations.len() as u64 {
                let expected = self.registrations.len();
                tracing::error!(game = self.game.0, inserted, expected, "registrations are missing");
                return Err(DomainError::Internal);
            }
            pass(Failpoint::AdmitRegistrationsInserted);
        }
        if !self.outcomes.is_empty() {
            tx.execute(DECIDE_TOKENS.text(dialect), args![json_rows(&self.outcomes)?, now]).await?;
            pass(Failpoint::AdmitTokensDecided);
        }
        if !self.wait_list.is_empty() {
            tx.execute(WAIT_LIST.text(dialect), args![json_rows(&self.wait_list)?]).await?;
            pass(Failpoint::AdmitWaitListWritten);
        }
        Ok(Event::Decided { head, paid: self.price_fen == 0, tokens: self.told, closed })
    }
}
