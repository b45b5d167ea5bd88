//! Admission: the opening, offers to the wait-list, and the next tokens decided in their order, in one transaction.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use actors::domain::ids::{AccountId, GameId};
use actors::domain::order::OrderNo;
use actors::draw::line_order::LineOrder;
use actors::error::{DomainError, Result};
use actors::quota_queue::history::{Decision, Event};
use actors::quota_queue::messages::{Admitted, Committed, LineRules, Lottery, Next, QueueRow, SealedPlayer};
use actors::quota_queue::state::{Admission, Holder, Outcome, Verdict, Waiting, order_tail};

use super::super::db::{BatchSql, ColumnKind, Row, StoreError, Tx, json_rows};
use super::orders::{self, Made};
use super::{KeyRow, SequenceRow, SqlQuotaLedger, commit, lock};
use crate::args;

static TAKEN: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT g.certificate_key, o.order_no, g.account_id FROM {rows}
         JOIN registrations g ON g.certificate_key = r.k AND g.game_id = r.game AND g.live = 1
         JOIN orders o ON o.id = g.order_id",
        &[("game", ColumnKind::Int), ("k", ColumnKind::Text)],
    )
});

/// The tokens of a drawn order, which lie anywhere.
static BY_SEQUENCE: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT t.sequence, t.account_id, t.state, t.players_sealed FROM {rows}
         JOIN queue_tokens t ON t.game_id = r.game AND t.sequence = r.sequence",
        &[("game", ColumnKind::Int), ("sequence", ColumnKind::Int)],
    )
});

/// Players in one admission, whose sealed fields may have some kilobytes each.
const MOST_PLAYERS: i64 = 2_000;

/// Only sizes: the players are read of so many tokens as fit into memory together.
const SIZES_IN_ORDER: &str = "
SELECT group_size FROM queue_tokens WHERE game_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence";

static SIZES: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT t.sequence, t.group_size FROM {rows}
         JOIN queue_tokens t ON t.game_id = r.game AND t.sequence = r.sequence",
        &[("game", ColumnKind::Int), ("sequence", ColumnKind::Int)],
    )
});

const IN_ORDER: &str = "
SELECT sequence, account_id, state, players_sealed FROM queue_tokens
WHERE game_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence";

/// Who fits now, or can never fit any more.
const WAIT_LISTED: &str = "
SELECT sequence, wait_position, group_size FROM queue_tokens
WHERE game_id = $1 AND wait_position IS NOT NULL AND (group_size <= $2 OR group_size > $3)
ORDER BY wait_position LIMIT $4";

pub(super) fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    let mut statements: Vec<(&'static str, &'static BatchSql)> =
        vec![("taken certificates", &TAKEN), ("tokens of a drawn order", &BY_SEQUENCE), ("sizes", &SIZES)];
    statements.extend(orders::batch_statements());
    statements
}

/// A token as read for admission, with its players as they will be copied into registrations.
struct Read {
    waiting: Waiting,
    players: Vec<SealedPlayer>,
    position: i64,
}

fn read(token: &Row, position: i64) -> Result<Read, StoreError> {
    let players: Vec<SealedPlayer> = serde_json::from_str(&token.text("players_sealed")?).unwrap_or_default();
    let waiting = Waiting {
        sequence: token.int("sequence")?,
        account: AccountId(token.int("account_id")?),
        certificates: players.iter().map(|player| player.certificate_key.clone()).collect(),
        left: token.int("state")? == Outcome::Left.code(),
    };
    Ok(Read { waiting, players, position })
}

/// Opens a line whose time has come: who is there now is put into the order that the seed gives.
pub(super) async fn open(tx: &mut Tx, game: GameId, row: &mut QueueRow) -> Result<Event> {
    let sql = "SELECT shuffle_seed FROM game_queue WHERE game_id = $1";
    let seed = tx.fetch_one(sql, args![game.0]).await?.text("shuffle_seed")?;
    row.shuffled = Some(row.tail);
    // Positions mean something else from now on: nobody may carry old lists over.
    row.list_version += 2;
    Ok(Event::Opened { count: row.tail, seed })
}

