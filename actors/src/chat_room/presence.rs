//! Who is in which room, over all nodes. Each room writes its own numbers here; what other nodes tell is kept with a
//! time to live, so that the people of a dead node vanish.

use std::collections::HashMap;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::domain::chat::Presence;
use crate::domain::ids::LiveId;

/// How often a node repeats its numbers.
pub const PRESENCE_REFRESH: Duration = Duration::from_secs(10);
/// How long a node's numbers are believed.
pub const PRESENCE_TTL: Duration = Duration::from_secs(30);

/// What one node tells the others about a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePresence {
    pub node: u64,
    pub presence: Presence,
}

#[derive(Default)]
struct RoomNumbers {
    local: Presence,
    remote: HashMap<u64, (Presence, Instant)>,
}

impl RoomNumbers {
    fn remote(&self, now: Instant) -> Presence {
        let mut total = Presence::default();
        for (presence, heard) in self.remote.values() {
            if now.duration_since(*heard) < PRESENCE_TTL {
                total += *presence;
            }
        }
        total
    }

    fn total(&self, now: Instant) -> Presence {
        let mut total = self.remote(now);
        total += self.local;
        total
    }
}

#[derive(Default)]
pub struct OnlineBoard {
    rooms: RwLock<HashMap<LiveId, RoomNumbers>>,
}

impl OnlineBoard {
    /// The people of a room on all nodes. A person on two nodes counts on both.
    pub fn room(&self, room: LiveId, now: Instant) -> Presence {
        let rooms = self.read();
        rooms.get(&room).map_or_else(Presence::default, |numbers| numbers.total(now))
    }

    /// The people of a room on this node.
    pub fn local(&self, room: LiveId) -> Presence {
        self.read().get(&room).map_or_else(Presence::default, |numbers| numbers.local)
    }

    /// The people of a room on the other nodes.
    pub fn remote(&self, room: LiveId, now: Instant) -> Presence {
        let rooms = self.read();
        rooms.get(&room).map_or_else(Presence::default, |numbers| numbers.remote(now))
    }

    /// The people of all rooms on all nodes.
    pub fn everywhere(&self, now: Instant) -> Presence {
        let mut total = Presence::default();
        for numbers in self.read().values() {
            total += numbers.total(now);
        }
        total
    }

    pub fn set_local(&self, room: LiveId, presence: Presence) {
        self.write().entry(room).or_default().local = presence;
    }

    /// Takes the payload of `Topic::Presence`; an unreadable one is another version's and is ignored.
    pub fn hear(&self, room: LiveId, payload: &[u8], now: Instant) {
        let Ok(told) = serde_json::from_slice::<NodePresence>(payload) else {
            return;
        };
        let mut rooms = self.write();
        let remote = &mut rooms.entry(room).or_default().remote;
        if told.presence == Presence::default() {
            remote.remove(&told.node);
        } else {
            remote.insert(told.node, (told.presence, now));
        }
        remote.retain(|_, (_, heard)| now.duration_since(*heard) < PRESENCE_TTL);
    }

    /// Whether `node` has told of anybody in this room lately.
    pub fn knows_node(&self, room: LiveId, node: u64, now: Instant) -> bool {
        let rooms = self.read();
        rooms
            .get(&room)
            .and_then(|numbers| numbers.remote.get(&node))
            .is_some_and(|(_, heard)| now.duration_since(*heard) < PRESENCE_TTL)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<LiveId, RoomNumbers>> {
        self.rooms.read().unwrap_or_else(|poison| poison.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<LiveId, RoomNumbers>> {
        self.rooms.write().unwrap_or_else(|poison| poison.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: LiveId = LiveId(1);

    fn told(node: u64, connections: i64) -> Vec<u8> {
        let presence = Presence { connections, users: connections, guests: 0 };
        serde_json::to_vec(&NodePresence { node, presence }).unwrap()
    }

    #[test]
    fn numbers_of_all_nodes_add_up_and_a_silent_node_vanishes() {
        let board = OnlineBoard::default();
        let start = Instant::now();
        let local = Presence { connections: 2, users: 1, guests: 1 };
        board.set_local(ROOM, local);
        board.hear(ROOM, &told(7, 3), start);
        board.hear(ROOM, &told(8, 4), start + PRESENCE_REFRESH);
        board.hear(ROOM, b"not json", start);
        assert_eq!(board.room(ROOM, start + PRESENCE_REFRESH).connections, 2 + 3 + 4);
        assert_eq!(board.everywhere(start + PRESENCE_REFRESH).users, 1 + 3 + 4);
        assert!(board.knows_node(ROOM, 7, start));
        assert_eq!(board.room(ROOM, start + PRESENCE_TTL).connections, 2 + 4);
        assert!(!board.knows_node(ROOM, 7, start + PRESENCE_TTL));
        board.hear(ROOM, &told(8, 0), start + PRESENCE_REFRESH);
        assert_eq!(board.room(ROOM, start + PRESENCE_TTL), local);
        assert_eq!(board.room(LiveId(2), start), Presence::default());
    }
}
