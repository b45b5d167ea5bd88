//! The bus of a single node: there is nobody else to tell, and nothing is ever heard.

use actors::ports::{Bus, BusMessage, Topic};
use bytes::Bytes;
use tokio::sync::broadcast;

pub struct MemoryBus {
    /// Kept so that a receiver waits instead of finding the channel closed.
    sender: broadcast::Sender<BusMessage>,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(1) }
    }
}

impl Bus for MemoryBus {
    fn publish(&self, _topic: Topic, _payload: Bytes) {}

    fn subscribe(&self) -> broadcast::Receiver<BusMessage> {
        self.sender.subscribe()
    }

    fn is_single_node(&self) -> bool {
        true
    }
}
