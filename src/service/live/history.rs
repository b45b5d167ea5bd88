//! Lines that were said before: from the memory of the room that runs here, as far as it reaches, else from SQL, where
//! callers who ask for the same share one read. Guests may ask, and thousands do at the same moment.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actors::ask::ask;
use actors::chat_room::History;
use actors::domain::chat::Publication;
use actors::domain::ids::LiveId;
use actors::error::{DomainError, Entity, Result};
use futures_util::FutureExt as _;
use futures_util::future::Shared;

use crate::context::Context;
use crate::store::sql::chat;
use crate::store::sql::db::BoxFuture;

type Lines = Arc<Vec<Publication>>;
/// Room, offset before which, and how many.
type Question = (LiveId, Option<i64>, u32);

/// Old lines that are being read from SQL.
#[derive(Default)]
pub struct HistoryReads(Joined<Question, Lines>);

/// The newest `limit` lines that can be shown, oldest first.
///
/// Errors: `NotFound(Live)`, `Busy`.
pub async fn last_lines(context: &Context, id: &LiveId, limit: u32) -> Result<Vec<Publication>> {
    history(context, *id, None, limit).await
}

/// Up to `limit` lines before the offset `before` (the newest without it), oldest first.
///
/// Errors: `NotFound(Live)`, `Busy`.
pub async fn history(context: &Context, id: LiveId, before: Option<i64>, limit: u32) -> Result<Vec<Publication>> {
    if let Some(room) = context.rooms.running(id) {
        match ask(&room, |reply| History { before, limit, reply }).await {
            Ok(Some(lines)) => return Ok(lines),
            Err(gone @ DomainError::NotFound(_)) => return Err(gone),
            // It does not reach back that far, or is too busy.
            Ok(None) | Err(_) => {}
        }
    }
    let db = context.db.clone();
    let read = async move {
        // Only whether it is there: nobody shows the live itself.
        chat::find_live(&db, id).await?.ok_or(DomainError::NotFound(Entity::Live))?;
        chat::lines_before(&db, id, before.unwrap_or(i64::MAX), limit).await.map(Arc::new)
    };
    let lines = context.histories.0.join((id, before, limit), read).await?;
    Ok(Arc::unwrap_or_clone(lines))
}

type Reads<K, T> = HashMap<K, Shared<BoxFuture<'static, Result<T>>>>;

/// Work that callers with the same question do once. Holds no more than the callers who wait.
struct Joined<K: Eq + Hash, T>(Mutex<Reads<K, T>>);

impl<K: Eq + Hash, T> Default for Joined<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone, T: Clone + Send + Sync + 'static> Joined<K, T> {
    /// The outcome of the work under way for `key`, else of `work`.
    async fn join(&self, key: K, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let waiting = {
            let mut reads = self.lock();
            let read = reads.entry(key.clone()).or_insert_with(|| {
                let work: BoxFuture<'static, Result<T>> = Box::pin(work);
                work.shared()
            });
            Waiting { joined: self, key, read: read.clone() }
        };
        waiting.read.clone().await
    }

    fn lock(&self) -> MutexGuard<'_, Reads<K, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A waiting caller. The last one removes the work, done or not; nobody joins work that is done.
struct Waiting<'j, K: Eq + Hash + Clone, T: Clone + Send + Sync + 'static> {
    joined: &'j Joined<K, T>,
    key: K,
    read: Shared<BoxFuture<'static, Result<T>>>,
}

impl<K: Eq + Hash + Clone, T: Clone + Send + Sync + 'static> Drop for Waiting<'_, K, T> {
    fn drop(&mut self) {
        let mut reads = self.joined.lock();
        let is_ours = reads.get(&self.key).is_some_and(|read| read.ptr_eq(&self.read));
        // The map's copy and this one.
        let alone = self.read.strong_count().is_none_or(|count| count <= 2);
        if is_ours && (alone || self.read.peek().is_some()) {
            reads.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn who_asks_the_same_at_the_same_time_shares_one_read() {
        let joined: Joined<u32, u32> = Joined::default();
        let done = Arc::new(AtomicU32::new(0));
        let (go, wait) = oneshot::channel::<()>();
        let counted = Arc::clone(&done);
        let mut first = Box::pin(joined.join(1, async move {
            let _ = wait.await;
            Ok(counted.fetch_add(1, Ordering::SeqCst))
        }));
        assert!(poll!(&mut first).is_pending());
        let again = || async { unreachable!("somebody reads it already") };
        let mut second = Box::pin(joined.join(1, again()));
        assert!(poll!(&mut second).is_pending());
        assert_eq!(joined.join(2, async { Ok(7) }).await, Ok(7), "another question waits for nobody");
        // Whoever began leaves; the other one goes on with the work.
        drop(first);
        go.send(()).unwrap();
        assert_eq!(second.await, Ok(0));
        assert_eq!(done.load(Ordering::SeqCst), 1);
        assert!(joined.lock().is_empty());
        assert_eq!(joined.join(1, async { Ok(8) }).await, Ok(8), "what was read before is not kept");
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_forgotten() {
        let joined: Joined<u32, u32> = Joined::default();
        for key in 0..10 {
            let mut left = Box::pin(joined.join(key, std::future::pending()));
            assert!(poll!(&mut left).is_pending());
        }
        assert!(joined.lock().is_empty());
    }
}
