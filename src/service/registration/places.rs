//! The places of a game: reading, setting, and the numbers of its line for administrators.

use actors::domain::account::Admin;
use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::{QueueRow, QueueState};
use actors::quota_queue::state::{MOST_PLACES, Quota};
use serde_json::json;

use crate::context::Context;
use crate::store::sql::audit;
use crate::store::sql::quota;

/// A game's places as clients are told them. With `limitation` 0 the game is unlimited and `balance` is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    pub game: GameId,
    pub limitation: i64,
    pub balance: i64,
}

/// Errors: `NotFound(Game)`.
pub async fn places(context: &Context, game: GameId) -> Result<Places> {
    context.catalog.game(&context.db, game).await?;
    let quota = quota::row(&context.db, game).await?.quota;
    Ok(Places { game, limitation: quota.limitation, balance: quota.balance })
}

/// Every game whose registration is open now and whose line is not closed, by id. From memory where the line has been used, else from SQL.
pub async fn all_places(context: &Context) -> Result<Vec<Places>> {
    let now = context.db.now_ms();
    let mut open: Vec<GameId> =
        context.catalog.all().values().filter(|game| game.is_open(now)).map(|game| game.id).collect();
    open.sort();
    let mut places = Vec::with_capacity(open.len());
    for game in open {
        let view = context.queues.loaded_view(game).await?;
        if view.row().is_some_and(|row| row.state == QueueState::Closed) {
            continue;
        }
        let quota = view.quota().unwrap_or_default();
        places.push(Places { game, limitation: quota.limitation, balance: quota.balance });
    }
    Ok(places)
}

/// Sets a game's places; `balance` missing or too large means all that is free. Nobody is thrown out.
///
/// Errors: `InvalidField`, `NotFound(Game)`.
pub async fn set_places(
    context: &Context,
    admin: &Admin,
    game: GameId,
    limitation: i64,
    balance: Option<i64>,
) -> Result<Quota> {
    let in_range = |value: i64| (0..=MOST_PLACES).contains(&value);
    if !in_range(limitation) {
        return Err(DomainError::field("limitation", "must be 0 to 2147483647"));
    }
    if balance.is_some_and(|balance| !in_range(balance)) {
        return Err(DomainError::field("balance", "must be 0 to 2147483647"));
    }
    let change = move |row: &mut QueueRow| {
        row.quota.set(limitation, balance);
        Some(Event::PlacesSet { limitation, balance })
    };
    Ok(change_row(context, admin, game, "set_places", change).await?.quota)
}

/// Opens, pauses or closes a line. A line that is in this state already is left alone and nothing is written down.
///
/// Errors: `NotFound(Game)`.
pub async fn set_queue_state(context: &Context, admin: &Admin, game: GameId, state: QueueState) -> Result<QueueRow> {
    let change = move |row: &mut QueueRow| {
        let before = std::mem::replace(&mut row.state, state);
        (before != state).then_some(Event::StateSet { state: state.code() })
    };
    change_row(context, admin, game, "set_queue_state", change).await
}

/// `change` tells what happened, if anything did.
pub(super) async fn change_row(
    context: &Context,
    admin: &Admin,
    game: GameId,
    action: &'static str,
    change: impl FnOnce(&mut QueueRow) -> Option<Event> + Send + 'static,
) -> Result<QueueRow> {
    context.catalog.game(&context.db, game).await?;
    let (db, admin) = (context.db.clone(), admin.clone());
    let row = context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut row = quota::lock(tx, game).await?;
                let before = describe(&row);
                let Some(event) = change(&mut row) else { return Ok(row) };
                let now = db.now_in(tx).await?;
                quota::commit(tx, game, &mut row, now, &[event]).await?;
                let act = audit::Entry {
                    admin_id: Some(admin.id.0),
                    admin_name: &admin.username,
                    action,
                    entity: "games",
                    entity_id: &game.to_string(),
                    before: Some(&before),
                    after: Some(&describe(&row)),
                };
                audit::insert(tx, &act, now).await?;
                Ok(row)
            })
        })
        .await?;
    places_changed(context, game);
    Ok(row)
}

fn describe(row: &QueueRow) -> serde_json::Value {
    json!({
        "state": row.state.name(), "limitation": row.quota.limitation, "balance": row.quota.balance, "rules": row.rules,
    })
}

/// To be called after a commit that changed a game's places from outside its line (a payment, new places), so that
/// those who wait are decided at once.
pub fn places_changed(context: &Context, game: GameId) {
    context.queues.refresh(game);
}

/// What an administrator sees of a line.
#[derive(Debug, Clone, Copy)]
pub struct QueueStats {
    pub row: QueueRow,
    pub waiting: i64,
    /// Tokens this node decides a second, smoothed.
    pub rate_per_second: f64,
}

/// Errors: `NotFound(Game)`.
pub async fn queue_stats(context: &Context, game: GameId) -> Result<QueueStats> {
    context.catalog.game(&context.db, game).await?;
    let view = context.queues.loaded_view(game).await?;
    let row = view.row().ok_or(DomainError::NotFound(Entity::Game))?;
    Ok(QueueStats { row, waiting: view.waiting(), rate_per_second: view.rate_per_second() })
}
