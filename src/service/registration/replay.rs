//! Rebuilds a game's line from its event log and compares it with what is stored: numbers, tokens, orders. The chain of
//! hashes is checked on the way, so that a changed, missing or added event shows.

use std::collections::HashMap;

use actors::domain::ids::GameId;
use actors::domain::order::OrderStatus;
use actors::error::{DomainError, Result};
use actors::quota_queue::history::{Holding, Replay};
use actors::quota_queue::messages::{LogTip, QueueRow};

use crate::store::sql::db::Db;
use crate::store::sql::quota::{self, events, holdings};

/// Rows read at once.
const PAGE: i64 = 2_000;
/// Readings before a line that keeps changing is given up.
const READINGS: u32 = 5;
/// Differences told.
const MOST_TOLD: usize = 20;

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub events: i64,
    pub tokens: usize,
    pub orders: usize,
    /// In words; empty when log and stored state agree.
    pub differences: Vec<String>,
}

/// Errors: `NotFound(Game)`, `Busy` when the line changed during every reading: pause it.
pub async fn replay(db: &Db, game: GameId) -> Result<Report> {
    for _ in 0..READINGS {
        let row = quota::row(db, game).await?;
        let report = compare(db, game, &row).await?;
        if quota::row(db, game).await?.log == row.log {
            return Ok(report);
        }
    }
    Err(DomainError::BUSY)
}

async fn compare(db: &Db, game: GameId, row: &QueueRow) -> Result<Report> {
    if row.log.count == 0 {
        // Nothing has happened since the log was introduced.
        return Ok(Report { events: 0, tokens: 0, orders: 0, differences: Vec::new() });
    }
    let mut differences = Vec::new();
    let mut told = Replay::default();
    let mut tip = LogTip::default();
    while tip.count < row.log.count {
        let page = events::page(db, game, tip.count, PAGE).await?;
        if page.is_empty() {
            differences.push(format!("events end at {}, the row knows {}", tip.count, row.log.count));
            break;
        }
        for logged in page.into_iter().take_while(|logged| logged.number <= row.log.count) {
            if !logged.follows(&tip) {
                differences.push(format!("event {} does not follow {}: the log was changed", logged.number, tip.count));
            }
            if let Err(fault) = told.apply(&logged.event) {
                differences.push(format!("event {}: {fault}", logged.number));
            }
            tip = logged.tip();
        }
        if differences.len() > MOST_TOLD {
            break;
        }
    }
    if tip != row.log {
        differences.push("the last event is not the one the row knows".to_owned());
    }
    compare_row(&told, row, &mut differences);
    let tokens = compare_tokens(db, game, &told, &mut differences).await?;
    let orders = compare_orders(db, game, &told, &mut differences).await?;
    differences.truncate(MOST_TOLD);
    Ok(Report { events: tip.count, tokens, orders, differences })
}

fn compare_row(told: &Replay, row: &QueueRow, differences: &mut Vec<String>) {
    let pairs = [
        ("state", told.state.code(), row.state.code()),
        ("tail", told.tail, row.tail),
        ("head", told.head, row.head),
        ("limitation", told.quota.limitation, row.quota.limitation),
        ("balance", told.quota.balance, row.quota.balance),
        ("sold", told.quota.sold, row.quota.sold),
        ("held", told.quota.held, row.quota.held),
        ("wait-listed", told.wait_listed.len() as i64, row.wait_listed),
        ("lottery", told.lottery, row.lottery.code()),
        ("shuffled", told.shuffled.unwrap_or(-1), row.shuffled.unwrap_or(-1)),
    ];
    for (name, told, stored) in pairs {
        if told != stored {
            differences.push(format!("{name}: the log says {told}, stored is {stored}"));
        }
    }
    if told.rules != row.rules {
        differences.push(format!("rules: the log says {:?}, stored is {:?}", told.rules, row.rules));
    }
}

async fn compare_tokens(db: &Db, game: GameId, told: &Replay, differences: &mut Vec<String>) -> Result<usize> {
    let mut after = told.began_at;
    let mut count = 0;
    loop {
        let page = holdings::tokens(db, game, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        for token in &page {
            count += 1;
            let expected = told.tokens.get(&token.sequence).copied();
            if expected != Some(token.state) {
                let sequence = token.sequence;
                differences.push(format!("token {sequence}: the log says {expected:?}, stored is {}", token.state));
            }
            if token.is_wait_listed != told.wait_listed.contains(&token.sequence) {
                differences.push(format!("token {}: on the wait-list in one of the two only", token.sequence));
            }
        }
        if differences.len() > MOST_TOLD {
            break;
        }
    }
    let logged = told.tokens.keys().filter(|sequence| **sequence > told.began_at).count();
    if logged != count && differences.len() <= MOST_TOLD {
        differences.push(format!("{logged} tokens are logged, {count} are stored"));
    }
    Ok(count)
}

async fn compare_orders(db: &Db, game: GameId, told: &Replay, differences: &mut Vec<String>) -> Result<usize> {
    let mut missing: HashMap<&str, Holding> = told.orders.iter().map(|(no, holding)| (no.as_str(), *holding)).collect();
    let mut after = 0;
    let mut count = 0;
    loop {
        let page = holdings::orders(db, game, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for order in &page {
            let stored = match order.status {
                OrderStatus::Unpaid => Holding::Held,
                OrderStatus::Paid | OrderStatus::Refunding => Holding::Sold,
                _ => Holding::Nothing,
            };
            let given_back = told.given_back.get(&order.order_no).copied().unwrap_or_default();
            match missing.remove(order.order_no.as_str()) {
                Some(logged) if logged == stored && given_back != order.given_back && told.began_at == 0 => {
                    let (no, stored) = (&order.order_no, order.given_back);
                    differences.push(format!("order {no}: the log gave {given_back} places back, stored are {stored}"));
                }
                Some(logged) if logged == stored => count += 1,
                // From before the log began.
                None if told.began_at > 0 => {}
                logged => {
                    let no = &order.order_no;
                    differences.push(format!("order {no}: the log says {logged:?}, stored is {stored:?}"));
                }
            }
        }
    }
    differences.extend(missing.keys().take(MOST_TOLD).map(|no| format!("order {no} is logged and not stored")));
    Ok(count)
}