/// The next tokens by position, at most `limit`.
async fn next_in_line(
    tx: &mut Tx,
    game: GameId,
    row: &QueueRow,
    order: Option<&Arc<LineOrder>>,
    limit: i64,
) -> Result<Vec<Read>> {
    let order = order.filter(|order| row.head < order.count());
    let mut last = row.tail.min(row.head.saturating_add(limit));
    let mut sizes: Vec<(i64, i64)> = Vec::new();
    match order {
        None => {
            for (token, position) in
                tx.fetch_all(SIZES_IN_ORDER, args![game.0, row.head, last]).await?.iter().zip(row.head + 1..)
            {
                sizes.push((position, token.int("group_size")?));
            }
        }
        Some(order) => {
            let rows = drawn(game, order, row.head + 1..=last);
            for token in tx.fetch_all(SIZES.text(tx.dialect()), args![json_rows(&rows)?]).await? {
                sizes.push((order.position_of(token.int("sequence")?), token.int("group_size")?));
            }
            sizes.sort_unstable();
        }
    }
    last = last.min(row.head + fitting(sizes.iter().map(|(_, size)| *size)));
    let mut tokens = Vec::new();
    match order {
        None => {
            for token in tx.fetch_all(IN_ORDER, args![game.0, row.head, last]).await? {
                let position = token.int("sequence")?;
                tokens.push(read(&token, position)?);
            }
        }
        Some(order) => {
            let rows = drawn(game, order, row.head + 1..=last);
            for token in tx.fetch_all(BY_SEQUENCE.text(tx.dialect()), args![json_rows(&rows)?]).await? {
                let position = order.position_of(token.int("sequence")?);
                tokens.push(read(&token, position)?);
            }
            tokens.sort_unstable_by_key(|token| token.position);
        }
    }
    let contiguous = tokens.iter().zip(row.head + 1..).all(|(token, position)| token.position == position);
    if !contiguous || tokens.len() as i64 != last - row.head {
        tracing::error!(game = game.0, head = row.head, "a token is missing from the line");
        return Err(DomainError::Internal);
    }
    Ok(tokens)
}

/// Sequences of positions in a drawn order, as a batch.
fn drawn(game: GameId, order: &LineOrder, positions: std::ops::RangeInclusive<i64>) -> Vec<SequenceRow> {
    positions.map(|position| SequenceRow { game: game.0, sequence: order.sequence_at(position) }).collect()
}

/// How many of the first groups have no more players together than one admission may; at least one.
fn fitting(sizes: impl Iterator<Item = i64>) -> i64 {
    let mut players = 0;
    let fits = sizes.take_while(|size| {
        players += size;
        players <= MOST_PLAYERS
    });
    (fits.count() as i64).max(1)
}

/// Tokens of the wait-list that fit now or never will; all of them once the race is `over`. And whether that is all.
async fn wait_listed(tx: &mut Tx, game: GameId, row: &QueueRow, over: bool, limit: i64) -> Result<(Vec<Read>, bool)> {
    const LARGEST_GROUP: i64 = 100;
    let fits = if row.quota.is_unlimited() || over { LARGEST_GROUP } else { row.quota.balance };
    let waits = row.largest_that_waits();
    if row.wait_listed == 0 || (fits == 0 && waits >= LARGEST_GROUP) {
        return Ok((Vec::new(), true));
    }
    let mut found: Vec<(i64, i64, i64)> = Vec::new();
    for token in tx.fetch_all(WAIT_LISTED, args![game.0, fits, waits, limit]).await? {
        found.push((token.int("wait_position")?, token.int("sequence")?, token.int("group_size")?));
    }
    let count = fitting(found.iter().map(|(_, _, size)| *size)).min(found.len() as i64);
    let all = count < limit && count == found.len() as i64;
    found.truncate(usize::try_from(count).unwrap_or(0));
    let rows: Vec<SequenceRow> =
        found.iter().map(|(_, sequence, _)| SequenceRow { game: game.0, sequence: *sequence }).collect();
    let positions: HashMap<i64, i64> = found.iter().map(|(position, sequence, _)| (*sequence, *position)).collect();
    let mut tokens = Vec::with_capacity(found.len());
    for token in tx.fetch_all(BY_SEQUENCE.text(tx.dialect()), args![json_rows(&rows)?]).await? {
        let position = positions.get(&token.int("sequence")?).copied().ok_or(DomainError::Internal)?;
        tokens.push(read(&token, position)?);
    }
    tokens.sort_unstable_by_key(|token| token.position);
    Ok((tokens, all))
}

/// What a game's admission depends on beside the line.
struct Terms {
    price_fen: i64,
    /// The race has begun: nobody is given a place any more, and nobody waits for one.
    over: bool,
    /// Registration has closed by the competition's own time: the wait-list is not served any more.
    closed: bool,
}

