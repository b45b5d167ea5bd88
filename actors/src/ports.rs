//! What the actors need from outside, as traits. Implementations live in the server crate.

use bytes::Bytes;
use tokio::sync::broadcast;

/// Tells the other nodes. Everything it carries may be lost: a receiver that misses a message finds the truth in SQL.
pub trait Bus: Send + Sync {
    /// Hands a message to the bus without waiting; when the bus is down or behind, the message is dropped and counted.
    fn publish(&self, topic: Topic, payload: Bytes);

    /// Messages of the other nodes, not of this one. A receiver that lags gets `Lagged` and must re-read SQL.
    fn subscribe(&self) -> broadcast::Receiver<BusMessage>;

    /// Messages that were dropped so far.
    fn dropped(&self) -> u64 {
        0
    }

    /// Whether this process is the only node, so that nothing can change behind the actors' backs.
    fn is_single_node(&self) -> bool;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The line of a game moved or its places changed.
    Game(i64),
    /// New lines, deletions or modes of a room.
    Room(i64),
    /// Presence of a room on one node.
    Presence(i64),
    /// An account was disabled or erased: what is known of its sessions is no longer good.
    Account(i64),
}

#[derive(Debug, Clone)]
pub struct BusMessage {
    pub topic: Topic,
    pub payload: Bytes,
}
