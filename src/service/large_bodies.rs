//! Room for the bodies of files while they arrive. A body takes room as its bytes come, so that a slow sender holds no more
//! than it has sent; one administrator has a few at a time, so that nobody takes all of the room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actors::domain::account::Admin;
use actors::error::{DomainError, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// KiB of all bodies together: six of the largest files.
const MOST_KIB: usize = 60 * 1024;
/// Bodies of one administrator that arrive or are worked on at the same time.
const MOST_OF_ONE: usize = 4;

pub struct LargeBodies {
    kib: Arc<Semaphore>,
    open: Arc<Mutex<HashMap<i64, usize>>>,
}

impl Default for LargeBodies {
    fn default() -> Self {
        Self { kib: Arc::new(Semaphore::new(MOST_KIB)), open: Arc::default() }
    }
}

/// The room of one body. It is free again when this is dropped: keep it as long as the bytes.
pub struct Room {
    kib: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
    bytes: usize,
    open: Arc<Mutex<HashMap<i64, usize>>>,
    admin: i64,
}

impl LargeBodies {
    /// Errors: `Busy` for an administrator who has enough of them open.
    pub fn begin(&self, admin: &Admin) -> Result<Room> {
        let admin = admin.id.0;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(admin).or_default();
        if *count == MOST_OF_ONE {
            return Err(DomainError::BUSY);
        }
        *count += 1;
        Ok(Room { kib: self.kib.clone(), taken: None, bytes: 0, open: self.open.clone(), admin })
    }

    /// How many arrive or are worked on.
    pub fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Room {
    /// Takes room for more bytes.
    ///
    /// Errors: `Busy` when there is none.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let before = self.bytes.div_ceil(1024);
        self.bytes += bytes;
        let more = u32::try_from(self.bytes.div_ceil(1024) - before).map_err(|_| DomainError::TooLarge)?;
        let more = self.kib.clone().try_acquire_many_owned(more).map_err(|_| DomainError::BUSY)?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.admin) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.admin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actors::domain::account::Role;
    use actors::domain::ids::AdminId;

    use super::*;

    fn admin(id: i64) -> Admin {
        Admin { id: AdminId(id), username: format!("admin {id}"), role: Role::Editor }
    }

    #[test]
    fn one_administrator_has_a_few_and_gives_them_back() {
        let bodies = LargeBodies::default();
        let mut rooms: Vec<Room> = (0..MOST_OF_ONE).map(|_| bodies.begin(&admin(1)).unwrap()).collect();
        assert_eq!(bodies.begin(&admin(1)).err(), Some(DomainError::BUSY));
        assert!(bodies.begin(&admin(2)).is_ok());
        rooms.pop();
        assert!(bodies.begin(&admin(1)).is_ok());
        drop(rooms);
        assert!(bodies.open.lock().unwrap().is_empty(), "nobody is remembered");
    }

    #[test]
    fn room_is_taken_as_bytes_arrive_and_is_bounded() {
        let bodies = LargeBodies::default();
        let mut slow = bodies.begin(&admin(1)).unwrap();
        slow.grow(10).unwrap();
        slow.grow(10).unwrap();
        assert_eq!(bodies.kib.available_permits(), MOST_KIB - 1, "20 bytes are one KiB");
        let mut large = bodies.begin(&admin(2)).unwrap();
        large.grow((MOST_KIB - 1) * 1024).unwrap();
        assert_eq!(slow.grow(1024), Err(DomainError::BUSY));
        drop(large);
        assert_eq!(slow.grow(1024), Ok(()));
        drop(slow);
        assert_eq!(bodies.kib.available_permits(), MOST_KIB);
    }
}
