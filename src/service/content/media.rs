//! Videos and lives. What is counted as opened and not stored yet is in every number that is read here.

use actors::domain::chat::Live;
use actors::domain::ids::LiveId;
use actors::error::{DomainError, Entity, Result};

use super::{Filter, Page, Playable, Video, Window};
use crate::context::Context;
use crate::service::browse::Watched;
use crate::store::sql::content::media as store;

/// Errors: `NotFound(Video)`.
pub async fn video(context: &Context, id: i64) -> Result<Video> {
    let counts = context.browse.reading().await;
    let mut video = store::find_video(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Video))?;
    video.browse_num = counts.total(Watched::Video(id), video.browse_num);
    Ok(video)
}

pub async fn videos(context: &Context, filter: &Filter, window: Window) -> Result<Page<Video>> {
    let counts = context.browse.reading().await;
    let mut page = store::videos(&context.db, filter, window).await?;
    for video in &mut page.rows {
        video.browse_num = counts.total(Watched::Video(video.id), video.browse_num);
    }
    Ok(page)
}

pub async fn lives(context: &Context, filter: &Filter, window: Window) -> Result<Page<Live>> {
    let counts = context.browse.reading().await;
    let mut page = store::lives(&context.db, filter, window).await?;
    for live in &mut page.rows {
        live.browse_num = counts.total(Watched::Live(live.id.0), live.browse_num);
        live.show_at(context.db.now_ms());
    }
    Ok(page)
}

/// Lives and videos in one list.
pub async fn playable(context: &Context, filter: &Filter, window: Window) -> Result<Page<Playable>> {
    let counts = context.browse.reading().await;
    let mut page = store::playable(&context.db, filter, window).await?;
    for row in &mut page.rows {
        match row {
            Playable::Live(live) => {
                live.browse_num = counts.total(Watched::Live(live.id.0), live.browse_num);
                live.show_at(context.db.now_ms());
            }
            Playable::Video(video) => video.browse_num = counts.total(Watched::Video(video.id), video.browse_num),
        }
    }
    Ok(page)
}

/// Counts one opening.
///
/// Errors: `NotFound`, `Busy`.
pub async fn opened(context: &Context, watched: Watched) -> Result<()> {
    let (exists, entity) = match watched {
        Watched::Video(id) => (store::video_exists(&context.db, id).await?, Entity::Video),
        Watched::Live(id) => (store::live_exists(&context.db, LiveId(id)).await?, Entity::Live),
    };
    if !exists {
        return Err(DomainError::NotFound(entity));
    }
    context.browse.count(watched)
}
