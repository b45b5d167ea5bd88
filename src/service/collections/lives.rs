//! Lives made and changed by administrators; a new one has its room at once.

use actors::domain::ids::LiveId;
use actors::error::{DomainError, Entity, Result};

use super::{
    Answer, Change, LINE, LiveRecord, TEXT, Writer, check_length, check_line, check_range, in_tx, public, write,
};
use crate::context::Context;
use crate::store::sql::collections::lives as store;

pub use crate::store::sql::collections::lives::LivePatch;

/// Errors: `InvalidField`, `NotFound(Competition)`.
pub async fn create(context: &Context, writer: Writer, new: LivePatch) -> Result<Answer> {
    let title = new.title.clone().ok_or_else(|| DomainError::field("title", "is required"))?;
    write(context, writer, move |tx, now| {
        Box::pin(async move {
            let id = store::insert(tx, &title, now).await?;
            let mut after = apply(in_tx(tx, id, Entity::Live).await?, new)?;
            if after.stream_name.is_empty() {
                after.stream_name = stream_name(after.competition_id, now);
            }
            store::update(tx, &after).await?;
            Ok(Change { action: "create", entity: "lives", id, before: None, after: public(&after) })
        })
    })
    .await
}

/// Errors: `InvalidField`, `NotFound`.
pub async fn change(context: &Context, writer: Writer, id: i64, patch: LivePatch) -> Result<Answer> {
    write(context, writer, move |tx, _| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Live));
            }
            let before: LiveRecord = in_tx(tx, id, Entity::Live).await?;
            let after = apply(before.clone(), patch)?;
            store::update(tx, &after).await?;
            Ok(Change { action: "update", entity: "lives", id, before: public(&before), after: public(&after) })
        })
    })
    .await
}

/// Closes the live's room as well.
///
/// Errors: `NotFound(Live)`.
pub async fn delete(context: &Context, writer: Writer, id: i64) -> Result<Answer> {
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Live));
            }
            let before: LiveRecord = in_tx(tx, id, Entity::Live).await?;
            store::delete(tx, id, now).await?;
            Ok(Change { action: "delete", entity: "lives", id, before: public(&before), after: None })
        })
    })
    .await?;
    context.rooms.close(LiveId(id));
    Ok(answer)
}

fn apply(mut live: LiveRecord, patch: LivePatch) -> Result<LiveRecord> {
    let texts = [
        ("title", patch.title, &mut live.title, LINE),
        ("summary", patch.summary, &mut live.summary, TEXT),
        ("main_img_url", patch.main_img_url, &mut live.main_img_url, LINE * 5),
        ("stream_name", patch.stream_name, &mut live.stream_name, LINE),
        ("play_rtmp", patch.play_rtmp, &mut live.play_rtmp, LINE * 5),
        ("play_flv", patch.play_flv, &mut live.play_flv, LINE * 5),
        ("play_m3u8", patch.play_m3u8, &mut live.play_m3u8, LINE * 5),
    ];
    for (field, given, stored, most) in texts {
        if let Some(text) = given {
            check_length(field, &text, most)?;
            if field == "stream_name" && !text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)) {
                return Err(DomainError::field(field, "must have letters, digits, - and _ only"));
            }
            *stored = text;
        }
    }
    live.competition_id = patch.competition_id.unwrap_or(live.competition_id);
    live.live_status = patch.live_status.unwrap_or(live.live_status);
    live.online_show = patch.online_show.unwrap_or(live.online_show);
    live.publish_time = patch.publish_time.unwrap_or(live.publish_time);
    live.expire_time = patch.expire_time.unwrap_or(live.expire_time);
    check_line("title", &live.title)?;
    check_range("live_status", live.live_status, 0..=9)?;
    check_range("online_show", live.online_show, 0..=1)?;
    Ok(live)
}

/// What the encoder pushes to; nobody else's live has it within a second.
fn stream_name(competition: Option<i64>, now_ms: i64) -> String {
    let seconds = now_ms / 1000;
    competition.map_or(format!("notcompetition_{seconds}"), |id| format!("competition_{id}_{seconds}"))
}
