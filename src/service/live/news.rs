//! Brings what other nodes tell to the rooms that run here.

use std::sync::Arc;
use std::time::Instant;

use actors::chat_room::BusNews;
use actors::domain::ids::LiveId;
use actors::ports::{BusMessage, Topic};
use tokio::sync::broadcast::error::RecvError;

use crate::context::Context;

/// Runs until the bus ends. What is lost on the way (a lag, a full mailbox) the rooms find in SQL within a second.
pub async fn follow_bus(context: Arc<Context>) {
    let mut news = context.bus.subscribe();
    loop {
        match news.recv().await {
            Ok(message) => deliver(&context, message),
            Err(RecvError::Lagged(lost)) => tracing::warn!(lost, "behind the news of other nodes"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn deliver(context: &Context, message: BusMessage) {
    match message.topic {
        Topic::Room(id) => {
            if let Some(room) = context.rooms.running(LiveId(id))
                && room.try_send(BusNews(message.payload)).is_err()
            {
                tracing::debug!(room = id, "room too busy for news");
            }
        }
        Topic::Presence(id) => {
            let board = context.rooms.board();
            board.hear(LiveId(id), &message.payload, Instant::now());
        }
        Topic::Account(_) => context.sessions.clear(),
        Topic::Game(_) => {}
    }
}
