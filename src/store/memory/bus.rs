//! The bus of a single node: nobody to tell.

use actors::ports::{Bus, BusMessage, Topic};
use bytes::Bytes;
use tokio::sync::broadcast;

pub struct MemoryBus {
    /// Kept so that subscribers wait instead of seeing an end.
    news: broadcast::Sender<BusMessage>,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self {
            news: broadcast::channel(1).0,
        }
    }
}

impl Bus for MemoryBus {
    fn publish(&self, _: Topic, _: Bytes) {}

    fn subscribe(&self) -> broadcast::Receiver<BusMessage> {
        self.news.subscribe()
    }

    fn is_single_node(&self) -> bool {
        true
    }
}
