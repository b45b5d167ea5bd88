//! Games made and changed by administrators. Places are not set here but through the line (`registration::set_places`).

use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity, Result};

use super::Kind::{Created, Int, Line, Note, Number, OptTime, Ref, Time, Yuan};
use super::{
    Answer, Change, Column, GameRecord, Writer, check_line, check_range, column, fields, in_tx, public, write,
};
use crate::context::Context;
use crate::service::registration::places_changed;
use crate::store::sql::collections::games as store;

pub use actors::quota_queue::state::MOST_PLACES;

pub use crate::store::sql::collections::games::{GamePatch, NewGame};

/// The highest age that a game may ask for.
pub const MOST_YEARS: i64 = 255;

/// As `GameRecord` is shown.
pub const COLUMNS: &[Column] = &[
    column("competition_id", Ref("", Entity::Competition)).of("competitions").required(),
    column("name", Line).required(),
    column("price", Yuan).required(),
    column("limitation", Int(0, MOST_PLACES, 0)).required(),
    column("balance", Number),
    column("sold", Number),
    column("held", Number),
    column("queue_state", Note),
    column("gender_req", Int(0, 2, 0)),
    column("min_age_req", Int(0, MOST_YEARS, 0)),
    column("max_age_req", Int(0, MOST_YEARS, 0)).not_before("min_age_req"),
    column("start_time", Time).required(),
    column("end_time", OptTime).not_before("start_time"),
    column("create_time", Created),
];

/// Errors: `InvalidField`, `NotFound(Competition)`, `Conflict`.
pub async fn create(context: &Context, writer: Writer, new: NewGame) -> Result<Answer> {
    check_line("name", &new.name)?;
    let limitation = new
        .limitation
        .ok_or_else(|| DomainError::field("limitation", "is required: the number of places, 0 for unlimited"))?;
    check_range("limitation", limitation, 0..=MOST_PLACES)?;
    check_eligibility(new.gender_req, new.min_age_req, new.max_age_req)?;
    let value = |name| match name {
        "start_time" => Some(new.start_time.0),
        "end_time" => new.end_time.map(|time| time.0),
        "min_age_req" => Some(new.min_age_req),
        "max_age_req" => Some(new.max_age_req),
        _ => None,
    };
    fields::check_order(COLUMNS, value, |_| true)?;
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let id = store::insert(tx, &new, limitation, now).await?;
            let after: GameRecord = in_tx(tx, id, Entity::Game).await?;
            Ok(Change { action: "create", entity: "games", id, before: None, after: public(&after) })
        })
    })
    .await?;
    reload(context).await;
    Ok(answer)
}

/// Errors: `InvalidField`, `NotFound(Game)`, `Conflict`.
pub async fn change(context: &Context, writer: Writer, id: i64, patch: GamePatch) -> Result<Answer> {
    let answer = write(context, writer, move |tx, _| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Game));
            }
            let before: GameRecord = in_tx(tx, id, Entity::Game).await?;
            let after = apply(before.clone(), patch)?;
            store::update(tx, &after).await?;
            Ok(Change { action: "update", entity: "games", id, before: public(&before), after: public(&after) })
        })
    })
    .await?;
    reload(context).await;
    Ok(answer)
}

/// Errors: `NotFound(Game)`, `InUse` while somebody waits, holds or owns a place.
pub async fn delete(context: &Context, writer: Writer, id: i64) -> Result<Answer> {
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let before: GameRecord = in_tx(tx, id, Entity::Game).await?;
            store::delete(tx, id, now).await?;
            Ok(Change { action: "delete", entity: "games", id, before: public(&before), after: None })
        })
    })
    .await?;
    reload(context).await;
    places_changed(context, GameId(id));
    Ok(answer)
}

fn apply(mut game: GameRecord, patch: GamePatch) -> Result<GameRecord> {
    let given = [
        ("start_time", patch.start_time.is_some()),
        ("end_time", patch.end_time.is_some()),
        ("min_age_req", patch.min_age_req.is_some()),
        ("max_age_req", patch.max_age_req.is_some()),
    ];
    if let Some(name) = patch.name {
        check_line("name", &name)?;
        game.name = name;
    }
    game.price = patch.price.unwrap_or(game.price);
    game.gender_req = patch.gender_req.unwrap_or(game.gender_req);
    game.min_age_req = patch.min_age_req.unwrap_or(game.min_age_req);
    game.max_age_req = patch.max_age_req.unwrap_or(game.max_age_req);
    game.start_time = patch.start_time.unwrap_or(game.start_time);
    game.end_time = patch.end_time.unwrap_or(game.end_time);
    check_eligibility(game.gender_req, game.min_age_req, game.max_age_req)?;
    let value = |name| match name {
        "start_time" => Some(game.start_time.0),
        "end_time" => game.end_time.map(|time| time.0),
        "min_age_req" => Some(game.min_age_req),
        "max_age_req" => Some(game.max_age_req),
        _ => None,
    };
    fields::check_order(COLUMNS, value, |name| given.contains(&(name, true)))?;
    Ok(game)
}

fn check_eligibility(gender: i64, youngest: i64, oldest: i64) -> Result<()> {
    check_range("gender_req", gender, 0..=2)?;
    check_range("min_age_req", youngest, 0..=MOST_YEARS)?;
    check_range("max_age_req", oldest, 0..=MOST_YEARS)
}

/// The rules in memory follow at once on this node, and within seconds on the others and after a failure here.
pub(super) async fn reload(context: &Context) {
    if let Err(error) = context.catalog.reload(&context.db).await {
        tracing::warn!(%error, "the games' rules are those of a moment ago");
    }
}
