//! Key → live actor. Starts an actor on first use, on one of a few dedicated arbiters, and replaces one that died: a
//! handler that panics leaves its address dead, and the next request gets a fresh actor that rebuilds itself from SQL.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::prelude::*;

type Factory<K, A> = Box<dyn Fn(&K) -> A + Send + Sync>;

pub struct Directory<K, A: Actor<Context = Context<A>>> {
    live: RwLock<HashMap<K, Addr<A>>>,
    arbiters: Vec<ArbiterHandle>,
    next: AtomicUsize,
    mailbox_capacity: usize,
    make: Factory<K, A>,
}

impl<K, A> Directory<K, A>
where
    K: Eq + Hash + Copy + Send + 'static,
    A: Actor<Context = Context<A>> + Send,
{
    /// The number of keys must be bounded by the caller (rows that exist), since entries are only replaced.
    pub fn new(
        arbiters: Vec<ArbiterHandle>,
        mailbox_capacity: usize,
        make: impl Fn(&K) -> A + Send + Sync + 'static,
    ) -> Self {
        assert!(!arbiters.is_empty(), "a directory needs an arbiter to run its actors on");
        Self { live: RwLock::default(), arbiters, next: AtomicUsize::new(0), mailbox_capacity, make: Box::new(make) }
    }

    /// The running actor for `key`, if there is one.
    pub fn get(&self, key: &K) -> Option<Addr<A>> {
        let live = self.live.read().unwrap_or_else(|poison| poison.into_inner());
        live.get(key).filter(|address| address.connected()).cloned()
    }

    /// The actor for `key`, started if it does not run.
    pub fn get_or_start(&self, key: K) -> Addr<A> {
        if let Some(address) = self.get(&key) {
            return address;
        }
        let mut live = self.live.write().unwrap_or_else(|poison| poison.into_inner());
        if let Some(address) = live.get(&key).filter(|address| address.connected()) {
            return address.clone();
        }
        let actor = (self.make)(&key);
        let arbiter = &self.arbiters[self.next.fetch_add(1, Ordering::Relaxed) % self.arbiters.len()];
        let capacity = self.mailbox_capacity;
        let address = A::start_in_arbiter(arbiter, move |context| {
            context.set_mailbox_capacity(capacity);
            actor
        });
        live.insert(key, address.clone());
        address
    }

    /// All actors that run now.
    pub fn all(&self) -> Vec<(K, Addr<A>)> {
        let live = self.live.read().unwrap_or_else(|poison| poison.into_inner());
        live.iter().filter(|(_, address)| address.connected()).map(|(key, address)| (*key, address.clone())).collect()
    }
}
