//! Lives and their chat: what can be read of them, the rooms that run on this node, and what a session may ask.

mod addresses;
mod gate;
mod in_progress;
mod line_rates;
mod news;
mod rooms;
mod sockets;
mod viewers;

use std::time::Instant;

use actors::domain::chat::{Live, Presence, Publication};
use actors::domain::ids::LiveId;
use actors::error::{DomainError, Entity, Result};

use crate::context::Context;
use crate::service::browse::Watched;
use crate::store::sql::chat;

pub use addresses::{Addresses, playback, push};
pub use gate::LiveGate;
pub use in_progress::InProgress;
pub use news::follow_bus;
pub use rooms::Rooms;
pub use sockets::{Admitted, SocketLimits, Sockets};
pub use viewers::{ViewerCache, Viewers, shown_online, viewers};

/// A live that is not deleted, with the openings that are counted and not stored yet.
///
/// Errors: `NotFound(Live)`.
pub async fn detail(context: &Context, id: LiveId) -> Result<Live> {
    let counts = context.browse.reading().await;
    let mut live = chat::find_live(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Live))?;
    live.browse_num = counts.total(Watched::Live(id.0), live.browse_num);
    live.show_at(context.db.now_ms());
    Ok(live)
}

/// The newest `limit` lines that can be shown, oldest first.
///
/// Errors: `NotFound(Live)`.
pub async fn last_lines(context: &Context, id: &LiveId, limit: u32) -> Result<Vec<Publication>> {
    history(context, *id, None, limit).await
}

/// Up to `limit` lines before the offset `before` (the newest without it), oldest first.
///
/// Errors: `NotFound(Live)`.
pub async fn history(context: &Context, id: LiveId, before: Option<i64>, limit: u32) -> Result<Vec<Publication>> {
    detail(context, id).await?;
    chat::lines_before(&context.db, id, before.unwrap_or(i64::MAX), limit).await
}

/// Who is in the room now, over all nodes. Asks nobody: the rooms of all nodes tell their numbers. A live whose room runs
/// nowhere, an unknown one included, has nobody.
pub fn online(context: &Context, id: LiveId) -> Result<Presence> {
    Ok(context.rooms.board().room(id, Instant::now()))
}
