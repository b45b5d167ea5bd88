//! The sockets that are open on this node: how many an address and an account have, and the way to close them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Instant;

use actors::domain::caller_address::CallerAddress;
use actors::domain::chat::ConnectionId;
use actors::domain::ids::AccountId;
use actors::error::{DomainError, Result};
use actors::outbox::Outbox;
use bytes::Bytes;

use super::line_rates::SharedRates;
use crate::config::Config;
use crate::service::address_key::AddressKey;
use crate::service::counts::{count, discount};

/// Counts one address or account may reach; `u32::MAX` = any.
#[derive(Debug, Clone, Copy)]
pub struct SocketLimits {
    pub per_account: u32,
    pub per_address: u32,
    /// Requests in 30 s that sockets without an account may make, all of one address.
    pub lookups: u32,
}

impl SocketLimits {
    pub fn from_config(config: &Config) -> Self {
        if !config.limits.enabled {
            return Self { per_account: u32::MAX, per_address: u32::MAX, lookups: u32::MAX };
        }
        let chat = &config.chat;
        Self {
            per_account: chat.sockets_per_account,
            per_address: chat.sockets_per_address,
            lookups: chat.lookups_per_30_seconds_per_address,
        }
    }
}

#[derive(Default)]
struct Open {
    stopping: bool,
    outboxes: HashMap<u64, Weak<Outbox>>,
    addresses: HashMap<AddressKey, u32>,
    accounts: HashMap<AccountId, u32>,
}

impl Open {
    /// Drawn, so that neighbours do not count the sockets of a server.
    fn new_connection(&self, node: u32) -> ConnectionId {
        loop {
            let id = u64::from(node) << 32 | u64::from(rand::random::<u32>());
            if !self.outboxes.contains_key(&id) {
                return ConnectionId(id);
            }
        }
    }
}

pub struct Sockets {
    limits: SocketLimits,
    node: u32,
    open: Arc<Mutex<Open>>,
    lines: Arc<SharedRates<AccountId>>,
    lookups: Arc<SharedRates<AddressKey>>,
}

impl Sockets {
    /// `node` makes connection ids unique over nodes and restarts.
    pub fn new(limits: SocketLimits, node: u32) -> Self {
        let now = Instant::now();
        let (lines, lookups) = (Arc::new(SharedRates::new(now)), Arc::new(SharedRates::new(now)));
        Self { limits, node, open: Arc::default(), lines, lookups }
    }

    /// Counts a socket in.
    ///
    /// Errors: `RateLimited` when its address has too many, `Busy` while the server stops.
    pub fn admit(&self, address: CallerAddress, outbox: &Arc<Outbox>) -> Result<Admitted> {
        let mut open = lock(&self.open);
        if open.stopping {
            return Err(DomainError::BUSY);
        }
        count(&mut open.addresses, AddressKey::of(address), self.limits.per_address)?;
        let connection = open.new_connection(self.node);
        open.outboxes.insert(connection.0, Arc::downgrade(outbox));
        Ok(Admitted {
            connection,
            address,
            account: None,
            open: Arc::clone(&self.open),
            lines: Arc::clone(&self.lines),
            lookups: Arc::clone(&self.lookups),
            most_lookups: self.limits.lookups,
            per_account: self.limits.per_account,
        })
    }

    pub fn count(&self) -> usize {
        lock(&self.open).outboxes.len()
    }

    /// Closes all sockets with `frame` and refuses new ones. The bodies end at once, so that a stop waits for no reader.
    pub fn close_all(&self, frame: &Bytes) {
        let outboxes: Vec<Arc<Outbox>> = {
            let mut open = lock(&self.open);
            open.stopping = true;
            open.outboxes.values().filter_map(Weak::upgrade).collect()
        };
        for outbox in outboxes {
            outbox.close(frame.clone());
            outbox.finish();
        }
    }
}

/// A socket's place in the counts; gives it back when dropped.
pub struct Admitted {
    pub connection: ConnectionId,
    address: CallerAddress,
    account: Option<AccountId>,
    per_account: u32,
    open: Arc<Mutex<Open>>,
    lines: Arc<SharedRates<AccountId>>,
    lookups: Arc<SharedRates<AddressKey>>,
    most_lookups: u32,
}

impl Admitted {
    pub fn address(&self) -> CallerAddress {
        self.address
    }

    /// Counts the socket for `account` instead of the one before.
    ///
    /// Errors: `RateLimited` when the account has too many; nothing is changed.
    pub fn belongs_to(&mut self, account: AccountId) -> Result<()> {
        if self.account == Some(account) {
            return Ok(());
        }
        let mut open = lock(&self.open);
        count(&mut open.accounts, account, self.per_account)?;
        if let Some(before) = self.account.replace(account) {
            discount(&mut open.accounts, before);
        }
        Ok(())
    }

