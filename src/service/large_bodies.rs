//! Files of administrators that arrive or are worked on. One administrator has a few at a time, so that nobody takes all of
//! the turns; their bytes are in the budget of all request bodies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actors::domain::account::Admin;
use actors::error::{DomainError, Result};

/// Bodies of one administrator that arrive or are worked on at the same time.
const MOST_OF_ONE: usize = 4;

#[derive(Default)]
pub struct LargeBodies {
    open: Arc<Mutex<HashMap<i64, usize>>>,
}

/// The place of one file. It is free again when this is dropped: keep it as long as the bytes.
pub struct Room {
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
        Ok(Room { open: self.open.clone(), admin })
    }

    /// How many arrive or are worked on.
    pub fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
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
}
