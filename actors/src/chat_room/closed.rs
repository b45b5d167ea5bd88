//! The rooms that take nobody any more because their live was deleted. Shared by the rooms of a node and by those who
//! open them, so that a refusal needs no look into the database.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use crate::domain::ids::LiveId;

/// Bounded by the lives that were deleted while the node ran.
#[derive(Default)]
pub struct ClosedRooms {
    rooms: RwLock<HashSet<LiveId>>,
}

impl ClosedRooms {
    pub fn close(&self, room: LiveId) {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner).insert(room);
    }

    pub fn contains(&self, room: LiveId) -> bool {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner).contains(&room)
    }
}
