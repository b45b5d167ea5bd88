//! Bytes of request bodies that are in memory at the same time: bounded over the process, over callers who have not
//! proven who they are, and for each network address. Each body is bounded by its dialect; this bounds their sum.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actors::domain::caller_address::CallerAddress;
use actors::error::{DomainError, Result};

use super::address_key::AddressKey;
use crate::config::Config;

/// Strangers have this part of the whole, and this part of their address's share.
const STRANGERS_PART: usize = 4;
/// When whoever finds no room may try again.
const RETRY_AFTER_SECONDS: u32 = 2;

/// Refused for want of room.
pub const FULL: DomainError = DomainError::Busy { retry_after_seconds: RETRY_AFTER_SECONDS };

#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    pub bytes: usize,
    /// `usize::MAX` = any.
    pub per_address: usize,
}

impl BodyLimits {
    pub fn from_config(config: &Config) -> Self {
        let server = &config.server;
        let per_address = if config.limits.enabled { server.body_bytes_per_address } else { usize::MAX };
        Self { bytes: server.body_bytes, per_address }
    }
}

/// No key stays that holds nothing, so the maps have no more entries than there are bodies under way.
#[derive(Default)]
struct Held {
    bytes: usize,
    of_strangers: usize,
    /// All bytes of an address, and those of its strangers.
    addresses: HashMap<AddressKey, (usize, usize)>,
}

pub struct BodyBudget {
    limits: BodyLimits,
    held: Mutex<Held>,
}

impl BodyBudget {
    pub fn new(limits: BodyLimits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default() })
    }

    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The part of one body, empty at first and a stranger's.
    pub fn part(self: &Arc<Self>, address: CallerAddress) -> Part {
        Part { budget: Arc::clone(self), address: AddressKey::of(address), bytes: 0, stranger: true }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one body holds; given back when dropped.
pub struct Part {
    budget: Arc<BodyBudget>,
    address: AddressKey,
    bytes: usize,
    stranger: bool,
}

impl Part {
    /// Errors: `FULL`; nothing more is held then.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let BodyLimits { bytes: most, per_address } = self.budget.limits;
        let mut held = self.budget.lock();
        let (of_address, of_its_strangers) = held.addresses.get(&self.address).copied().unwrap_or_default();
        let over = held.bytes.saturating_add(bytes) > most || of_address.saturating_add(bytes) > per_address;
        let over_as_stranger = held.of_strangers.saturating_add(bytes) > most / STRANGERS_PART
            || of_its_strangers.saturating_add(bytes) > per_address / STRANGERS_PART;
        if over || (self.stranger && over_as_stranger) {
            return Err(FULL);
        }
        held.add(self.address, bytes, self.stranger);
        self.bytes += bytes;
        Ok(())
    }

    /// The caller has proven who they are.
    pub fn known(&mut self) {
        if self.stranger {
            let mut held = self.budget.lock();
            held.remove(self.address, self.bytes, true);
            held.add(self.address, self.bytes, false);
            drop(held);
            self.stranger = false;
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.budget.lock().remove(self.address, self.bytes, self.stranger);
    }
}

impl Held {
    fn add(&mut self, address: AddressKey, bytes: usize, stranger: bool) {
        if bytes == 0 {
            return;
        }
        let of_strangers = if stranger { bytes } else { 0 };
        self.bytes += bytes;
        self.of_strangers += of_strangers;
        let entry = self.addresses.entry(address).or_default();
        entry.0 += bytes;
        entry.1 += of_strangers;
    }

    fn remove(&mut self, address: AddressKey, bytes: usize, stranger: bool) {
        let of_strangers = if stranger { bytes } else { 0 };
        self.bytes -= bytes;
        self.of_strangers -= of_strangers;
        if let Some(entry) = self.addresses.get_mut(&address) {
            entry.0 -= bytes;
            entry.1 -= of_strangers;
            if entry.0 == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(last: u8) -> CallerAddress {
        CallerAddress::known(std::net::IpAddr::from([10, 0, 0, last]))
    }

    #[test]
    fn the_whole_and_each_address_are_bounded_and_a_dropped_body_makes_room() {
        let budget = BodyBudget::new(BodyLimits { bytes: 1_000, per_address: 400 });
        let mut first = budget.part(from(1));
        first.known();
        first.grow(400).unwrap();
        assert_eq!(first.grow(1), Err(FULL), "the address has its share");
        let mut others: Vec<Part> = (2..4).map(|last| budget.part(from(last))).collect();
        for part in &mut others {
            part.known();
            part.grow(300).unwrap();
        }
        let mut last = budget.part(from(9));
        last.known();
        assert_eq!(last.grow(1), Err(FULL), "the whole is full");
        drop(first);
        last.grow(400).unwrap();
        drop((others, last));
        assert_eq!(budget.bytes(), 0);
        assert!(budget.lock().addresses.is_empty());
    }

    #[test]
    fn strangers_leave_room_for_those_who_are_known() {
        let budget = BodyBudget::new(BodyLimits { bytes: 1_000, per_address: 400 });
        let mut strangers: Vec<Part> = (1..4).map(|last| budget.part(from(last))).collect();
        assert_eq!(strangers[0].grow(101), Err(FULL), "a quarter of the address's share");
        strangers[0].grow(100).unwrap();
        strangers[1].grow(100).unwrap();
        assert_eq!(strangers[2].grow(51), Err(FULL), "a quarter of the whole");
        strangers[0].known();
        strangers[2].grow(51).unwrap();
        strangers[0].grow(300).unwrap();
        assert_eq!(budget.bytes(), 551);
    }

    #[test]
    fn without_limits_per_address_the_whole_stays_bounded() {
        let budget = BodyBudget::new(BodyLimits { bytes: 1_000, per_address: usize::MAX });
        let mut part = budget.part(from(1));
        part.known();
        part.grow(1_000).unwrap();
        assert_eq!(part.grow(1), Err(FULL));
    }
}
