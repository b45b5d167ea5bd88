//! Lives and their chat: what can be read of them, the rooms that run on this node, and what a session may ask.

mod addresses;
mod gate;
mod history;
mod in_progress;
mod line_rates;
mod news;
mod rooms;
mod sockets;
mod viewers;

use std::time::Instant;

use actors::domain::chat::{Live, Presence};
use actors::domain::ids::LiveId;
use actors::error::{DomainError, Entity, Result};

use crate::context::Context;
use crate::service::browse::Watched;
use crate::store::sql::chat;

pub use addresses::{Addresses, playback, push};
pub use gate::LiveGate;
pub use history::{HistoryReads, history, last_lines};
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

/// Who is in the room now, over all nodes. Asks nobody: the rooms of all nodes tell their numbers. A live whose room runs
/// nowhere, an unknown one included, has nobody.
pub fn online(context: &Context, id: LiveId) -> Result<Presence> {
    Ok(context.rooms.board().room(id, Instant::now()))
}
