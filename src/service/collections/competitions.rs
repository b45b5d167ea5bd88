//! Competitions made and changed by administrators.

use actors::error::{DomainError, Entity, Result};

use super::games::reload;
use super::{
    Answer, Change, CompetitionRecord, LINE, TEXT, Writer, check_length, check_line, check_range, in_tx, public, write,
};
use crate::context::Context;
use crate::store::sql::collections::competitions as store;

pub use crate::store::sql::collections::competitions::CompetitionPatch;

/// Errors: `InvalidField`.
pub async fn create(context: &Context, writer: Writer, new: CompetitionPatch) -> Result<Answer> {
    let missing = |field| DomainError::field(field, "is required");
    let title = new.title.clone().ok_or_else(|| missing("title"))?;
    let play_time = new.play_time.ok_or_else(|| missing("play_time"))?;
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let id = store::insert(tx, &title, play_time, now).await?;
            let after = apply(in_tx(tx, id, Entity::Competition).await?, new)?;
            store::update(tx, &after).await?;
            Ok(Change { action: "create", entity: "competitions", id, before: None, after: public(&after) })
        })
    })
    .await?;
    reload(context).await;
    Ok(answer)
}

/// Errors: `InvalidField`, `NotFound(Competition)`.
pub async fn change(context: &Context, writer: Writer, id: i64, patch: CompetitionPatch) -> Result<Answer> {
    let answer = write(context, writer, move |tx, _| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Competition));
            }
            let before: CompetitionRecord = in_tx(tx, id, Entity::Competition).await?;
            let after = apply(before.clone(), patch)?;
            store::update(tx, &after).await?;
            Ok(Change { action: "update", entity: "competitions", id, before: public(&before), after: public(&after) })
        })
    })
    .await?;
    reload(context).await;
    Ok(answer)
}

/// Errors: `NotFound(Competition)`, `InUse` while it has games.
pub async fn delete(context: &Context, writer: Writer, id: i64) -> Result<Answer> {
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Competition));
            }
            let before: CompetitionRecord = in_tx(tx, id, Entity::Competition).await?;
            store::delete(tx, id, now).await?;
            Ok(Change { action: "delete", entity: "competitions", id, before: public(&before), after: None })
        })
    })
    .await?;
    reload(context).await;
    Ok(answer)
}

fn apply(mut row: CompetitionRecord, patch: CompetitionPatch) -> Result<CompetitionRecord> {
    let texts = [
        ("summary", patch.summary, &mut row.summary, TEXT),
        ("description", patch.description, &mut row.description, TEXT),
        ("score", patch.score, &mut row.score, LINE),
        ("main_img_url", patch.main_img_url, &mut row.main_img_url, LINE * 5),
        ("place", patch.place, &mut row.place, LINE),
        ("notes", patch.notes, &mut row.notes, TEXT),
    ];
    for (field, given, stored, most) in texts {
        if let Some(text) = given {
            check_length(field, &text, most)?;
            *stored = text;
        }
    }
    row.title = patch.title.unwrap_or(row.title);
    row.is_hot = patch.is_hot.unwrap_or(row.is_hot);
    row.valid_state = patch.valid_state.unwrap_or(row.valid_state);
    row.play_time = patch.play_time.unwrap_or(row.play_time);
    row.end_time = patch.end_time.unwrap_or(row.end_time);
    row.registration_open_at = patch.registration_open_at.unwrap_or(row.registration_open_at);
    row.registration_close_at = patch.registration_close_at.unwrap_or(row.registration_close_at);
    row.change_deadline = patch.change_deadline.unwrap_or(row.change_deadline);
    row.refund_deadline = patch.refund_deadline.unwrap_or(row.refund_deadline);
    check_line("title", &row.title)?;
    check_range("is_hot", row.is_hot, 0..=1)?;
    check_range("valid_state", row.valid_state, 0..=2)?;
    Ok(row)
}
