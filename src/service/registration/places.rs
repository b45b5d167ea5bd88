//! The places of a game: reading, setting, and the numbers of its line for administrators.

use std::borrow::Cow;
use std::collections::HashSet;

use actors::domain::account::Admin;
use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::{QueueRow, QueueState};
use actors::quota_queue::state::{MOST_PLACES, Quota};
use serde_json::json;

use crate::context::Context;
use crate::store::sql::audit;
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::{games, quota};

/// A game's places as clients are told them. With `limitation` 0 the game is unlimited and `balance` is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    pub game: GameId,
    pub limitation: i64,
    pub balance: i64,
}

/// Errors: `NotFound(Game)`.
pub async fn places(context: &Context, game: GameId) -> Result<Places> {
    must_exist(context, game).await?;
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
    check_range("limitation", limitation)?;
    if let Some(balance) = balance {
        check_range("balance", balance)?;
    }
    let change = move |row: &mut QueueRow| {
        row.quota.set(limitation, balance);
        Some(Event::PlacesSet { limitation, balance })
    };
    Ok(change_row(context, admin, game, SET_PLACES, change).await?.quota)
}

const SET_PLACES: &str = "set_places";

/// Errors: `InvalidField`.
fn check_range(field: impl Into<Cow<'static, str>>, value: i64) -> Result<()> {
    if (0..=MOST_PLACES).contains(&value) {
        return Ok(());
    }
    Err(DomainError::field(field, "must be 0 to 2147483647"))
}

/// Games whose places are set in one transaction at the most: it holds all their lines while it runs.
pub const MOST_ENTRIES: usize = 1_000;

/// What one game of many gets; see `set_places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacesEntry {
    pub game: GameId,
    pub limitation: i64,
    pub balance: Option<i64>,
}

/// Sets the places of many games, all or none. Games that are not named keep theirs.
///
/// Errors: `InvalidField` with the entry's path; `NotFound(Game)`, and then the index of the entry.
pub async fn set_all_places(
    context: &Context,
    admin: &Admin,
    mut entries: Vec<PlacesEntry>,
) -> Result<(), (DomainError, Option<usize>)> {
    let fault = |error| (error, None);
    if entries.is_empty() || entries.len() > MOST_ENTRIES {
        return Err(fault(DomainError::field("balances", format!("1 to {MOST_ENTRIES} games"))));
    }
    let mut seen = HashSet::new();
    for (index, entry) in entries.iter().enumerate() {
        check_range(format!("balances[{index}].limitation"), entry.limitation).map_err(fault)?;
        if let Some(balance) = entry.balance {
            check_range(format!("balances[{index}].balance"), balance).map_err(fault)?;
        }
        if !seen.insert(entry.game) {
            let field = format!("balances[{index}].game_id");
            return Err(fault(DomainError::field(field, "is named twice in this request")));
        }
        must_exist(context, entry.game).await.map_err(|error| (error, Some(index)))?;
    }
    // Two such commands must not wait for each other's rows.
    entries.sort_by_key(|entry| entry.game);
    let games: Vec<GameId> = entries.iter().map(|entry| entry.game).collect();
    let (db, admin) = (context.db.clone(), admin.clone());
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                for entry in entries {
                    let change = |row: &mut QueueRow| {
                        let PlacesEntry { limitation, balance, .. } = entry;
                        row.quota.set(limitation, balance);
                        Some(Event::PlacesSet { limitation, balance })
                    };
                    change_in(&db, tx, &admin, entry.game, SET_PLACES, change).await?;
                }
                Ok(())
            })
        })
        .await
        .map_err(fault)?;
    games.into_iter().for_each(|game| places_changed(context, game));
    Ok(())
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
    must_exist(context, game).await?;
    let (db, admin) = (context.db.clone(), admin.clone());
    let row = context
        .db
        .write(move |tx| Box::pin(async move { change_in(&db, tx, &admin, game, action, change).await }))
        .await?;
    places_changed(context, game);
    Ok(row)
}

async fn change_in(
    db: &Db,
    tx: &mut Tx,
    admin: &Admin,
    game: GameId,
    action: &'static str,
    change: impl FnOnce(&mut QueueRow) -> Option<Event>,
) -> Result<QueueRow> {
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

/// Administrators keep the lines of hidden competitions in hand, which go on working.
///
/// Errors: `NotFound(Game)`.
pub async fn must_exist(context: &Context, game: GameId) -> Result<()> {
    match games::game_exists(&context.db, game).await? {
        true => Ok(()),
        false => Err(DomainError::NotFound(Entity::Game)),
    }
}

/// What is hidden is not there for registrants.
///
/// Errors: `NotFound(Game)`.
pub async fn must_be_visible(context: &Context, game: GameId) -> Result<()> {
    context.catalog.game(&context.db, game).await.map(drop)
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
    must_exist(context, game).await?;
    let view = context.queues.loaded_view(game).await?;
    let row = view.row().ok_or(DomainError::NotFound(Entity::Game))?;
    Ok(QueueStats { row, waiting: view.waiting(), rate_per_second: view.rate_per_second() })
}
