//! The rules of a line that administrators set: wait-list, offers, rate, cap, opening, and the message to those who wait.

use actors::domain::account::Admin;
use actors::domain::ids::GameId;
use actors::domain::visible::{self, Layout};
use actors::error::{DomainError, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::{LineRules, Lottery, QueueRow};
use actors::quota_queue::row::{MOST_OFFER_SECONDS, MOST_ORDERS_PER_MINUTE, MOST_WAIT_LISTED};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::places::{must_exist, places_changed};
use crate::context::Context;
use crate::store::sql::audit;
use crate::store::sql::collections::wire::{Time, given};
use crate::store::sql::quota::{self, line_texts};

/// Characters of a message to those who wait.
const LONGEST_NOTICE: usize = 200;

/// What of a line is to change; absent members stay as they are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesPatch {
    pub wait_list: Option<i64>,
    pub wait_for_refunds: Option<bool>,
    pub offer_seconds: Option<i64>,
    pub orders_per_minute: Option<i64>,
    pub most_unpaid: Option<i64>,
    #[serde(deserialize_with = "given")]
    pub pre_queue_at: Option<Option<Time>>,
    #[serde(deserialize_with = "given")]
    pub opening_at: Option<Option<Time>>,
    /// Shown to all who wait; empty takes it away.
    pub notice: Option<String>,
}

impl RulesPatch {
    /// Errors: `InvalidField`, `InUse` for an opening of a line that has begun.
    fn apply(&self, row: &QueueRow) -> Result<LineRules> {
        let before = row.rules;
        let rules = LineRules {
            wait_list: self.wait_list.unwrap_or(before.wait_list),
            wait_for_refunds: self.wait_for_refunds.unwrap_or(before.wait_for_refunds),
            offer_seconds: self.offer_seconds.unwrap_or(before.offer_seconds),
            orders_per_minute: self.orders_per_minute.unwrap_or(before.orders_per_minute),
            most_unpaid: self.most_unpaid.unwrap_or(before.most_unpaid),
            pre_queue_at: self.pre_queue_at.map_or(before.pre_queue_at, |at| at.map(|time| time.0)),
            opening_at: self.opening_at.map_or(before.opening_at, |at| at.map(|time| time.0)),
        };
        let bounds = [
            ("wait_list", rules.wait_list, MOST_WAIT_LISTED),
            ("offer_seconds", rules.offer_seconds, MOST_OFFER_SECONDS),
            ("orders_per_minute", rules.orders_per_minute, MOST_ORDERS_PER_MINUTE),
            ("most_unpaid", rules.most_unpaid, i64::from(i32::MAX)),
        ];
        for (field, value, most) in bounds {
            if !(0..=most).contains(&value) {
                return Err(DomainError::field(field, format!("must be 0 to {most}")));
            }
        }
        match (rules.pre_queue_at, rules.opening_at) {
            (Some(_), None) => return Err(DomainError::field("pre_queue_at", "needs an opening_at")),
            (Some(before), Some(opening)) if before >= opening => {
                return Err(match self.pre_queue_at {
                    None => DomainError::field("opening_at", "must be after pre_queue_at"),
                    Some(_) => DomainError::field("pre_queue_at", "must be before opening_at"),
                });
            }
            _ => {}
        }
        if rules.opening_at != before.opening_at && row.lottery != Lottery::None {
            return Err(DomainError::InUse("the game's places are drawn by lot".into()));
        }
        if rules.opening_at.is_some() && before.opening_at.is_none() && row.tail > 0 {
            return Err(DomainError::InUse("people stand in the line already: they would lose their order".into()));
        }
        if rules.opening_at != before.opening_at && (row.shuffled.is_some() || row.head > 0 || row.wait_listed > 0) {
            return Err(DomainError::InUse("the line has begun: its opening cannot be changed any more".into()));
        }
        Ok(rules)
    }
}

/// Changes a line's rules and its message. What is as it was is not written down.
///
/// Errors: `NotFound(Game)`, `InvalidField`, `InUse`.
pub async fn set_rules(context: &Context, admin: &Admin, game: GameId, patch: RulesPatch) -> Result<QueueRow> {
    let notice = patch.notice.as_deref().map(|text| text.trim().to_owned());
    if notice.as_ref().is_some_and(|text| text.chars().count() > LONGEST_NOTICE) {
        return Err(DomainError::field("notice", format!("must have {LONGEST_NOTICE} characters at most")));
    }
    if let Some(text) = &notice {
        visible::check(text, Layout::Lines).map_err(|fault| DomainError::field("notice", fault.to_string()))?;
    }
    must_exist(context, game).await?;
    let (db, admin) = (context.db.clone(), admin.clone());
    let row = context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut row = quota::lock(tx, game).await?;
                let (before, now) = (row, db.now_in(tx).await?);
                let mut events = Vec::new();
                row.rules = patch.apply(&before)?;
                if row.rules.opening_at.is_some_and(|at| at <= now) && row.rules.opening_at != before.rules.opening_at {
                    return Err(DomainError::field("opening_at", "must be in the future"));
                }
                if row.rules != before.rules {
                    events.push(Event::RulesSet { rules: row.rules });
                }
                if row.rules.opening_at.is_some() && before.rules.opening_at.is_none() {
                    // Made before anybody can come, so that the order cannot be chosen by who came.
                    line_texts::set_seed(tx, game, &hex::encode(rand::random::<[u8; 32]>())).await?;
                }
                let notice_before = line_texts::notice_in(tx, game).await?;
                if let Some(notice) = notice.filter(|notice| *notice != notice_before) {
                    row.notice_version += 1;
                    line_texts::set_notice(tx, game, &notice).await?;
                    events.push(Event::NoticeSet { notice });
                }
                if events.is_empty() {
                    return Ok(row);
                }
                quota::commit(tx, game, &mut row, now, &events).await?;
                let act = audit::Entry {
                    admin_id: Some(admin.id.0),
                    admin_name: &admin.username,
                    action: "set_rules",
                    entity: "games",
                    entity_id: &game.to_string(),
                    before: Some(&json!({"rules": before.rules, "notice": notice_before})),
                    after: Some(&json!({"rules": row.rules, "notice": line_texts::notice_in(tx, game).await?})),
                };
                audit::insert(tx, &act, now).await?;
                Ok(row)
            })
        })
        .await?;
    places_changed(context, game);
    Ok(row)
}

/// How a line's opening is shuffled, for everybody: the seed's hash before, the seed after.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Opening {
    /// Hex SHA-256 of the seed's 32 bytes.
    pub seed_hash: String,
    /// Hex; only once the line is open.
    pub seed: Option<String>,
    /// Tokens that were shuffled.
    pub count: Option<i64>,
}

/// None: the line has no opening of its own.
pub async fn opening(context: &Context, game: GameId, row: &QueueRow) -> Result<Option<Opening>> {
    let Some(seed) = line_texts::seed(&context.db, game).await? else { return Ok(None) };
    let bytes = hex::decode(&seed).map_err(|_| DomainError::Internal)?;
    let seed_hash = hex::encode(Sha256::digest(bytes));
    Ok(Some(Opening { seed_hash, seed: row.shuffled.map(|_| seed), count: row.shuffled }))
}