/// Read in the transaction of the admission, so that all nodes decide by the same times. The wait round of a draw is no
/// wait-list of latecomers: the draw comes after its entries have closed, and the entries behind the winners wait until
/// the race.
async fn terms(tx: &mut Tx, game: GameId, row: &QueueRow, now: i64) -> Result<Terms> {
    let sql = "SELECT g.price_fen, g.start_time, c.registration_close_at
               FROM games g JOIN competitions c ON c.id = g.competition_id WHERE g.id = $1";
    let times = tx.fetch_one(sql, args![game.0]).await?;
    let closes_at = times.opt_int("registration_close_at")?;
    Ok(Terms {
        price_fen: times.int("price_fen")?,
        over: times.int("start_time")? <= now,
        closed: row.lottery == Lottery::None && closes_at.is_some_and(|at| at <= now),
    })
}

async fn taken(tx: &mut Tx, game: GameId, tokens: impl Iterator<Item = &Read>) -> Result<HashMap<String, Holder>> {
    let keys: Vec<KeyRow<'_>> = tokens
        .flat_map(|token| &token.players)
        .map(|player| KeyRow { game: game.0, k: &player.certificate_key })
        .collect();
    let mut taken = HashMap::new();
    for holder in tx.fetch_all(TAKEN.text(tx.dialect()), args![json_rows(&keys)?]).await? {
        let order_no = OrderNo::parse(&holder.text("order_no")?).ok_or(DomainError::Internal)?;
        let account = AccountId(holder.int("account_id")?);
        taken.insert(holder.text("certificate_key")?, Holder { order_no, account });
    }
    Ok(taken)
}

/// Orders that may be made now, and when more may be if the rate is what bounds them.
async fn allowance(tx: &mut Tx, game: GameId, row: &mut QueueRow, now: i64) -> Result<(i64, Option<i64>)> {
    let by_rate = row.rate.refill(now, row.rules.orders_per_minute);
    let mut allowed = by_rate;
    if row.rules.most_unpaid > 0 {
        let sql = "SELECT COUNT(*) AS unpaid FROM orders WHERE game_id = $1 AND status = 0 AND kind = 0";
        let unpaid = tx.fetch_one(sql, args![game.0]).await?.int("unpaid")?;
        allowed = allowed.min((row.rules.most_unpaid - unpaid).max(0));
    }
    Ok((allowed, (by_rate == allowed && by_rate < i64::MAX).then_some(row.rules.orders_per_minute)))
}

