//! Leaving a line: waiting tokens are ended, those behind move up.

use std::collections::HashMap;
use std::sync::LazyLock;

use actors::domain::ids::GameId;
use actors::error::Result;
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::{Committed, Leaving};

use super::super::db::{BatchSql, ColumnKind, Tx, json_rows};
use super::load::{Stored, stored_from};
use super::{SequenceRow, SqlQuotaLedger, commit, lock};
use crate::args;
use crate::failpoints::{Failpoint, pass};

static ASKED: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT t.sequence, t.state, t.order_no, t.wait_position FROM {rows}
         JOIN queue_tokens t ON t.game_id = r.game AND t.sequence = r.sequence",
        &[("game", ColumnKind::Int), ("sequence", ColumnKind::Int)],
    )
});

static END: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE queue_tokens SET state = 5, live = 0, wait_position = NULL, decided_at = $2
         FROM {rows} WHERE queue_tokens.game_id = r.game AND queue_tokens.sequence = r.sequence",
        &[("game", ColumnKind::Int), ("sequence", ColumnKind::Int)],
    )
});

pub(super) fn batch_statements() -> Vec<(&'static str, &'static BatchSql)> {
    vec![("asked to leave", &ASKED), ("leave", &END)]
}

pub(super) async fn leave(
    ledger: &SqlQuotaLedger,
    tx: &mut Tx,
    game: GameId,
    sequences: &[i64],
) -> Result<(Committed, Vec<Leaving>)> {
    let mut row = lock(tx, game).await?;
    let rows: Vec<SequenceRow> =
        sequences.iter().map(|sequence| SequenceRow { game: game.0, sequence: *sequence }).collect();
    let mut found: HashMap<i64, Leaving> = HashMap::new();
    let mut leaving = Vec::new();
    for token in tx.fetch_all(ASKED.text(tx.dialect()), args![json_rows(&rows)?]).await? {
        let sequence = token.int("sequence")?;
        let answer = match stored_from(&token)? {
            Stored::Decided(outcome) => Leaving::Decided(outcome),
            Stored::Undecided if found.contains_key(&sequence) => continue,
            Stored::Undecided => {
                row.wait_listed -= i64::from(token.opt_int("wait_position")?.is_some());
                leaving.push(sequence);
                Leaving::Left
            }
        };
        found.insert(sequence, answer);
    }
    if !leaving.is_empty() {
        leaving.sort_unstable();
        let now = ledger.db.now_in(tx).await?;
        let rows: Vec<SequenceRow> =
            leaving.iter().map(|sequence| SequenceRow { game: game.0, sequence: *sequence }).collect();
        tx.execute(END.text(tx.dialect()), args![json_rows(&rows)?, now]).await?;
        pass(Failpoint::LeaveTokensEnded);
        row.list_version += 1;
        commit(tx, game, &mut row, now, &[Event::Left { sequences: leaving }]).await?;
    }
    let answers = sequences.iter().map(|sequence| found.get(sequence).cloned().unwrap_or(Leaving::Unknown)).collect();
    let order = ledger.orders.of_in(tx, game, &row).await?;
    Ok((Committed { row, order }, answers))
}
