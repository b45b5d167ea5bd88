//! Pushes the states of watched queue tokens into sockets. One loop looks at all of them once a second; a watch ends
//! when its token is decided, its guard is dropped or its socket is gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use actors::chat_room::Event;
use actors::domain::queue::QueueStanding;
use actors::error::{DomainError, Result};
use actors::outbox::Outbox;
use actors::user_session::{QueueWatch, Watching};
use async_trait::async_trait;
use tokio::time::MissedTickBehavior;

use crate::context::Context;
use crate::service::registration::Follower;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Tokens looked at before others get their turn on the thread.
const AT_ONCE: usize = 256;

struct Watch {
    token: Arc<str>,
    outbox: Weak<Outbox>,
    follower: Option<Follower>,
}

type Open = Arc<Mutex<HashMap<u64, Watch>>>;

/// Bounded by the open sockets and the watches a session may have.
pub struct QueueWatches {
    context: Weak<Context>,
    open: Open,
    next: AtomicU64,
}

struct Guard {
    id: u64,
    open: Open,
}

impl QueueWatches {
    pub fn new(context: Weak<Context>) -> Self {
        Self { context, open: Open::default(), next: AtomicU64::new(0) }
    }

    /// Looks after all watches for as long as it is polled.
    pub async fn run(&self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(context) = self.context.upgrade() else { return };
            let watched: Vec<(u64, Arc<str>, Weak<Outbox>)> = {
                let open = lock(&self.open);
                open.iter().map(|(id, watch)| (*id, watch.token.clone(), watch.outbox.clone())).collect()
            };
            for (index, (id, token, outbox)) in watched.into_iter().enumerate() {
                if index % AT_ONCE == AT_ONCE - 1 {
                    tokio::task::yield_now().await;
                }
                match outbox.upgrade().filter(|outbox| outbox.is_open()) {
                    Some(outbox) => self.look(&context, id, &token, &outbox).await,
                    None => drop(lock(&self.open).remove(&id)),
                }
            }
        }
    }

    async fn look(&self, context: &Context, id: u64, token: &str, outbox: &Outbox) {
        // Taken out for the look, so that no lock is held over it.
        let Some(mut follower) = lock(&self.open).get_mut(&id).and_then(|watch| watch.follower.take()) else { return };
        let news = follower.look(context).await;
        let is_over = follower.is_over();
        if let Ok(Some(standing)) = &news {
            tell(context, outbox, token, standing);
        }
        let mut open = lock(&self.open);
        let Some(watch) = open.get_mut(&id) else { return };
        watch.follower = Some(follower);
        match news {
            Err(error @ DomainError::InvalidQueueToken) => {
                let event = Event::Refused { error: &error, client_id: None };
                outbox.push(event.frame(context.rooms.wire()));
                open.remove(&id);
            }
            Ok(_) if is_over => drop(open.remove(&id)),
            // The next second looks again.
            Ok(_) | Err(_) => {}
        }
    }
}

fn tell(context: &Context, outbox: &Outbox, token: &str, standing: &QueueStanding) {
    outbox.push(Event::Queue { token, standing }.frame(context.rooms.wire()));
}

fn lock(open: &Open) -> MutexGuard<'_, HashMap<u64, Watch>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl QueueWatch for QueueWatches {
    async fn watch(&self, token: &str, outbox: &Arc<Outbox>) -> Result<Box<dyn Watching>> {
        let context = self.context.upgrade().ok_or(DomainError::BUSY)?;
        let mut follower = Follower::new(&context, token);
        if let Some(standing) = follower.look(&context).await? {
            tell(&context, outbox, token, &standing);
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        if !follower.is_over() {
            let watch = Watch { token: token.into(), outbox: Arc::downgrade(outbox), follower: Some(follower) };
            lock(&self.open).insert(id, watch);
        }
        Ok(Box::new(Guard { id, open: Arc::clone(&self.open) }))
    }

    fn watched(&self) -> usize {
        lock(&self.open).len()
    }
}

impl Watching for Guard {
    fn is_over(&self) -> bool {
        !lock(&self.open).contains_key(&self.id)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.id);
    }
}