    /// Takes a line from the rate that all sockets of `account` on this node share, also those that were closed.
    ///
    /// Errors: `RateLimited` when `limit` lines were taken in 30 s.
    pub fn take_line(&self, account: AccountId, limit: u32, now: Instant) -> Result<()> {
        self.lines.take(account, limit, now)
    }

    /// Takes a request from the rate that the sockets of this address without an account share.
    ///
    /// Errors: `RateLimited`.
    pub fn take_lookup(&self, now: Instant) -> Result<()> {
        match self.most_lookups {
            u32::MAX => Ok(()),
            most => self.lookups.take(AddressKey::of(self.address), most, now),
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.outboxes.remove(&self.connection.0);
        discount(&mut open.addresses, AddressKey::of(self.address));
        if let Some(account) = self.account {
            discount(&mut open.accounts, account);
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(|poison| poison.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: CallerAddress = CallerAddress::Unknown;

    fn outbox() -> Arc<Outbox> {
        Arc::new(Outbox::new(100, Bytes::new()))
    }

    fn limits(per_account: u32, per_address: u32) -> SocketLimits {
        SocketLimits { per_account, per_address, lookups: 2 }
    }

    #[test]
    fn an_ipv6_household_is_one_address() {
        let sockets = Sockets::new(limits(5, 2), 7);
        let outbox = outbox();
        let admit = |text: &str| sockets.admit(CallerAddress::known(text.parse().unwrap()), &outbox);
        let held = [admit("2001:db8::1"), admit("2001:db8::2")];
        assert!(held.iter().all(Result::is_ok) && admit("2001:db8::3").is_err());
        assert!(admit("2001:db8:0:1::1").is_ok());
        drop(held);
        assert!(admit("2001:db8::3").is_ok());
    }

    #[test]
    fn an_address_has_so_many_sockets_and_a_closed_one_makes_room() {
        let sockets = Sockets::new(limits(5, 2), 7);
        let outbox = outbox();
        let first = sockets.admit(ADDRESS, &outbox).unwrap();
        let second = sockets.admit(ADDRESS, &outbox).unwrap();
        assert_ne!(first.connection, second.connection);
        assert_eq!(first.connection.0 >> 32, 7);
        assert!(sockets.admit(ADDRESS, &outbox).is_err());
        drop(first);
        let third = sockets.admit(ADDRESS, &outbox).unwrap();
        assert_eq!(sockets.count(), 2);
        drop((second, third));
        assert_eq!(sockets.count(), 0);
        assert!(lock(&sockets.open).addresses.is_empty());
        let unlimited = Sockets::new(limits(u32::MAX, u32::MAX), 7);
        let many: Vec<_> = (0..10).map(|_| unlimited.admit(ADDRESS, &outbox).unwrap()).collect();
        assert_eq!(unlimited.count(), many.len());
    }

    #[test]
    fn sockets_of_an_address_share_what_they_may_ask() {
        let sockets = Sockets::new(limits(5, 5), 7);
        let (outbox, now) = (outbox(), Instant::now());
        let first = sockets.admit(ADDRESS, &outbox).unwrap();
        let second = sockets.admit(ADDRESS, &outbox).unwrap();
        let other = sockets.admit(CallerAddress::known("10.0.0.9".parse().unwrap()), &outbox).unwrap();
        first.take_lookup(now).unwrap();
        second.take_lookup(now).unwrap();
        drop(second);
        let third = sockets.admit(ADDRESS, &outbox).unwrap();
        assert!(first.take_lookup(now).is_err() && third.take_lookup(now).is_err());
        other.take_lookup(now).unwrap();
    }

    #[test]
    fn an_account_has_so_many_sockets() {
        let sockets = Sockets::new(limits(1, 10), 7);
        let outbox = outbox();
        let mut first = sockets.admit(ADDRESS, &outbox).unwrap();
        let mut second = sockets.admit(ADDRESS, &outbox).unwrap();
        first.belongs_to(AccountId(1)).unwrap();
        first.belongs_to(AccountId(1)).unwrap();
        assert!(second.belongs_to(AccountId(1)).is_err());
        first.belongs_to(AccountId(2)).unwrap();
        second.belongs_to(AccountId(1)).unwrap();
        drop((first, second));
        assert!(lock(&sockets.open).accounts.is_empty());
    }

    #[test]
    fn after_the_stop_all_are_closed_and_none_is_admitted() {
        let sockets = Sockets::new(limits(5, 5), 7);
        let outbox = outbox();
        let _admitted = sockets.admit(ADDRESS, &outbox).unwrap();
        sockets.close_all(&Bytes::from_static(b"1012"));
        assert!(!outbox.is_open());
        assert_eq!(sockets.admit(ADDRESS, &outbox).err(), Some(DomainError::BUSY));
    }
}
