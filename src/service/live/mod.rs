//! Lives and their chat: what can be read of them, the rooms that run on this node, and what a session may ask.

mod addresses;
mod gate;
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
use crate::store::sql::chat;

pub use addresses::{Addresses, playback, push};
pub use gate::LiveGate;
pub use news::follow_bus;
pub use rooms::Rooms;
pub use sockets::{Admitted, SocketLimits, Sockets};
pub use viewers::{ViewerCache, Viewers, viewers};

/// A live that is not deleted.
///
/// Errors: `NotFound(Live)`.
pub async fn detail(context: &Context, id: LiveId) -> Result<Live> {
    chat::find_live(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Live))
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

/// Who is in the room now, over all nodes. Asks nobody: the rooms keep the numbers up to date. A live without a room
/// that runs, an unknown one included, has nobody.
pub fn online(context: &Context, id: LiveId) -> Result<Presence> {
    Ok(context.rooms.board().room(id, Instant::now()))
}
