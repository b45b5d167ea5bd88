//! The row a line hangs on: locking it, writing it together with what happened, reading it.

use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::{LineRules, LogTip, Lottery, QueueRow, QueueState, RateCredit};
use actors::quota_queue::state::Quota;

use super::super::db::{Db, Row, StoreError, Tx};
use super::events;
use super::release::PROVIDER_GRACE_MS;
use crate::args;
use crate::failpoints::{Failpoint, pass};

/// What `queue_row` reads.
macro_rules! row_columns {
    () => {
        "version, state, tail, head, limitation, balance, sold, held, wait_listed, list_version, wait_list, \
         wait_for_refunds, offer_seconds, orders_per_minute, most_unpaid, pre_queue_at, opening_at, rate_credit, rate_at, \
         lottery, shuffled_count, notice_version, event_count, event_hash"
    };
}

pub(in crate::store::sql) use row_columns;

const LOCK: &str = concat!("UPDATE game_queue SET version = version + 1 WHERE game_id = $1 RETURNING ", row_columns!());

/// Takes the game's lock (on SQLite: the writer's, which is held already) and reads the row under it.
///
/// Errors: `NotFound(Game)`.
pub async fn lock(tx: &mut Tx, game: GameId) -> Result<QueueRow> {
    let row = tx.fetch_optional(LOCK, args![game.0]).await?.ok_or(DomainError::NotFound(Entity::Game))?;
    Ok(queue_row(&row)?)
}

const READ: &str = concat!("SELECT ", row_columns!(), " FROM game_queue WHERE game_id = $1");

/// The row as committed last.
///
/// Errors: `NotFound(Game)`.
pub async fn row(db: &Db, game: GameId) -> Result<QueueRow> {
    let row = db.fetch_optional(READ, args![game.0]).await?.ok_or(DomainError::NotFound(Entity::Game))?;
    Ok(queue_row(&row)?)
}

/// The row as it is inside a transaction that need not have locked it.
pub(super) async fn row_in(tx: &mut Tx, game: GameId) -> Result<QueueRow> {
    let row = tx.fetch_optional(READ, args![game.0]).await?.ok_or(DomainError::NotFound(Entity::Game))?;
    Ok(queue_row(&row)?)
}

const NUMBERS: &str = "
UPDATE game_queue SET state = $2, tail = $3, head = $4, limitation = $5, balance = $6, sold = $7, held = $8,
    wait_listed = $9, list_version = $10, rate_credit = $11, rate_at = $12, lottery = $13, shuffled_count = $14,
    event_count = $15, event_hash = $16
WHERE game_id = $1";

const RULES: &str = "
UPDATE game_queue SET wait_list = $2, wait_for_refunds = $3, offer_seconds = $4, orders_per_minute = $5,
    most_unpaid = $6, pre_queue_at = $7, opening_at = $8, notice_version = $9
WHERE game_id = $1";

/// Writes a row that was locked and changed in this transaction, and what happened to it. The table's checks refuse an
/// oversell.
pub async fn commit(tx: &mut Tx, game: GameId, row: &mut QueueRow, now_ms: i64, happened: &[Event]) -> Result<()> {
    if row.log.count == 0 {
        // The log of a game begins with the row as it was, still to be read.
        let before = row_in(tx, game).await?;
        row.log = events::append(tx, game, row.log, now_ms, &Event::began(&before)).await?;
    }
    for event in happened {
        row.log = events::append(tx, game, row.log, now_ms, event).await?;
    }
    pass(Failpoint::LineEventsLogged);
    let quota = row.quota;
    let values = args![
        game.0,
        row.state.code(),
        row.tail,
        row.head,
        quota.limitation,
        quota.balance,
        quota.sold,
        quota.held,
        row.wait_listed,
        row.list_version,
        row.rate.credit,
        row.rate.at,
        row.lottery.code(),
        row.shuffled,
        row.log.count,
        hex::encode(row.log.hash),
    ];
    tx.execute(NUMBERS, values).await?;
    if happened.iter().any(|event| matches!(event, Event::RulesSet { .. } | Event::NoticeSet { .. })) {
        let rules = row.rules;
        let values = args![
            game.0,
            rules.wait_list,
            rules.wait_for_refunds,
            rules.offer_seconds,
            rules.orders_per_minute,
            rules.most_unpaid,
            rules.pre_queue_at,
            rules.opening_at,
            row.notice_version,
        ];
        tx.execute(RULES, values).await?;
    }
    pass(Failpoint::LineRowStored);
    Ok(())
}

/// Errors: `Corrupt` for values that no version of this program writes.
pub fn queue_row(row: &Row) -> Result<QueueRow, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("game_queue.{what}"));
    let mut hash = [0; 32];
    let event_hash = row.text("event_hash")?;
    if !event_hash.is_empty() {
        hex::decode_to_slice(event_hash, &mut hash).map_err(|_| corrupt("event_hash"))?;
    }
    Ok(QueueRow {
        version: row.int("version")?,
        state: QueueState::from_code(row.int("state")?).ok_or_else(|| corrupt("state"))?,
        tail: row.int("tail")?,
        head: row.int("head")?,
        wait_listed: row.int("wait_listed")?,
        list_version: row.int("list_version")?,
        quota: Quota {
            limitation: row.int("limitation")?,
            balance: row.int("balance")?,
            sold: row.int("sold")?,
            held: row.int("held")?,
        },
        rules: LineRules {
            wait_list: row.int("wait_list")?,
            wait_for_refunds: row.flag("wait_for_refunds")?,
            offer_seconds: row.int("offer_seconds")?,
            orders_per_minute: row.int("orders_per_minute")?,
            most_unpaid: row.int("most_unpaid")?,
            pre_queue_at: row.opt_int("pre_queue_at")?,
            opening_at: row.opt_int("opening_at")?,
        },
        lottery: Lottery::from_code(row.int("lottery")?).ok_or_else(|| corrupt("lottery"))?,
        rate: RateCredit { credit: row.int("rate_credit")?, at: row.int("rate_at")? },
        shuffled: row.opt_int("shuffled_count")?,
        notice_version: row.int("notice_version")?,
        log: LogTip { count: row.int("event_count")?, hash },
    })
}

/// The token that the same request got before, while it waits or its order lives.
pub async fn live_token(db: &Db, game: GameId, request_key: &str) -> Result<Option<i64>> {
    let sql = "SELECT sequence FROM queue_tokens WHERE game_id = $1 AND request_key = $2 AND live = 1";
    let row = db.fetch_optional(sql, args![game.0, request_key]).await?;
    Ok(row.map(|row| row.int("sequence")).transpose()?)
}

const WITH_WORK: &str = "
SELECT game_id FROM game_queue
WHERE state <> 2 AND (tail > head OR wait_listed > 0) AND lottery <> 1
  AND (shuffled_count IS NOT NULL OR opening_at IS NULL OR opening_at <= $1)
UNION SELECT DISTINCT game_id FROM orders WHERE status = 0 AND kind = 0 AND expires_at <= $1
  AND (prepay_id IS NULL OR provider_closed_at IS NOT NULL OR expires_at <= $2)";

/// Games whose actor has something to do: tokens that may be decided now, or holds that are due.
pub async fn games_with_work(db: &Db) -> Result<Vec<GameId>> {
    let now_ms = db.now_ms();
    let rows = db.fetch_all(WITH_WORK, args![now_ms, now_ms - PROVIDER_GRACE_MS]).await?;
    rows.iter().map(|row| Ok(GameId(row.int("game_id")?))).collect()
}