pub(super) async fn admit(ledger: &SqlQuotaLedger, tx: &mut Tx, game: GameId, limit: i64) -> Result<Admitted> {
    let mut row = lock(tx, game).await?;
    let now = ledger.db.now_in(tx).await?;
    let mut events = Vec::new();
    if row.opening_is_due(now) {
        events.push(open(tx, game, &mut row).await?);
    }
    let order = ledger.orders.of_in(tx, game, &row).await?;
    let first = row.head + 1;
    if !row.admits() || (row.head == row.tail && row.wait_listed == 0) {
        if !events.is_empty() {
            commit(tx, game, &mut row, now, &events).await?;
        }
        let committed = Committed { row, order };
        return Ok(Admitted { committed, first, outcomes: Vec::new(), late: Vec::new(), next: Next::OnChange });
    }
    let Terms { price_fen: price, over, closed } = terms(tx, game, &row, now).await?;
    let rules = row.rules;
    if over || closed {
        row.rules.wait_list = 0;
    }
    let (listed, all) = wait_listed(tx, game, &row, over, limit).await?;
    // Places go to the wait-list first; a full batch of it may not be all of it.
    let line = match all {
        true => next_in_line(tx, game, &row, order.as_ref(), limit).await?,
        false => Vec::new(),
    };
    let mut holders = taken(tx, game, listed.iter().chain(&line)).await?;
    let (orders_left, rate) = allowance(tx, game, &mut row, now).await?;

    let order_key = ledger.order_key.of(tx).await?;
    let mut admission = Admission {
        row: &mut row,
        taken: &mut holders,
        orders_left,
        free_of_charge: price == 0,
        over,
        wait_list_over: closed,
        order_number: |sequence| OrderNo::compose(now, order_tail(order_key, game.0, sequence)),
    };
    let waiting = |tokens: &[Read]| tokens.iter().map(|token| token.waiting.clone()).collect::<Vec<_>>();
    let offered = admission.offer(&waiting(&listed));
    let stopped = offered.last() == Some(&Verdict::NotNow);
    let decided = if stopped { Vec::new() } else { admission.decide(&waiting(&line)) };
    let stopped = stopped || decided.len() < line.len();
    let made = orders_left.saturating_sub(admission.orders_left);
    row.rules = rules;
    row.rate.spend(made, row.rules.orders_per_minute);

    let mut writes = Made::new(game, now, ledger, &row, price);
    let mut late = Vec::new();
    for (token, verdict) in listed.iter().zip(offered) {
        if let Verdict::Decided(outcome) = verdict {
            writes.decided(&token.waiting, &token.players, &outcome, true);
            late.push((token.position, outcome));
        }
    }
    let mut outcomes = Vec::with_capacity(decided.len());
    for (token, verdict) in line.iter().zip(decided) {
        outcomes.push(match verdict {
            Verdict::Decided(outcome) => {
                writes.decided(&token.waiting, &token.players, &outcome, false);
                Some(outcome)
            }
            Verdict::WaitListed | Verdict::NotNow => {
                writes.wait_listed(&token.waiting, token.position);
                None
            }
        });
    }
    let changed = !outcomes.is_empty() || !late.is_empty();
    if !late.is_empty() || outcomes.iter().any(Option::is_none) {
        row.list_version += 1;
    }
    if changed {
        events.push(writes.write(tx, row.head, closed).await?);
    }
    if !events.is_empty() {
        commit(tx, game, &mut row, now, &events).await?;
    }
    let next = match (stopped, rate) {
        (true, Some(per_minute)) => Next::InMs(row.rate.next_in_ms(per_minute)),
        (true, None) => Next::OnChange,
        (false, _) if changed && (row.head < row.tail || row.wait_listed > 0) => Next::Now,
        (false, _) => Next::OnChange,
    };
    Ok(Admitted { committed: Committed { row, order }, first, outcomes, late, next })
}

pub(super) async fn give_up_next(ledger: &SqlQuotaLedger, tx: &mut Tx, game: GameId) -> Result<Admitted> {
    let mut row = lock(tx, game).await?;
    let now = ledger.db.now_in(tx).await?;
    let order = ledger.orders.of_in(tx, game, &row).await?;
    let first = row.head + 1;
    let mut outcomes = Vec::new();
    let mut late = Vec::new();
    let Terms { over, closed, .. } = terms(tx, game, &row, now).await?;
    if !row.admits() {
        let committed = Committed { row, order };
        return Ok(Admitted { committed, first, outcomes, late, next: Next::OnChange });
    }
    // The first that the admission would have looked at is the one that it failed at.
    let listed = if closed { QueueRow { rules: LineRules { wait_list: 0, ..row.rules }, ..row } } else { row };
    if let Some(token) = wait_listed(tx, game, &listed, over, 1).await?.0.pop() {
        let sequence = token.waiting.sequence;
        let sql = "UPDATE queue_tokens SET state = 3, live = 0, decided_at = $3, wait_position = NULL
                   WHERE game_id = $1 AND sequence = $2";
        tx.execute(sql, args![game.0, sequence, now]).await?;
        row.wait_listed -= 1;
        row.list_version += 1;
        let told = Decision { sequence, state: Outcome::Failed.code(), order_no: None, places: 0 };
        let event = Event::Decided { head: row.head, paid: false, tokens: vec![told], closed: false };
        commit(tx, game, &mut row, now, &[event]).await?;
        late.push((token.position, Outcome::Failed));
    } else if row.head < row.tail {
        let sequence = order.as_ref().map_or(first, |order| order.sequence_at(first));
        let sql = "UPDATE queue_tokens SET state = 3, live = 0, decided_at = $3
                   WHERE game_id = $1 AND sequence = $2 AND state = 0";
        let failed = tx.execute(sql, args![game.0, sequence, now]).await? == 1;
        let outcome = if failed { Outcome::Failed } else { Outcome::Left };
        row.head = first;
        let token = Decision { sequence, state: outcome.code(), order_no: None, places: 0 };
        let event = Event::Decided { head: first, paid: false, tokens: vec![token], closed: false };
        commit(tx, game, &mut row, now, &[event]).await?;
        outcomes.push(Some(outcome));
    }
    Ok(Admitted { committed: Committed { row, order }, first, outcomes, late, next: Next::Now })
}
